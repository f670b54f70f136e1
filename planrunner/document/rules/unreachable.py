"""What a plan holds, some run can come to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planrunner.document.problem import Problem
from planrunner.document.rules.scope import is_always, where
from planrunner.document.source import ListNode, MapNode, Node
from planrunner.document.tables import HANDLED
from planrunner.document.tree import text_of
from planrunner.document.view import Document, StepList, StepView

_TO_BE_NAMED: Final = frozenset(("rejected", "limit_exceeded", "hook_error"))
"""The errors that a handler without `match` leaves alone."""


def check(document: Document) -> Iterator[Problem]:
    """The first case of a switch, handler of an error, and step of a list that nothing leads to; and what would follow
    a time-out that no question has.
    """
    for node, message in _found(document):
        yield document.problem(node, "unreachable", message, "warning")


def _found(document: Document) -> Iterator[tuple[Node, str]]:
    for steps in dict.fromkeys(step.within for step in document.steps):
        yield from _after_exit(steps)
    for step in document.steps:
        yield from _after_all(_maps(step, "switch"))
        yield from _handled_above(_maps(step, "on_error"))
        yield from _after_no_time(step.node.get("clarify"))


def _after_exit(steps: StepList) -> Iterator[tuple[Node, str]]:
    """What waits for the end of the plan never starts."""
    ends = (step for step in steps.steps if step.verb == "exit" and _always_runs(step) and steps.role != "finally")
    end = next(ends, None)
    if end is not None:
        for step in steps.steps:
            if step is not end and steps.order.has_ended(end.index, step.index):
                told = f"nothing comes to this step: {end.name!r} ends the plan before it; give {end.name!r} a 'when'"
                yield step.node, told
                return


def _always_runs(step: StepView) -> bool:
    return "when" not in step.node.entries or is_always(step.node.get("when"), True)


def _after_all(cases: list[MapNode]) -> Iterator[tuple[Node, str]]:
    """The first case that holds is run."""
    seen: dict[str, MapNode] = {}
    for place, case in enumerate(cases):
        condition = case.get("when")
        same = seen.get((text_of(condition) or "").strip())
        if same is not None:
            yield case, f"nothing comes to this case: the one at {where(same)} has the same 'when'; take one out"
            return
        if place + 1 < len(cases) and ("when" not in case.entries or is_always(condition, True)):
            why = "whose 'when' is always true" if condition else "which has no 'when'"
            told = f"nothing comes to this case: the one at {where(case)}, {why}, takes all; move that one to the end"
            yield cases[place + 1], told
            return
        if text_of(condition):
            seen[str(text_of(condition)).strip()] = case


def _handled_above(handlers: list[MapNode]) -> Iterator[tuple[Node, str]]:
    """The first handler that matches is taken."""
    handled: set[str] = set()
    for handler in handlers:
        kinds = _kinds(handler)
        if kinds and kinds <= handled:
            yield handler, "nothing comes to this handler: those above it handle every kind it matches; take it out"
            return
        handled |= kinds


def _after_no_time(question: Node | None) -> Iterator[tuple[Node, str]]:
    """A question without `timeout` waits for ever."""
    if not isinstance(question, MapNode) or "timeout" in question.entries:
        return
    if isinstance(question.get("on_timeout"), MapNode):  # `fail` stands for what is done anyway
        told = "nothing comes to this 'on_timeout': the question has no 'timeout' and waits for ever; add 'timeout: 1d'"
        yield question.key("on_timeout"), told


def _kinds(handler: MapNode) -> set[str]:
    if "match" not in handler.entries:
        return set(HANDLED) - _TO_BE_NAMED
    match = handler.get("match")
    return {text_of(kind) or "" for kind in match.items} if isinstance(match, ListNode) else set()


def _maps(step: StepView, key: str) -> list[MapNode]:
    node = step.node.get(key)
    return [item for item in node.items if isinstance(item, MapNode)] if isinstance(node, ListNode) else []
