"""A field is read of what is surely there."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Every field that is read of an output that is null in some runs, where nothing guards it."""
    for site, found in document.types.found("may-be-null"):
        yield document.problem_in(site, found.offset, "may-be-null", found.message + document.use(site), "warning")
