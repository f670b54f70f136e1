"""The verb `switch`."""

from __future__ import annotations

from planrunner.steps.base import StepKind

KIND = StepKind(
    verb="switch",
    schema={
        "type": "array",
        "minItems": 1,
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
)
