"""A value is compared with one that it can have."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Every comparison with a value that what is read never has."""
    return document.types.problems_of("not-in-enum")
