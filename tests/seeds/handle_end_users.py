"""The example of the page on end users, as printed; a plan may stand in place of the query."""

from planrunner import (
    Plan,
    PlanRun,
    Runner,
    default_config,
    example_tool_registry,
    execution_context,
)

config = default_config()
runner = Runner(tools=example_tool_registry)


QUERY = "Get the temperature in Svalbard and write me a personalized greeting with the result."


def main(query: str | Plan = QUERY) -> PlanRun:
    # We can also provide additional execution context to the process
    with execution_context(
        end_user_id="DemoUser123",
        additional_data={"email_address": "demo@portialabs.ai", "name": "Nicholas of Patara"},
    ):
        plan_run = runner.run(
            query,
        )
    print(plan_run.model_dump_json(indent=2))
    return plan_run


def resume(plan_run: PlanRun) -> PlanRun:
    # if we want to resume the plan run with a new execution context, we can override it
    with execution_context(context={"end_user_id": "DemoUser456"}):
        return runner.run(plan_run)
