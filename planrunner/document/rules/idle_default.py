"""`default` stands behind what can be missing."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import Document
from planrunner.template.outcomes import idle_defaults


def check(document: Document) -> Iterator[Problem]:
    """Every `default` of a value that is written out: a filter takes the word just before it, and no more."""
    for site in document.readable:
        for offset in idle_defaults(site.node.value, site.bare):
            message = (
                "'default' stands in for this value alone, which is never missing: put it behind the value that may be "
                "missing, in brackets, as in (… | default(…))"
            )
            yield document.problem_in(site, offset, "idle-default", message, "warning")
