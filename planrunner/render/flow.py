"""A plan as boxes, nodes and arrows: what every drawn picture of it shows, whatever it is written in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Final

from planrunner.plan import Plan, Step
from planrunner.render.graph import subplans
from planrunner.render.plan_words import caught, does, instead, marks, short, title_of

NEXT: Final = "next"
ERROR: Final = "error"
RUNS: Final = "runs"
"""Kinds of arrows: to what comes after, to what handles an error, to the plan that a step runs."""

DECISION: Final = "decision"
HANDLED: Final = "handled"
_COLUMNS: Final = 48


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that is done.

    key    of letters, digits and `_`, unique in the picture
    lines  of its label, each safe for a terminal and of any other characters
    shape  a verb, or DECISION for the choice of a switch, HANDLED for an output in place of an error
    """

    key: str
    lines: tuple[str, ...]
    shape: str


@dataclass(frozen=True, slots=True)
class Box:
    """Something that has others inside; never empty."""

    key: str
    lines: tuple[str, ...]
    inner: tuple[Part, ...]


Part = Node | Box


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one part to another; `kind` is NEXT, ERROR or RUNS."""

    start: str
    end: str
    label: str = ""
    kind: str = NEXT


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole picture."""

    title: str
    parts: tuple[Part, ...]
    arrows: tuple[Arrow, ...]


def flow_of(plan: Plan) -> Flow:
    """The picture of a plan. The plans that it runs stand beside it, each once."""
    inner = subplans(plan)
    places = {subplan.sha256: f"P{number}" for number, (_, subplan) in enumerate(inner, 1)}
    arrows: list[Arrow] = []
    parts = list(_Drawing(plan, "", places, arrows).parts())
    for name, subplan in inner:
        key = places[subplan.sha256]
        drawn = tuple(_Drawing(subplan, f"{key}_", places, arrows).parts())
        parts.append(Box(key, (f"plan {short(name)}", title_of(subplan)), drawn))
    return Flow(plan.name, tuple(parts), tuple(arrows))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The parts of a list of steps: all, those that nothing comes before, and those that nothing comes after."""

    parts: tuple[Part, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


@dataclass(slots=True)
class _Drawing:
    """Draws one plan; its arrows go to the common list. `prefix` of its keys, `places` of sub-plans by digest."""

    plan: Plan
    prefix: str
    places: dict[str, str]
    arrows: list[Arrow] = field(repr=False)

    def parts(self) -> Iterator[Part]:
        steps = self._list(self.plan.steps)
        yield from steps.parts
        if self.plan.finally_:
            key = f"{self.prefix}FINALLY"
            yield Box(key, ("finally",), self._list(self.plan.finally_).parts)
            self._connect(steps.last, key)

    def _list(self, steps: Sequence[Step]) -> _Drawn:
        """A step comes after those that it needs; without `needs`, after all above that nothing else comes after."""
        keys, ends = {}, dict[str, None]()
        parts, first = [], []
        for step in steps:
            part = self._step(step)
            parts.append(part)
            keys[step.id] = part.key
            before = list(ends) if step.needs is None else [keys[need] for need in step.needs]
            self._connect(before, part.key)
            for key in before:
                ends.pop(key, None)
            ends[part.key] = None
            if not before:
                first.append(part.key)
        return _Drawn(tuple(parts), tuple(first), tuple(ends))

    def _step(self, step: Step) -> Part:
        key = f"{self.prefix}S_{step.id}"
        body = self._body(step, key)
        if step.verb == "plan":
            self._connect([key], self.places[self.plan.subplans[step.value].sha256], kind=RUNS)
        if not step.on_error:
            return body
        handlers = tuple(self._handlers(step, key))
        return Box(f"{key}_H", (f"{step.id}, errors handled",), (body, *handlers))

    def _body(self, step: Step, key: str) -> Part:
        about = (short(step.description),) if step.description else ()
        told = (step.id, *about, does(step, self.plan), *marks(step))
        lines = tuple(line for each in told for line in wrap(each, _COLUMNS))
        if step.verb == "steps":
            return Box(key, lines, self._list(step.steps).parts)
        if step.verb == "switch":
            return Box(key, lines, self._cases(step, f"{key}_D"))
        return Node(key, lines, step.verb)

    def _cases(self, step: Step, key: str) -> tuple[Part, ...]:
        parts: list[Part] = [Node(key, ("which case?",), DECISION)]
        for case in step.cases:
            drawn = self._list(case.steps)
            parts += drawn.parts
            for first in drawn.first:
                self._connect([key], first, "else" if case.when is None else short(case.when))
        return tuple(parts)

    def _handlers(self, step: Step, key: str) -> Iterator[Part]:
        for number, handler in enumerate(step.on_error):
            if handler.steps:
                drawn = self._list(handler.steps)
                yield from drawn.parts
                first = drawn.first
            else:
                node = Node(f"{key}_E{number}", (instead(handler),), HANDLED)
                yield node
                first = (node.key,)
            for each in first:
                self._connect([key], each, caught(handler), ERROR)

    def _connect(self, starts: Iterable[str], end: str, label: str = "", kind: str = NEXT) -> None:
        self.arrows += [Arrow(start, end, label, kind) for start in starts]
