"""`log_step_outputs`: writes every step's output to the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from planrunner.jsonsafe import dumps
from planrunner.termsafe import term_safe

if TYPE_CHECKING:
    from planrunner.plan import Plan, Step
    from planrunner.plan_run import Output, PlanRun


def log_step_outputs(plan: Plan, plan_run: PlanRun, step: Step, output: Output) -> None:
    """Hook for `after_step_execution`: one line of the log per step, at level INFO."""
    logging.getLogger("planrunner").info("%s: %s", term_safe(step.path), term_safe(dumps(output.value)))


def make() -> Callable[..., None]:
    """The hook of a plan; it takes no settings."""
    return log_step_outputs
