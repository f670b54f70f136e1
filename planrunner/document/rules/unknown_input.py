"""A template reads inputs that the plan declares."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.view import Document
from planrunner.document.words import near


def check(document: Document) -> Iterator[Problem]:
    """Every `inputs.NAME` that `inputs` does not have."""
    declared = document.table("inputs").entries
    for site, reference in document.references:
        if reference.names[0] != "inputs" or len(reference.names) < 2:
            continue
        name = str(reference.names[1])
        if name not in declared and document.tells("inputs"):
            advice = near(name, declared) or f"; declare it: 'inputs: {{{name}: {{type: string}}}}'"
            yield document.problem_in(
                site, reference.offset, "unknown-input", f"the plan has no input {name!r}{advice}"
            )
