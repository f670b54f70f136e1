"""Steps do not wait for each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planrunner.document.problem import Problem
from planrunner.document.view import Document, StepList

_SHOWN: Final = 12


def check(document: Document) -> Iterator[Problem]:
    """One problem for each list that has a circle, with the whole of it."""
    lists = dict.fromkeys(step.within for step in document.steps)
    for steps in lists:
        if steps.order.circle:
            yield _tell(document, steps, steps.order.circle)


def _tell(document: Document, steps: StepList, circle: list[int]) -> Problem:
    members = [steps.steps[place] for place in circle]
    names = [step.name for step in members]
    if len(names) == 2:
        message = f"the step {names[0]!r} waits for itself: take it out of its 'needs'"
        return document.problem(members[0].node.key("needs"), "needs-cycle", message)
    if len(names) > _SHOWN:
        names[_SHOWN - 1 : -1] = ["…"]
    path = " → ".join(names)
    tellers = [step for step in members[:-1] if step.needs() is not None]
    step = min(tellers or members, key=lambda one: one.index)
    node = step.node.key("needs") if step.needs() is not None else step.node
    implied = [one.name for one in members[:-1] if one.needs() is None][:_SHOWN]
    note = f" ({', '.join(implied)} without 'needs' waits for every step above it)" if implied else ""
    return document.problem(
        node, "needs-cycle", f"these steps wait for each other: {path}{note}; remove one of the needs"
    )
