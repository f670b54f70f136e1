"""The inputs of a `plan` step fit what that plan takes, as far as that is known without running anything."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.rules.wrong_args import misfits
from planrunner.document.tree import text_of
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Names that are missing or unknown, and values that are written out and do not fit."""
    for step in document.steps:
        name = text_of(step.node.get("plan")) if step.verb == "plan" else None
        plan = document.subplans.get(name) if name is not None else None
        if plan is not None:
            for node, message in misfits(step, "inputs", plan.inputs):
                yield document.problem(node, "wrong-inputs", f"the inputs of the plan {name!r}: {message}")
