"""The verb `plan`."""

from __future__ import annotations

from planrunner.steps.base import StepKind

KIND = StepKind(verb="plan", schema={})
