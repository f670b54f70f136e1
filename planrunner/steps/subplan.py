"""The verb `plan`: runs another plan inside this run. Its output is that plan's final output."""

from __future__ import annotations

from typing import Any

from planrunner.steps.base import Scope, StepKind


async def run(scope: Scope) -> Any:
    """The final output of the plan. Raises what ended it."""
    return await scope.run_plan()


KIND = StepKind(
    verb="plan",
    schema={
        "type": "string",
        "minLength": 1,
        "x-expected": "the path of a plan relative to this file, or package.module:file.yml",
        "description": (
            "Runs another plan inside this run: its path relative to this file, inside the project, or "
            "package.module:file.yml. The output is its final output."
        ),
    },
    beside={
        "inputs": {"type": "object", "x-place": "template", "description": "What that plan is given: name → value."},
    },
    run=run,
)
