"""What plans say of their steps, for people: told when a run begins, and found again for each step of its record.

A step's id is unique in its own file alone, so each plan inside of the run has a table of its own, told once however
often the plan runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from planrunner.plan import NOTHING, Plan


class _Table(NamedTuple):
    """Of one plan: id → description (null hides one of the same id around it); `plan` step → number of its table."""

    descriptions: Mapping[str, str | None]
    plans: Mapping[str, int]


def described(plan: Plan) -> dict[str, Any]:
    """What is recorded when a run of the plan begins: `descriptions`, and `inside` of those of its sub-plans."""
    own = {step.id: step.description for step in plan.walk() if step.description is not None}
    if not plan.subplans:
        return {"descriptions": own}
    found = {id(each): each for each in _all_inside(plan)}
    places = {key: place for place, key in enumerate(found)}
    shown = {step.id for each in (plan, *found.values()) for step in each.walk() if step.description is not None}
    tables = [{"descriptions": _shown(each, shown), "plans": _plans(each, places)} for each in found.values()]
    return {"descriptions": own, "inside": {"plans": _plans(plan, places), "tables": tables}}


def _all_inside(plan: Plan) -> list[Plan]:
    """Every plan inside of it once, whatever the number of its runs."""
    found: dict[int, Plan] = {}
    heap = [*plan.subplans.values()]
    while heap:
        each = heap.pop()
        if id(each) not in found:
            found[id(each)] = each
            heap += each.subplans.values()
    return [*found.values()]


def _shown(plan: Plan, shown: set[str]) -> dict[str, str | None]:
    return {step.id: step.description for step in plan.walk() if step.id in shown}


def _plans(plan: Plan, places: Mapping[int, int]) -> dict[str, int]:
    return {step.id: places[id(plan.subplans[step.value])] for step in plan.walk() if step.verb == "plan"}


class Descriptions:
    """The descriptions of a place in a run: those of its plan, and behind them of the plans around it, for steps that
    handle the error of a `plan` step stand beside that plan's own."""

    __slots__ = ("_around", "_tables")

    def __init__(self, tables: tuple[_Table, ...] = (), around: tuple[_Table, ...] = ()) -> None:
        self._tables = tables
        self._around = around

    @classmethod
    def recorded(cls, body: Mapping[str, Any]) -> Descriptions:
        """Those of the plan at the top, from what `described` gave."""
        inside = body.get("inside", NOTHING)
        tables = tuple(_Table(each["descriptions"], each["plans"]) for each in inside.get("tables", ()))
        return cls(tables, (_Table(body.get("descriptions", {}), inside.get("plans", {})),))

    def of(self, step: str) -> str | None:
        """What is said of the step with this id; None when nothing is."""
        return next((table.descriptions[step] for table in self._around if step in table.descriptions), None)

    def inside(self, step: str) -> Descriptions:
        """Those that hold inside of the step with this id."""
        place = next((table.plans[step] for table in self._around if step in table.plans), None)
        return self if place is None else Descriptions(self._tables, (self._tables[place], *self._around))
