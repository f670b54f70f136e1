"""An agent with retries, fallbacks, refusals and a question, dying at any write: as if nothing had happened."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from planrunner import PlanRun, Runner, Tool, ToolRunContext, ToolSoftError
from planrunner.errors import ModelError, RateLimitedError, TransientError
from planrunner.events import ATTEMPT_FAILED, CALL_REFUSED, CLARIFICATION_RAISED
from planrunner.journal.packing import unpack_events
from planrunner.models.base import ModelChoice, ModelRequest, Reply, ToolCall, Usage
from planrunner.plan import Plan
from tests.agents.bench import plan as plan_of
from tests.runner.test_carried_on import DyingJournal, Killed, masked, newest

PLAN = """
    tools: {count: {}, flaky: {effect: read}}
    agents: {it: {model: [a/one, b/two], tools: [count], ask: true}}
    defaults: {retry: {delay: 1ms}}
    limits: {llm_calls: 9, tool_calls: 6}
    steps:
      - {id: first, tool: flaky}
      - {id: work, task: Go, agent: it, returns: {n: {type: integer}}}
"""
LLM_CALLS, TOOL_CALLS = 9, 6
"""Exactly what the run takes: nothing is counted twice."""


class Count(Tool):
    id = "count"
    effect = "write"
    args_schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.calls[ctx.idempotency_key] += 1
        return args


class Flaky(Count):
    """Fails twice, then works: it knows from the journal how often it failed."""

    id = "flaky"
    effect = "read"

    def __init__(self, journal: DyingJournal) -> None:
        super().__init__()
        self.journal = journal

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        super().run(ctx)
        if failures(self.journal, "first!tool:0") < 2:
            raise ToolSoftError("busy")
        return "well"


def failures(journal: DyingJournal, key: str) -> int:
    """How many attempts at the call stand in the journal as failed."""
    (run,) = journal._runs.values()
    return sum(event.kind == ATTEMPT_FAILED and event.key == key for event in unpack_events(run.batches))


class Model:
    """Says in each turn, after so many failures, always the same."""

    def __init__(self, journal: DyingJournal) -> None:
        self.journal = journal
        self.asked: Counter[str] = Counter()

    async def ready(self) -> None:
        """It always is."""

    async def takes_schema(self, choice: ModelChoice, beside_tools: bool) -> bool:
        return choice.model == "a/one"

    async def knows_price(self, choice: ModelChoice) -> bool:
        return True

    async def complete(self, request: ModelRequest) -> Reply:
        failed = failures(self.journal, f"work!llm:{request.turn}")
        self.asked[f"{request.turn}.{failed} {request.model}"] += 1
        script: list[list[Any]] = [
            [
                TransientError("one is down"),
                RateLimitedError("two is busy", 0.001),
                calls(("count", {"n": 1}), ("count", {"n": 2}), ("delete", {}), ("count", {"m": 3})),
            ],
            [calls(("clarify", {"question": "Which?", "options": ["x", "y"]}), ("count", {"n": 4}), ("clarify", {}))],
            [ModelError("one makes no sense"), TransientError("two is down"), "no object"],
            [ModelError("one still makes no sense"), '{"n": 7}'],
        ]
        told = script[request.turn][failed]
        if isinstance(told, Exception):
            raise told
        return told if isinstance(told, Reply) else Reply(told, usage=Usage(3, 2, 0.5))


def calls(*made: tuple[str, dict[str, Any]]) -> Reply:
    asked = (ToolCall(f"c{n}", name, json.dumps(args)) for n, (name, args) in enumerate(made))
    return Reply(None, tuple(asked), Usage(5, 4, 0.25))


class Life:
    """One run, from its first life to its end; whoever it asks answers y."""

    def __init__(self, plan: Plan, k: int, *, after: bool) -> None:
        self.plan = plan
        self.journal = DyingJournal(k, after=after)
        self.model = Model(self.journal)
        self.count, self.flaky = Count(), Flaky(self.journal)
        self.runner = Runner()

    def to_the_end(self) -> PlanRun:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Runner, "_model", lambda *_: self.model)
            record = None
            while record is None or record.state not in ("COMPLETE", "FAILED"):
                try:
                    record = self._live(record)
                except Killed:
                    self.journal.live_again()
                    record = newest(self.runner)
            return record

    def _live(self, record: PlanRun | None) -> PlanRun:
        self.runner = Runner(tools=[self.count, self.flaky], store="memory")
        self.runner._journals["memory"] = self.journal
        if record is None:
            return self.runner.run(self.plan)
        for question in record.get_outstanding_clarifications():
            self.runner.resolve_clarification(question, "y", record)
        return self.runner.resume(record.id)


def told(record: PlanRun) -> Any:
    """The record without ids and times; attempts stand in it."""

    def keep(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {k: keep(v, k) for k, v in value.items() if k not in {"id", "plan_run_id"} and not k.endswith("_at")}
        return [keep(item) for item in value] if isinstance(value, list) else value

    assert masked(record)
    return keep(record.model_dump(mode="json"))


@pytest.mark.parametrize("after", [False, True])
def test_dying_at_every_write_changes_nothing(after: bool) -> None:
    plan = plan_of(PLAN)
    undisturbed = Life(plan, 0, after=after)
    whole = undisturbed.to_the_end()
    assert whole.state == "COMPLETE", whole.error
    assert whole.final_output is not None
    assert whole.final_output.value == {"n": 7}
    assert (whole.usage.llm_calls, whole.usage.tool_calls) == (LLM_CALLS, TOOL_CALLS)
    first, second, third, fourth = whole.steps[1].llm_calls
    assert [failed.model for failed in first.failed_attempts] == ["a/one", "b/two"]
    assert [call.attempts for call in (first, second, third, fourth)] == [3, 1, 3, 2]
    assert third.model == "b/two", "a model that makes no sense is left out of further rounds"
    assert len(whole.steps[1].refused_calls) == 3
    assert set(undisturbed.model.asked.values()) == {1}
    k, died = 0, True
    while died:
        k += 1
        life = Life(plan, k, after=after)
        record = life.to_the_end()
        died = life.journal.died
        assert told(record) == told(whole), k
        more = life.model.asked - undisturbed.model.asked
        assert set(more.values()) <= {1}, f"write {k}: {more}"
        assert life.model.asked.keys() == undisturbed.model.asked.keys()
        repeated = sum(life.count.calls.values()) - 3 + sum(life.flaky.calls.values()) - 3
        assert len(life.count.calls) == 3
        assert sum(more.values()) + repeated <= 2, f"write {k}"  # so many calls run side by side in one turn
        history = life.runner.runs.events(record.id)
        for kind in (CLARIFICATION_RAISED, CALL_REFUSED):
            keys = [event.key for event in history if event.kind == kind]
            assert len(keys) == len(set(keys)), f"write {k}: {keys}"
    assert k > 25
