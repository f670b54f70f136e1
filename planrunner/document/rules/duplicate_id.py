"""An id names one step in the whole file."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Every id that an earlier step has."""
    for step in document.steps:
        first = document.by_id[step.name].id
        if step.id is not None and first is not None and first is not step.id:
            where = f"{first.line}:{first.column}"
            message = f"the id {step.name!r} is used twice, first at {where}: give this step another one"
            yield document.problem(step.id, "duplicate-id", message)
