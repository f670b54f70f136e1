"""`skip_step`: skips the steps it is bound to, at `before_step_execution`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner.hooks.outcome import BeforeStepExecutionOutcome


def make() -> Callable[..., BeforeStepExecutionOutcome]:
    """The hook of a plan; it takes no settings."""

    def skip(*_: Any) -> BeforeStepExecutionOutcome:
        return BeforeStepExecutionOutcome.SKIP

    return skip
