"""Tool calls made again and given up: `retry` and `timeout` of tool steps, and of the calls of agents."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import Any

import pytest

from planrunner import (
    ExecutionHooks,
    PlanRun,
    Runner,
    Tool,
    ToolHardError,
    ToolRunContext,
    ToolSoftError,
    UserVerificationClarification,
)
from planrunner.document.script import Script
from tests.conftest import PlanOf

SLACK = 2.0
"""Seconds that a loaded machine may be late."""


class Tries(Tool):
    """Raises these errors one after another, then works; a number is slept."""

    id = "tries"
    args_schema = {"type": "object", "properties": {"n": {"type": "integer"}}}

    def __init__(self, *troubles: Exception | float, effect: str = "read") -> None:
        self.effect = effect  # type: ignore[assignment]
        self.troubles = list(troubles)
        self.keys: Counter[str] = Counter()
        self.args: list[dict[str, Any]] = []
        self.ended = threading.Event()

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.keys[ctx.idempotency_key] += 1
        self.args.append(dict(args))
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, Exception):
            raise trouble
        if trouble is not None:
            time.sleep(trouble)
            self.ended.set()
        return f"attempt {sum(self.keys.values())}"

    @property
    def calls(self) -> int:
        assert len(self.keys) <= 1, "one call, one idempotency key"
        return sum(self.keys.values())


def carry(
    plan_of: PlanOf, tool: Tries, step: str = "", entry: str = "", hooks: ExecutionHooks | None = None
) -> tuple[PlanRun, float]:
    plan = plan_of(f"tools: {{tries: {{{entry}}}}}\nsteps: [{{id: a, tool: tries, args: {{n: 1}}{step}}}]")
    began = time.monotonic()
    with Runner(tools=[tool], store="memory", execution_hooks=hooks) as runner:
        return runner.run(plan), time.monotonic() - began


def told(record: PlanRun) -> list[str]:
    (call,) = record.steps[0].tool_calls
    assert record.usage.tool_calls == call.attempts == len(call.failed_attempts) + 1
    return [*(failed.error.kind for failed in call.failed_attempts), call.error.kind if call.error else call.state]


SOFT, HARD = ToolSoftError("busy"), ToolHardError("gone")
QUICK = ", retry: {delay: 1ms"


@pytest.mark.parametrize(
    ("step", "effect", "troubles", "expected"),
    [
        ("", "read", [SOFT], ["tool_soft_error"]),
        (QUICK + "}", "read", [SOFT], ["tool_soft_error", "COMPLETE"]),
        (QUICK + "}", "write", [SOFT, SOFT], ["tool_soft_error"] * 2 + ["COMPLETE"]),
        (QUICK + "}", "irreversible", [SOFT], ["tool_soft_error", "COMPLETE"]),
        (QUICK + "}", "read", [SOFT] * 3, ["tool_soft_error"] * 3),
        (QUICK + ", max_attempts: 2}", "read", [SOFT] * 3, ["tool_soft_error"] * 2),
        (QUICK + "}", "read", [HARD], ["tool_error"]),
        (QUICK + ", on: [tool_error]}", "read", [HARD, ValueError("odd")], ["tool_error"] * 2 + ["COMPLETE"]),
        (QUICK + ", on: [tool_error]}", "write", [HARD], ["tool_error"]),
        (QUICK + ", on: [tool_error, tool_soft_error]}", "write", [SOFT, HARD], ["tool_soft_error", "tool_error"]),
        (QUICK + ", on: [tool_error]}", "read", [SOFT], ["tool_soft_error"]),
        (QUICK + "}, timeout: 100ms", "read", [1.0], ["timeout", "COMPLETE"]),
        (QUICK + "}, timeout: 100ms", "write", [1.0], ["timeout"]),
        (QUICK + ", on: [tool_soft_error]}, timeout: 100ms", "read", [1.0], ["timeout"]),
    ],
)
def test_what_is_called_again(
    plan_of: PlanOf, step: str, effect: str, troubles: list[Any], expected: list[str]
) -> None:
    tool = Tries(*troubles, effect=effect)
    record, _ = carry(plan_of, tool, step)
    assert told(record) == expected
    assert tool.calls == len(expected)
    assert record.state == ("COMPLETE" if expected[-1] == "COMPLETE" else "FAILED")
    assert tool.args == [{"n": 1}] * len(expected)


def test_the_defaults_of_the_plan_hold_where_a_step_says_nothing(plan_of: PlanOf) -> None:
    plan = plan_of("""
        tools: {tries: {}}
        defaults: {retry: {delay: 1ms, max_attempts: 2}, timeout: 100ms}
        steps: [{id: a, tool: tries}, {id: b, tool: tries, retry: {max_attempts: 1}}]
    """)
    tool = Tries(SOFT, 0.0, SOFT)
    with Runner(tools=[tool], store="memory") as runner:
        record = runner.run(plan)
    assert [step.tool_calls[0].attempts for step in record.steps] == [2, 1]
    assert record.error is not None
    assert (record.error.kind, record.error.step) == ("tool_soft_error", "b")


@pytest.mark.parametrize(("backoff", "at_least"), [("constant", 0.2), ("exponential", 0.24)])
def test_the_waits_between_attempts(plan_of: PlanOf, backoff: str, at_least: float) -> None:
    """Two waits: equal ones, or the second twice as long, with a fifth of it more or less."""
    tool = Tries(SOFT, SOFT)
    record, seconds = carry(plan_of, tool, f", retry: {{delay: 100ms, backoff: {backoff}}}")
    assert record.state == "COMPLETE"
    assert at_least <= seconds < at_least + SLACK


@pytest.mark.parametrize(
    ("step", "entry"), [(", timeout: 100ms", ""), ("", "timeout: 100ms"), (", timeout: 30s", "timeout: 100ms"),
                        (", timeout: 100ms", "timeout: 30s")],
)  # fmt: skip
def test_the_shortest_timeout_holds_and_a_sync_tool_is_abandoned(plan_of: PlanOf, step: str, entry: str) -> None:
    tool = Tries(1.0)
    record, seconds = carry(plan_of, tool, step, entry)
    assert told(record) == ["timeout"]
    assert seconds < 0.1 + 0.8, "the run waited for a tool whose time was over"
    assert not tool.ended.is_set()
    assert tool.ended.wait(10), "a thread can't be stopped: its result is dropped"
    assert record.steps[0].tool_calls[0].output is None


def test_an_async_tool_past_its_deadline_is_cancelled(plan_of: PlanOf) -> None:
    cancelled = threading.Event()

    class Sleeps(Tries):
        async def arun(self, ctx: ToolRunContext, **args: Any) -> Any:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled.set()
                raise

    record, seconds = carry(plan_of, Sleeps(), ", timeout: 100ms")
    assert told(record) == ["timeout"]
    assert seconds < 0.1 + SLACK
    assert cancelled.is_set()


def test_hooks_fire_before_each_attempt_and_one_approval_is_for_all(plan_of: PlanOf) -> None:
    fired: list[str] = []

    def approve(tool: Any, args: Any, plan_run: Any, step: Any) -> Any:
        answered = plan_run.get_clarifications_for_step()
        fired.append("asks" if not answered else str(answered[0].response))
        if not answered:
            return UserVerificationClarification(plan_run_id=plan_run.id, user_guidance="Really?")
        return None

    plan = plan_of(f"tools: {{tries: {{}}}}\nsteps: [{{id: a, tool: tries{QUICK}}}}}]")
    tool = Tries(SOFT, SOFT, effect="irreversible")
    with Runner(tools=[tool], store="memory", execution_hooks=ExecutionHooks(before_tool_call=approve)) as runner:
        record = runner.run(plan)
        (question,) = record.get_outstanding_clarifications()
        record = runner.resume(runner.resolve_clarification(question, "yes", record))
    assert record.state == "COMPLETE"
    assert tool.calls == 3
    assert fired == ["asks", "yes", "yes", "yes"]
    assert len(record.clarifications) == 1


def test_a_new_try_keeps_the_failures_of_the_one_before_it(plan_of: PlanOf) -> None:
    plan = plan_of(f"tools: {{tries: {{}}}}\nsteps: [{{id: a, tool: tries{QUICK}, max_attempts: 2}}}}]")
    tool = Tries(SOFT, SOFT, SOFT)
    with Runner(tools=[tool], store="memory") as runner:
        failed = runner.run(plan)
        assert told(failed) == ["tool_soft_error"] * 2
        record = runner.resume(failed, retry=True)
    assert told(record) == ["tool_soft_error"] * 3 + ["COMPLETE"]
    assert record.steps[0].attempts == 2


def test_a_timeout_of_a_task_holds_for_the_calls_of_its_agent(plan_of: PlanOf) -> None:
    plan = plan_of(f"""
        tools: {{tries: {{}}}}
        agents: {{it: {{tools: [tries]}}}}
        steps: [{{id: a, task: Go., agent: it, timeout: 100ms{QUICK}}}}}]
    """)
    script = Script({}, {"a": [{"tool_calls": [{"tool": "tries"}]}, "done"]}, {})
    tool = Tries(1.0)
    with Runner(tools=[tool], store="memory", script=script) as runner:
        record = runner.run(plan)
    assert record.error is not None
    assert record.error.kind == "timeout"
    assert tool.calls == 1, "what an agent calls is called once: its model decides about another"


def test_a_soft_error_goes_back_to_the_model(plan_of: PlanOf) -> None:
    plan = plan_of(f"""
        tools: {{tries: {{}}}}
        agents: {{it: {{tools: [tries]}}}}
        steps: [{{id: a, task: Go., agent: it{QUICK}}}}}]
    """)
    script = Script({}, {"a": [{"tool_calls": [{"tool": "tries"}]}, "done"]}, {})
    tool = Tries(SOFT)
    with Runner(tools=[tool], store="memory", script=script) as runner:
        record = runner.run(plan)
    assert record.state == "COMPLETE"
    assert tool.calls == 1
    (call,) = record.steps[0].tool_calls
    assert (call.state, call.error and call.error.kind) == ("FAILED", "tool_soft_error")
