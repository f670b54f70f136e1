"""Hooks as Python callers give them to a Runner, and the hooks that come with planrunner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from planrunner.clarification_handler import ClarificationHandler
from planrunner.hooks.clarify_on_tool_calls import clarify_on_all_tool_calls, clarify_on_tool_calls
from planrunner.hooks.log_step_outputs import log_step_outputs
from planrunner.hooks.outcome import BeforeStepExecutionOutcome

Hook = Callable[..., Any]
Hooks = Hook | Sequence[Hook] | None

__all__ = [
    "BeforeStepExecutionOutcome",
    "ExecutionHooks",
    "clarify_on_all_tool_calls",
    "clarify_on_tool_calls",
    "log_step_outputs",
]


class ExecutionHooks(BaseModel):
    """Code around a run. Each field takes a function, sync or async, or a list of them, fired in order.

    clarification_handler  answers questions while the run goes on
    before_plan_run        (plan, plan_run): once, before the first step
    before_step_execution  (plan, plan_run, step) -> BeforeStepExecutionOutcome | None
    after_step_execution   (plan, plan_run, step, output): also on an error, with its message as the output's value
    before_tool_call       (tool, args, plan_run, step) -> Clarification | None; `args` may be changed in place
    after_tool_call        (tool, output, plan_run, step) -> Clarification | None
    after_plan_run         (plan, plan_run, output): when the run has ended, COMPLETE or FAILED; not on a pause
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    clarification_handler: ClarificationHandler | None = None
    before_plan_run: Hooks = None
    before_step_execution: Hooks = None
    after_step_execution: Hooks = None
    before_tool_call: Hooks = None
    after_tool_call: Hooks = None
    after_plan_run: Hooks = None
