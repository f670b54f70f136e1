"""The items of a `foreach`: the list of them as it is recorded, and which may still start, or go on."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any

from planrunner.errors import ExhaustedError, TemplateError
from planrunner.jsonsafe import to_json_safe
from planrunner.place import Place
from planrunner.plan import Foreach
from planrunner.questions import Waiting
from planrunner.run_state import ENDED, FAILED
from planrunner.scope import PlanExit, PlanScope
from planrunner.step_list import StepFailed
from planrunner.template import compile_expression


class ItemsLeft:
    """The items of a foreach that are still to be carried. Once one has failed no further one starts."""

    def __init__(self, scope: PlanScope, path: str, total: int) -> None:
        self._scope = scope
        self._path = path
        self._total = total
        self._index = 0
        self._waits = False
        self._exit: PlanExit | None = None
        self._failures: dict[int, StepFailed] = {}
        items = scope.ledger.state.steps[path].items
        self._states: Sequence[str | None] = () if items is None else items.states
        self._stopped = FAILED in self._states

    def next(self) -> int | None:
        """The next item that may start, or go on."""
        while self._index < self._total:
            index, self._index = self._index, self._index + 1
            stopped = self._stopped or self._scope.exited is not None
            if not stopped or f"{self._path}[{index}]" in self._scope.ledger.state.steps:
                return index
        return None

    def take(self, index: int, raised: BaseException | None) -> None:
        """Take in how an item ended."""
        if isinstance(raised, StepFailed):
            self._failures[index] = raised
            self._stopped = True
        elif isinstance(raised, PlanExit):
            self._exit = self._exit or raised
        elif isinstance(raised, Waiting):
            self._waits = True
        elif raised is not None:
            raise raised

    def settle(self) -> None:
        """All that could start has ended or waits. An exit elsewhere counts only where it kept items from starting."""
        if self._exit is not None:
            raise self._exit
        if self._waits:
            raise Waiting
        if self._failures:
            raise self._failures[min(self._failures)]
        if self._scope.exited is not None and not all(state in ENDED for state in self._states):
            raise self._scope.exited


async def outcome_of(work: Awaitable[None]) -> BaseException | None:
    """What the work raised, of what a list of items has to do with."""
    try:
        await work
    except (StepFailed, PlanExit, Waiting) as raised:
        return raised
    return None


def items_of(foreach: Foreach, place: Place) -> list[Any]:
    """The list of a foreach, as it is recorded."""
    value = compile_expression(foreach.in_)(place.names)
    if not isinstance(value, list | tuple):
        raise TemplateError(f"`{foreach.in_}` must be a list, and is {_shape(value)}")
    if len(value) > foreach.max_items:
        raise ExhaustedError(f"`{foreach.in_}` has {len(value):,} items, more than max_items ({foreach.max_items:,})")
    items: list[Any] = to_json_safe(list(value), "the items")
    return items


def _shape(value: Any) -> str:
    names = {dict: "an object", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
