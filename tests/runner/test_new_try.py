"""`resume --retry`: which steps are open again."""

from __future__ import annotations

from typing import Any

from planrunner import Runner, Tool, ToolRunContext
from tests.conftest import PlanOf


class Flaky(Tool):
    """Fails for ever, or the first time it is called for a name."""

    id = "flaky"
    effect = "read"
    inline = True

    def __init__(self) -> None:
        self.calls: list[str] = []

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.calls.append(args["name"])
        if args["name"] == "always" or self.calls.count(args["name"]) == 1:
            raise ValueError("no")
        return args["name"]


def test_a_failure_that_was_handled_is_not_tried_again(plan_of: PlanOf) -> None:
    plan = plan_of("""
        tools: {flaky: {}}
        steps:
          - id: handled
            repeat: {until: steps.handled.output == 1, max: 1}
            tool: flaky
            args: {name: always}
            on_error: [{output: instead}]
          - {id: once, tool: flaky, args: {name: once}}
    """)
    tool = Flaky()
    with Runner(store="memory", tools=[tool]) as runner:
        failed = runner.run(plan)
        assert (failed.state, tool.calls) == ("FAILED", ["always", "once"])
        record = runner.resume(failed, retry=True)
    assert (record.state, tool.calls) == ("COMPLETE", ["always", "once", "once"])
    handled = record.steps[0]
    assert (handled.state, handled.steps[0].path, handled.steps[0].state) == ("COMPLETE", "handled(1)", "FAILED")
