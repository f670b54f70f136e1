"""A hook sees the plan, and can't change it."""

from __future__ import annotations

from typing import Any

from planrunner import ExecutionHooks, Runner
from tests.conftest import PlanOf


def test_a_hook_can_not_change_the_plan(plan_of: PlanOf) -> None:
    def meddle(plan: Any, plan_run: Any, step: Any) -> None:
        plan.steps[1].value["n"] = 99
        plan.inputs["properties"] = {}

    plan = plan_of("steps: [{id: a, set: 1}, {id: b, set: {n: 1}}]")
    runner = Runner(store="memory", execution_hooks=ExecutionHooks(before_step_execution=meddle))
    assert runner.run(plan).step_outputs["$b"].value == {"n": 1}
    assert plan.steps[1].value == {"n": 1}
