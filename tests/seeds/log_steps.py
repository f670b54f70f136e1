"""The first example of the page on execution hooks, as printed; `load_dotenv()` is left out."""

from planrunner import Plan, PlanRun, Runner, Step, logger
from planrunner.execution_hooks import ExecutionHooks, clarify_on_all_tool_calls, log_step_outputs


def log_before_each_step(plan: Plan, plan_run: PlanRun, step: Step) -> None:
    """Log the output of a step in the plan."""
    logger().info(f"Running step with task {step.task} using tool {step.tool_id}")


runner = Runner(
    execution_hooks=ExecutionHooks(
        # Out custom hook defined above
        before_step_execution=log_before_each_step,
        # Imported hook to raise a clarification before all tool calls
        before_tool_call=clarify_on_all_tool_calls,
        # Imported hook to log the result of all steps
        after_step_execution=log_step_outputs,
    ),
)
