"""What loops and long plans cost, counted and not timed: writes, events, and what is kept in memory."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from planrunner import PlanRun, Runner, Tool, ToolRunContext
from planrunner.events import Event
from planrunner.journal.base import Lease, NewRun, Post
from planrunner.journal.memory import MemoryJournal
from planrunner.ledger import Ledger
from planrunner.plan import Plan
from planrunner.run_state import RunState
from tests.conftest import PROJECT, PlanOf


class Twice(Tool):
    id = "twice"
    effect = "read"
    args_schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    inline = True

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        return args["n"] * 2


class Far(Twice):
    """All calls are under way before the first one ends."""

    id = "far"
    inline = False

    async def arun(self, ctx: ToolRunContext, **args: Any) -> Any:
        await asyncio.sleep(0.05)


class Counting(MemoryJournal):
    """Counts what it is given, and forgets it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.events: Counter[str] = Counter()

    async def create(self, run: NewRun, events: Sequence[Event], *, flush: bool = True) -> Lease:
        self.append(None, events, flush=flush)
        return await super().create(run, (), flush=flush)

    def append(self, lease: Lease | None, events: Sequence[Event], *, flush: bool = True) -> None:
        self.writes += 1
        self.events.update(event.kind for event in events)

    async def release(self, lease: Lease, state: str, seen: int, events: Sequence[Event] = ()) -> tuple[Post, ...]:
        self.events.update(event.kind for event in events)
        return await super().release(lease, state, seen)


def weight_of_ours() -> int:
    """The bytes in memory that code of ours has asked for; threads of others may be at work meanwhile."""
    gc.collect()
    ours = [tracemalloc.Filter(True, str(PROJECT / "planrunner" / "*")), tracemalloc.Filter(True, __file__)]
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(ours).traces)


class Measured(Runner):
    """A Runner over a counting journal, which keeps the state of its last run, and what that weighs."""

    state: RunState
    weight = 0

    def __init__(self) -> None:
        super().__init__(tools=[Twice(), Far()], store="memory")
        self.journal = self._journals["memory"] = Counting()

    async def _carry(self, plan: Plan, parts: Any, ledger: Ledger, *rest: Any) -> None:
        self.state = ledger.state
        if not tracemalloc.is_tracing():
            await super()._carry(plan, parts, ledger, *rest)
            return
        before = weight_of_ours()
        await super()._carry(plan, parts, ledger, *rest)
        self.weight = weight_of_ours() - before


def run(plan: Plan, **inputs: Any) -> tuple[PlanRun, Measured]:
    runner = Measured()
    record = runner.run(plan, inputs)
    assert record.state == "COMPLETE", record.error
    return record, runner


@pytest.fixture(autouse=True)
def _no_breath(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes between two calls, whenever the event loop has its turn, depend on the time."""
    monkeypatch.setattr("planrunner.scope.BREATH_SECONDS", float("inf"))


@pytest.fixture
def loop(plan_of: PlanOf) -> Plan:
    return plan_of("""
        tools: {twice: {}}
        inputs: {numbers: {type: array}}
        steps:
          - {id: each, foreach: {in: inputs.numbers, max_items: 100000}, tool: twice, args: {n: "{{ item }}"}}
    """)


@pytest.fixture
def loop_of_lists(plan_of: PlanOf) -> Plan:
    return plan_of("""
        tools: {twice: {}}
        inputs: {numbers: {type: array}}
        steps:
          - id: each
            foreach: {in: inputs.numbers, max_items: 100000}
            steps:
              - {id: small, when: item < 0, set: small}
              - {id: rounds, set: "{{ (previous or 0) + 1 }}", repeat: {until: steps.rounds.output == 2, max: 3}}
              - {id: double, tool: twice, args: {n: "{{ item }}"}}
    """)


def test_an_item_of_a_loop_is_written_once(loop: Plan) -> None:
    record, runner = run(loop, numbers=list(range(10_000)))
    assert record.step_outputs["$each"].value == list(range(0, 20_000, 2))
    # Before each call of the tool; what comes of it is written with the next item's, of the last one with the end.
    assert 10_000 <= runner.journal.writes <= 10_000 + 5
    assert runner.journal.events.total() == 4 * 10_000 + 5


@pytest.mark.parametrize("name", ["loop", "loop_of_lists"])
def test_of_an_item_that_is_done_its_output_alone_is_kept(name: str, request: pytest.FixtureRequest) -> None:
    plan = request.getfixturevalue(name)
    _, runner = run(plan, numbers=list(range(2_000)))
    state = runner.state
    assert list(state.steps) == ["each"]
    assert state.steps["each"].inner == {}
    assert (state.effects, state.hooks, state.questions, state.spent) == ({}, {}, {}, {})
    assert list(state.decisions) == ["each!items"]
    assert len(state.steps["each"].keys) <= 1


def test_memory_grows_by_the_outputs_alone(loop: Plan) -> None:
    def per_item() -> float:
        few, many = (run(loop, numbers=list(range(items)))[1].weight for items in (500, 2_000))
        return (many - few) / 1_500

    run(loop, numbers=[1, 2])  # what is compiled and imported once
    tracemalloc.start()
    try:
        least = min(per_item() for _ in range(3))  # what earlier tests left at work can only add to it
    finally:
        tracemalloc.stop()
    assert least < 200, "bytes per item: an integer, its place in two lists, and the state of the item"


def test_a_long_plan_costs_each_step_the_same(plan_of: PlanOf) -> None:
    def costs(steps: int) -> tuple[int, int]:
        step = '  - {id: sHERE, tool: twice, args: {n: "{{ steps.sBEFORE.output % 9 }}"}}'
        chain = (step.replace("HERE", str(n)).replace("BEFORE", str(n - 1)) for n in range(1, steps))
        text = "\n".join(["tools: {twice: {}}", "steps:", "  - {id: s0, tool: twice, args: {n: 1}}", *chain])
        _, runner = run(plan_of(text))
        return runner.journal.writes, runner.journal.events.total()

    (few_writes, few), (many_writes, many) = costs(200), costs(2_000)
    assert 1_800 <= many_writes - few_writes <= 1_800 * 1.02  # now and then the loop gets a turn, and writes
    assert many - few == 4 * 1_800


def test_rounds_of_a_repeat_cost_each_the_same(plan_of: PlanOf) -> None:
    def costs(rounds: int) -> int:
        repeat = f"repeat: {{until: steps.count.output == {rounds}, max: {rounds}}}"
        _, runner = run(plan_of(f'steps: [{{id: count, set: "{{{{ (previous or 0) + 1 }}}}", {repeat}}}]'))
        return runner.journal.events.total()

    assert costs(300) - costs(100) == 3 * 200


def test_steps_side_by_side_begin_with_one_write(plan_of: PlanOf) -> None:
    steps = "\n".join(f"  - {{id: s{n}, needs: [], tool: far}}" for n in range(100))
    _, runner = run(plan_of(f"tools: {{far: {{}}}}\nsteps:\n{steps}"))
    assert runner.journal.writes < 20


@pytest.mark.parametrize(
    "steps",
    [
        "[{id: a, tool: twice, args: {n: 1}}, {id: b, set: 1}]",
        "[{id: a, tool: far, args: {n: 1}, needs: []}, {id: b, tool: far, args: {n: 2}, needs: []}]",
        '[{id: a, tool: far, args: {n: "{{ item }}"}, foreach: {in: "[1, 2, 3]", max_concurrent: 2}}]',
        "[{id: a, steps: [{id: b, tool: twice, args: {n: 1}}, {id: c, exit: {state: COMPLETE}}]}]",
        "[{id: a, clarify: {type: input, guidance: Which?}}]",
    ],
)
def test_what_a_run_held_is_freed_with_its_end(steps: str, plan_of: PlanOf) -> None:
    """Nothing of a run refers to itself in a circle, as long as no call fails: a service holds no more than the runs
    that are going on.
    """
    plan = plan_of(f"tools: {{twice: {{}}, far: {{}}}}\nsteps: {steps}")

    async def carry(runner: Runner) -> list[str]:
        await runner.arun(plan)
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await runner.arun(plan)
            gc.collect()
            return [kind.__name__ for kind in map(type, gc.garbage) if kind.__module__.startswith("planrunner.")]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    with Runner(tools=[Twice, Far], store="memory") as runner:
        assert asyncio.run(carry(runner)) == []
