"""The verb `plan`."""

from __future__ import annotations

from planrunner.steps.base import StepKind

KIND = StepKind(
    verb="plan",
    schema={
        "type": "string",
        "minLength": 1,
        "x-expected": "the path of a plan relative to this file, or package.module:file.yml",
        "description": "Runs another plan inside this run. The output is its final output.",
    },
    beside={
        "inputs": {"type": "object", "x-place": "template", "description": "The inputs of that plan."},
    },
)
