"""The second example of the page on execution hooks, as printed."""

from typing import Any

from planrunner import (
    Clarification,
    ClarificationCategory,
    ExecutionHooks,
    PlanRun,
    Runner,
    Step,
    Tool,
    ToolHardError,
)
from planrunner.clarification import UserVerificationClarification


def clarify_before_refunds(
    tool: Tool,
    args: dict[str, Any],
    plan_run: PlanRun,
    step: Step,
) -> Clarification | None:
    # Only raise a clarification for the refund tool
    if tool.id != "refund_tool":
        return None

    # Find if the clarification if we already raised it
    previous_clarification = plan_run.get_clarification_for_step(ClarificationCategory.USER_VERIFICATION)

    # If we haven't raised it, or it has been resolved, raise a clarification
    if not previous_clarification or not previous_clarification.resolved:
        return UserVerificationClarification(
            plan_run_id=plan_run.id,
            user_guidance=f"Are you happy to proceed with the call to {tool.name} with args {args}? "
            "Enter 'y' or 'yes' to proceed",
        )

    # If the user didn't verify the tool call, error out
    if str(previous_clarification.response).lower() not in ["y", "yes"]:
        raise ToolHardError("User rejected tool call to {tool.name} with args {args}")

    # If the user did verify the tool call, continue to the call
    return None


runner = Runner(execution_hooks=ExecutionHooks(before_tool_call=clarify_before_refunds))
