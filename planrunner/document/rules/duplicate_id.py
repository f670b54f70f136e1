"""An id names one step in the whole file, and a path one step in the whole run."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.tree import text_of
from planrunner.document.view import Document, StepView


def check(document: Document) -> Iterator[Problem]:
    """Every id that an earlier step has, or that a handler's step shares with one of the plan it is there for."""
    for step in document.steps:
        first = document.by_id[step.name].id
        if step.id is not None and first is not None and first is not step.id:
            where = f"{first.line}:{first.column}"
            message = f"the id {step.name!r} is used twice, first at {where}: give this step another one"
            yield document.problem(step.id, "duplicate-id", message)
        owner = step.within.owner
        if step.id is not None and owner is not None and step.name in _ids_beside(document, step, owner):
            message = f"the plan of the step {owner.name!r} has a step {step.name!r} too: give this step another id"
            yield document.problem(step.id, "duplicate-id", message)


def _ids_beside(document: Document, step: StepView, owner: StepView) -> set[str]:
    """The ids in a sub-plan, for a step that handles its failure: in a run both stand under the step that runs it."""
    plan = document.subplans.get(text_of(owner.node.get("plan")) or "")
    if step.within.role != "on_error" or owner.verb != "plan" or plan is None:
        return set()
    return {inner.id for inner in (*plan.steps, *plan.finally_)}
