"""The class reference of hooks and plan runs, name by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from planrunner import (
    Clarification,
    ClarificationCategory,
    ExecutionContext,
    PlanRun,
    PlanRunOutputs,
    PlanRunState,
    ReadOnlyPlanRun,
    Runner,
    Tool,
    ToolRunContext,
    execution_hooks,
)
from planrunner import plan_run as plan_run_module
from planrunner.execution_hooks import BeforeStepExecutionOutcome, ExecutionHooks
from tests.conftest import PlanOf

HOOKS = {
    "clarification_handler",
    "before_step_execution",
    "after_step_execution",
    "before_plan_run",
    "after_plan_run",
    "before_tool_call",
    "after_tool_call",
}


def test_execution_hooks() -> None:
    assert set(ExecutionHooks.model_fields) == HOOKS
    assert all(value is None for value in ExecutionHooks().model_dump().values())
    assert [outcome.name for outcome in BeforeStepExecutionOutcome] == ["CONTINUE", "SKIP"]


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (execution_hooks.clarify_on_all_tool_calls, ["tool", "args", "plan_run", "step"]),
        (execution_hooks.clarify_on_tool_calls, ["tool"]),
        (execution_hooks.log_step_outputs, ["plan", "plan_run", "step", "output"]),
        (PlanRun.get_outstanding_clarifications, ["self"]),
        (PlanRun.get_clarifications_for_step, ["self", "step"]),
        (PlanRun.get_clarification_for_step, ["self", "category", "step"]),
        (ReadOnlyPlanRun.from_plan_run, ["plan_run"]),
        (Runner.resolve_clarification, ["self", "clarification", "response", "plan_run", "by"]),
    ],
)
def test_parameters(function: Callable[..., Any], parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters


def test_plan_run() -> None:
    assert [state.name for state in PlanRunState] == [
        "NOT_STARTED", "IN_PROGRESS", "NEED_CLARIFICATION", "READY_TO_RESUME", "COMPLETE", "FAILED",
    ]  # fmt: skip
    assert all(state.name == state.value for state in PlanRunState)
    assert list(PlanRunOutputs.model_fields) == ["clarifications", "step_outputs", "final_output"]
    assert {"id", "plan_id", "current_step_index", "state", "execution_context"} <= set(PlanRun.model_fields)
    assert isinstance(PlanRun.outputs, property)
    assert issubclass(ReadOnlyPlanRun, PlanRun)
    assert plan_run_module.PlanRun is PlanRun


def test_categories() -> None:
    assert {category.name: category.value for category in ClarificationCategory} == {
        "ACTION": "Action",
        "INPUT": "Input",
        "MULTIPLE_CHOICE": "Multiple Choice",
        "VALUE_CONFIRMATION": "Value Confirmation",
        "USER_VERIFICATION": "User Verification",
        "CUSTOM": "Custom",
    }
    fields = {"id", "plan_run_id", "category", "response", "step", "user_guidance", "resolved", "source"}
    assert fields <= set(Clarification.model_fields)


def test_clarify_on_tool_calls_takes_names_and_tools(plan_of: PlanOf) -> None:
    """`str | Tool | list[str] | list[Tool]`: each form asks about the tool and about no other."""

    class One(Tool):
        id = "one"
        effect = "write"
        args_schema = {"type": "object"}

        def run(self, ctx: ToolRunContext) -> str:
            return self.id

    class Two(One):
        id = "two"

    plan = plan_of("tools: {one: {}, two: {}}\nsteps: [{id: a, needs: [], tool: one}, {id: b, needs: [], tool: two}]")
    one, two = One(), Two()
    for named, asked in (("one", ["a"]), (one, ["a"]), (["one", "two"], ["a", "b"]), ([one, two], ["a", "b"])):
        hook = execution_hooks.clarify_on_tool_calls(named)  # type: ignore[arg-type]
        runner = Runner(store="memory", tools=[one, two], execution_hooks=ExecutionHooks(before_tool_call=hook))
        record = runner.run(plan)
        assert [question.path for question in record.get_outstanding_clarifications()] == asked


def test_what_a_plan_run_tells(plan_of: PlanOf) -> None:
    record = Runner(store="memory").run(plan_of("steps: [{id: a, set: 1}]"), context={"end_user_id": "u"})
    assert str(record) == (
        f"Run(id={record.id}, plan_id={record.plan_id}, state=COMPLETE, current_step_index=0, final_output=set)"
    )
    assert record.execution_context == ExecutionContext(end_user_id="u")
    assert record.outputs.step_outputs["$a"].value == 1
    assert record.outputs.final_output is record.final_output
    assert record.get_clarifications_for_step() == record.get_outstanding_clarifications() == []
