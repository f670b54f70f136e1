"""A field is read of what is surely there."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Every field that is read of an output that is null in some runs, where nothing guards it."""
    return document.types.problems_of("may-be-null", "warning")
