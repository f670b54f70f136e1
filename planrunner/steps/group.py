"""The verb `steps`."""

from __future__ import annotations

from planrunner.steps.base import StepKind

KIND = StepKind(
    verb="steps",
    schema={
        "$ref": "#/$defs/steps",
        "description": "A group of steps. The output is a map: id → output.",
    },
)
