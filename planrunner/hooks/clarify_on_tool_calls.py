"""`clarify_on_tool_calls`, `clarify_on_all_tool_calls`: a person says yes or no before a tool is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner.clarification import Clarification, ClarificationCategory, UserVerificationClarification
from planrunner.errors import ToolHardError
from planrunner.hooks.base import speaks
from planrunner.jsonsafe import dumps
from planrunner.plan import Step
from planrunner.plan_run import PlanRun
from planrunner.tools.base import Tool

Hook = Callable[..., Clarification | None]


@speaks("clarify")
def clarify_on_all_tool_calls(tool: Tool, args: dict[str, Any], plan_run: PlanRun, step: Step) -> Clarification | None:
    """Hook for `before_tool_call`: asks before every tool call. A no is ToolHardError."""
    return _verify(tool, args, plan_run, None, "end_user")


def clarify_on_tool_calls(tool: str | Tool | list[str] | list[Tool]) -> Hook:
    """A hook for `before_tool_call` that asks before calls of these tools (names, globs, tools). A no rejects."""
    listed = tool if isinstance(tool, list) else [tool]
    return make(tools=[named.id if isinstance(named, Tool) else named for named in listed])


def make(tools: list[str], to: Any = "end_user") -> Hook:
    """The hook of a plan: `tools` (globs) and `to`; `guidance` is a template, and comes with each firing."""

    @speaks("clarify", tools)
    def clarify(
        tool: Tool, args: dict[str, Any], plan_run: PlanRun, step: Step, *, guidance: Any = None
    ) -> Clarification | None:
        return _verify(tool, args, plan_run, guidance, to)

    return clarify


def make_for_all(to: Any = "end_user") -> Hook:
    """As `make`, for every tool."""
    return make([], to)


def _verify(tool: Tool, args: dict[str, Any], plan_run: PlanRun, guidance: Any, to: Any) -> Clarification | None:
    asked = plan_run.get_clarification_for_step(ClarificationCategory.USER_VERIFICATION)
    if asked is None or not asked.resolved:
        call = f"{tool.name} with {dumps(args)}"
        text = guidance if isinstance(guidance, str) else dumps(guidance)  # as in a template's text
        told = f"May {tool.name} be called with {dumps(args)}?" if guidance is None else f"{text} ({call})"
        return UserVerificationClarification(plan_run_id=plan_run.id, user_guidance=told, to=to)
    if asked.response != "yes":
        raise ToolHardError(f"User rejected tool call to {tool.name} with args {dumps(args)}")
    return None
