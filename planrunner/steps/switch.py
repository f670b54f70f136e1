"""The verb `switch`: runs the first case that holds."""

from __future__ import annotations

from typing import Any

from planrunner.steps.base import Scope, StepKind, last_output


async def run(scope: Scope) -> Any:
    """The output of the last step that ran, null when none did. Which case it is, is decided once."""
    number = scope.decide("case", lambda: _chosen(scope))
    return None if number is None else last_output(await scope.run_steps(scope.step.cases[number].steps))


def _chosen(scope: Scope) -> int | None:
    """The number of the first case that holds."""
    cases = enumerate(scope.step.cases)
    return next((number for number, case in cases if case.when is None or scope.holds(case.when)), None)


KIND = StepKind(
    verb="switch",
    schema={
        "type": "array",
        "minItems": 1,
        "x-expected": "a list of cases, each beginning with '- when: …' or '- steps: …'",
        "description": "Runs the first case that holds. The output is that of the last step it ran, else null.",
        "items": {
            "type": "object",
            "x-kind": "case",
            "properties": {
                "when": {"$ref": "#/$defs/expression", "description": "Left out in the last case: the else."},
                "steps": {"$ref": "#/$defs/steps", "description": "What this case does."},
            },
            "patternProperties": {"^x-": True},
            "additionalProperties": False,
            "required": ["steps"],
        },
    },
    run=run,
)
