"""Templates and expressions can be read."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import MAX_TEMPLATES, Document


def check(document: Document) -> Iterator[Problem]:
    """What the template language itself finds wrong."""
    for site, found in document.template_problems:
        yield document.problem_in(site, found.offset, "template-syntax", found.message)
    unread = document.too_many_templates()
    if unread is not None:
        message = f"more than {MAX_TEMPLATES:,} different templates in one file: split the plan"
        yield document.problem(unread.node, "template-syntax", message)
