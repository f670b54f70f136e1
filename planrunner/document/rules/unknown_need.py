"""`needs` names steps of the same list."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import Document, StepView
from planrunner.document.words import listed, near

_SHOWN = 12


def check(document: Document) -> Iterator[Problem]:
    """Every need that is no step of the step's own list."""
    for step in document.steps:
        for node in step.needs() or []:
            if node.value not in step.within.places:
                yield document.problem(node, "unknown-need", _message(node.value, step, document))


def _message(name: str, step: StepView, document: Document) -> str:
    if name in document.by_id:
        wanted = "'needs' takes ids of the same list only, so name one of this list, or none"
        return f"the step {name!r} stands in another list: {wanted}"
    others = [other for other in step.within.places if other != step.name]
    there_are = f"; in this list there are {listed(others[:_SHOWN], 'and')}" if others else ": take it out"
    return f"there is no step {name!r} to wait for{near(name, others) or there_are}"
