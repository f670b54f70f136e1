"""Templates and expressions can be read."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """What the template language itself finds wrong."""
    for site, found in document.template_problems:
        yield document.problem_in(site, found.offset, "template-syntax", found.message)
    unread = document.first_unread()
    if unread is not None:
        message = "from here on templates are not looked at, there are too many in this plan: split it"
        yield document.problem_at(unread, "template-syntax", message)
