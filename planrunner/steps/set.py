"""The verb `set`: computes a value of any shape."""

from __future__ import annotations

from typing import Any

from planrunner.steps.base import Scope, StepKind


async def run(scope: Scope) -> Any:
    """The value, with its templates rendered."""
    return scope.render(scope.step.value)


KIND = StepKind(
    verb="set",
    schema={
        "x-place": "template",
        "description": "A value of any shape; its templates are rendered. The output is that value.",
    },
    run=run,
)
