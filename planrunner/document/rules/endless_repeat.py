"""A loop can end before its last round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planrunner.document.problem import Problem
from planrunner.document.rules.scope import around, is_always
from planrunner.document.source import ListNode, MapNode, Node
from planrunner.document.tree import text_of
from planrunner.document.view import Document, StepView

_ENDS_WITH: Final = "exhausted"


def check(document: Document) -> Iterator[Problem]:
    """Every `until` that is never true, where nothing handles what comes of it."""
    for step in document.steps:
        loop = step.node.get("repeat")
        until = loop.get("until") if isinstance(loop, MapNode) else None
        if until is not None and is_always(until, False) and not any(map(_handles_it, around(step))):
            message = (
                f"'until' is never true, so that {step.name!r} always fails with '{_ENDS_WITH}' after 'max' rounds: "
                "write when the loop is done"
            )
            yield document.problem(until, "endless-repeat", message)


def _handles_it(step: StepView) -> bool:
    handlers = step.node.get("on_error")
    return isinstance(handlers, ListNode) and any(_matches(handler) for handler in handlers.items)


def _matches(handler: Node) -> bool:
    match = handler.get("match") if isinstance(handler, MapNode) else None
    return not isinstance(match, ListNode) or any(text_of(kind) == _ENDS_WITH for kind in match.items)
