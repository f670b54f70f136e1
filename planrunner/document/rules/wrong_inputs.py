"""The inputs of a `plan` step fit what that plan takes, as far as that is known without running anything."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.rules.wrong_args import UNKNOWN, misfits, unfits
from planrunner.document.schema_types import of_schema
from planrunner.document.tree import text_of
from planrunner.document.types import Type
from planrunner.document.view import Document
from planrunner.schema_words import SchemaProblem


def check(document: Document) -> Iterator[Problem]:
    """Names that are missing or unknown, values that do not fit, and templates that surely give such values."""
    wanted: dict[str, Type] = {}
    for step in document.steps:
        name = text_of(step.node.get("plan")) if step.verb == "plan" else None
        plan = document.subplans.get(name) if name is not None else None
        if name is not None and plan is not None:
            if name not in wanted:
                wanted[name] = of_schema(plan.inputs)
            for node, found in misfits(step, "inputs", plan.inputs):
                yield document.problem(node, "wrong-inputs", _message(f"the plan {name!r}", found))
            for unfit in unfits(document, step, "inputs", wanted[name]):
                problem = document.problem(unfit.node, "wrong-inputs", _message(f"the plan {name!r}", unfit.found))
                if unfit.builtin:
                    document.types.about_builtin.add(problem)
                yield problem


def _message(plan: str, found: SchemaProblem) -> str:
    name = str(found.path[0]) if len(found.path) == 1 else None
    if name is not None and found.message == "is missing":
        return f"{plan} needs the input {name!r}: add it"
    if name is not None and found.message.startswith(UNKNOWN):
        return f"{plan} has no input {name!r}{found.message.removeprefix(UNKNOWN) or ': it takes none'}"
    return f"the inputs of {plan}: {found}"
