"""The verb `exit`."""

from __future__ import annotations

from planrunner.steps.base import StepKind

KIND = StepKind(verb="exit", schema={})
