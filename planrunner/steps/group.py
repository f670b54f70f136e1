"""The verb `steps`: a group of steps. Its output is a map: id → output."""

from __future__ import annotations

from planrunner.steps.base import Recorded, Scope, StepKind


async def run(scope: Scope) -> Recorded:
    """The outputs of its steps by id; null for one that was skipped."""
    steps = await scope.run_steps(scope.step.steps)
    value = {step_id: None if step is None else step.output for step_id, step in steps.items()}
    return Recorded(value, {"gathers": list(steps), "around": scope.path})


KIND = StepKind(
    verb="steps",
    schema={
        "$ref": "#/$defs/steps",
        "description": "A group of steps. The output is a map: id → output.",
    },
    run=run,
)
