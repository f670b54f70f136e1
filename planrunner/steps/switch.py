"""The verb `switch`."""

from __future__ import annotations

from planrunner.steps.base import StepKind

KIND = StepKind(verb="switch", schema={})
