"""A plan has no more hooks than every call can be held against."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import MAX_BINDINGS, MAX_GLOBS, Document


def check(document: Document) -> Iterator[Problem]:
    """One problem where there are more bindings, or globs with a wildcard in them, than a plan may have."""
    if not document.has_few_hooks:
        message = (
            f"a plan may bind at most {MAX_BINDINGS} hooks, with at most {MAX_GLOBS} globs in them that have a "
            "wildcard: name several tools or steps in one binding"
        )
        yield document.problem(document.root.key("hooks"), "too-many-hooks", message)
