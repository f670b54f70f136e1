"""A template reads fields that are there, as far as a schema or the plan itself tells."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Every field that what is read surely does not have: a closed object, a text, a number, a list."""
    return document.types.problems_of("unknown-field")
