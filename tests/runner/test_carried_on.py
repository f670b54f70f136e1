"""A run that was stopped at any moment goes on where it stood: the same record, and nothing finished done twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from planrunner import (
    ExecutionHooks,
    InvalidPlanRunStateError,
    PlanRun,
    PlanRunNotFoundError,
    Runner,
    Tool,
    ToolHardError,
    ToolRunContext,
)
from planrunner.events import Event
from planrunner.journal.base import Lease, NewRun
from planrunner.journal.memory import MemoryJournal
from planrunner.models.base import ModelRequest, Reply, ToolCall
from planrunner.plan import Plan
from tests.conftest import PlanOf


class Count(Tool):
    """Counts its calls by idempotency key."""

    id = "count"
    effect = "write"
    args_schema = {"type": "object"}
    inline = True

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.calls[ctx.idempotency_key] += 1
        return {"call": len(self.calls)} | args


class Grave(Count):
    id = "grave"
    effect = "irreversible"


class Model:
    """Calls the tool twice in its first reply, then once, then answers; counts how often each turn is asked."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()

    async def ready(self) -> None:
        """It always is."""

    async def complete(self, request: ModelRequest) -> Reply:
        self.asked[request.turn] += 1
        if request.turn < 2:
            made = [ToolCall(f"c{n}", "count", f'{{"n": {n}}}') for n in range(2 - request.turn)]
            return Reply(None, tuple(made))
        return Reply("done")


class Says(Model):
    """Answers at once."""

    async def complete(self, request: ModelRequest) -> Reply:
        return Reply("done")


class Killed(BaseException):
    """Stands for the process dying: nothing of ours runs after it."""


class Flushes(MemoryJournal):
    """Notes of each batch what it says, and whether it is flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[bool, set[str]]] = []

    async def create(self, run: NewRun, events: Sequence[Event], *, flush: bool = True) -> Lease:
        self._note(events, flush)
        return await super().create(run, events, flush=flush)

    def append(self, lease: Lease, events: Sequence[Event], *, flush: bool = True) -> None:
        self._note(events, flush)
        super().append(lease, events, flush=flush)

    def _note(self, events: Sequence[Event], flush: bool) -> None:
        self.batches.append((flush, {f"{event.kind} {event.key.partition('!')[2]}".strip() for event in events}))


class DyingJournal(MemoryJournal):
    """Dies at the k-th write, before or after it; lives again once told to."""

    def __init__(self, at: int, *, after: bool) -> None:
        super().__init__()
        self.left = at
        self.after = after
        self.dead = False
        self.died = False

    def _die(self) -> bool:
        if self.dead:
            raise Killed
        self.left -= 1
        if self.left == 0:
            self.dead = self.died = True
        if self.dead and not self.after:
            raise Killed
        return self.dead

    async def create(self, run: NewRun, events: Sequence[Event], *, flush: bool = True) -> Any:
        dying = self._die()
        lease = await super().create(run, events, flush=flush)
        if dying:
            raise Killed
        return lease

    def append(self, lease: Lease, events: Sequence[Event], *, flush: bool = True) -> Any:
        dying = self._die()
        written = super().append(lease, events, flush=flush)
        if dying:
            raise Killed
        return written

    async def release(self, lease: Lease, state: str, seen: int, events: Sequence[Event] = ()) -> Any:
        dying = self._die()
        posts = await super().release(lease, state, seen, events)
        if dying:
            raise Killed
        return posts

    def live_again(self) -> None:
        """Another process opens the store; the one that held the leases is gone."""
        self.left, self.dead = 0, False
        for run in self._runs.values():
            run.holder = None


@pytest.fixture
def plan(plan_of: PlanOf) -> Plan:
    return plan_of("""
        tools: {count: {}}
        inputs: {go: {type: boolean}}
        agents: {a: {tools: [count]}}
        steps:
          - {id: one, tool: count, args: {at: one}}
          - {id: two, when: inputs.go, tool: count, args: {at: "{{ steps.one.output.call }}"}}
          - {id: work, task: Go, agent: a}
          - {id: skipped, when: not inputs.go, set: 1}
          - {id: sum, set: "{{ steps.work.output }}, {{ steps.two.output.at }}"}
          - {id: stop, when: inputs.go, exit: {state: COMPLETE, output: "{{ steps.sum.output }}!"}}
          - {id: never, tool: count}
    """)


def masked(record: PlanRun) -> dict[str, Any]:
    """The record without what differs from run to run: ids, times, and how often a call in flight was tried."""

    def mask(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: mask(v) for k, v in value.items() if k not in {"id", "attempts"} and not k.endswith("_at")}
        return [mask(item) for item in value] if isinstance(value, list) else value

    masked: dict[str, Any] = mask(record.model_dump(mode="json"))
    return masked


def carry(journal: Any, plan: Plan, tool: Count, model: Model) -> PlanRun:
    """Begin the run; when it dies, carry it on in a fresh Runner."""

    def runner() -> Runner:
        made = Runner(tools=[tool], store="memory", model="m")
        made._journals["memory"] = journal
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runner, "_model", lambda *_: model)
        try:
            return runner().run(plan, dict.fromkeys(plan.inputs.get("properties", {}), True))
        except Killed:
            journal.live_again()
            left = newest(runner())
            if left is not None:  # else it died before it was there
                # A FAILED one died when all was said.
                return left if left.state == "FAILED" else runner().resume(left)
        return runner().run(plan, dict.fromkeys(plan.inputs.get("properties", {}), True))


def newest(runner: Runner) -> PlanRun | None:
    """The newest run as it is stored, if there is one."""
    stored = runner.runs.list()
    return runner.runs.get(stored[0].id) if stored else None


def test_what_a_power_cut_may_take_is_only_that_something_harmless_begins(plan: Plan) -> None:
    journal = Flushes()
    assert carry(journal, plan, Count(), Model()).state == "COMPLETE"
    light = [said for flush, said in journal.batches if not flush]
    assert light
    assert {each.partition(":")[0] for said in light for each in said} <= {
        "run_started",
        "step_started",
        "decided",
        "effect_started llm",
    }
    for flush, said in journal.batches:
        assert flush or not any(each.startswith("effect_started tool") or "finished" in each for each in said)


HOOKED = ExecutionHooks(before_plan_run=lambda *_: None)
CALLS_A_TOOL = "tools: {count: {}}\nsteps: [{id: a, tool: count}]"
ASKS_A_MODEL = "steps: [{id: a, task: Go}]"


@pytest.mark.parametrize(
    ("steps", "hooks", "listens", "flushed"),
    [
        pytest.param(ASKS_A_MODEL, None, False, False, id="nobody has heard of it"),
        pytest.param(ASKS_A_MODEL, None, True, True, id="a listener has"),
        pytest.param(ASKS_A_MODEL, HOOKED, False, True, id="a hook has"),
        pytest.param(CALLS_A_TOOL, None, False, True, id="a tool is called"),
        pytest.param(
            "steps: [{id: a, clarify: {type: input, guidance: Which?}}]", None, False, True, id="a person is asked"
        ),
    ],
)
def test_that_a_run_began_may_be_lost_in_a_power_cut_while_nobody_has_heard_of_it(
    plan_of: PlanOf,
    monkeypatch: pytest.MonkeyPatch,
    steps: str,
    hooks: ExecutionHooks | None,
    listens: bool,
    flushed: bool,
) -> None:
    runner, journal = Runner(tools=[Count()], store="memory", model="m", execution_hooks=hooks), Flushes()
    runner._journals["memory"] = journal
    monkeypatch.setattr(Runner, "_model", lambda *_: Says())
    runner.run(plan_of(steps), on_event=(lambda event: None) if listens else None)
    (flush, said), *_ = journal.batches
    assert "run_started" in said
    assert flush is flushed


@pytest.mark.parametrize("after", [False, True])
def test_dying_at_every_write_changes_nothing(plan: Plan, after: bool) -> None:
    whole = carry(DyingJournal(0, after=after), plan, Count(), Model())
    assert whole.state == "COMPLETE", whole.error
    assert whole.final_output is not None
    assert whole.final_output.value == "done, 1!"
    deaths = 0
    for k in range(1, 40):
        journal, tool, model = DyingJournal(k, after=after), Count(), Model()
        record = carry(journal, plan, tool, model)
        deaths += journal.died
        assert masked(record) == masked(whole)
        assert sum(tool.calls.values()) <= 5 + 1, "more than the one call in flight was repeated"
        assert len(tool.calls) == 5, "a repeated call had another idempotency key"
        assert sum(model.asked.values()) <= 3 + 1
        assert sum(tool.calls.values()) + sum(model.asked.values()) <= 5 + 3 + 1
    assert deaths > 8


def test_a_finished_run_is_returned_unchanged_and_a_failed_one_refused(plan_of: PlanOf) -> None:
    with Runner(store="memory") as runner:
        done = runner.run(plan_of("steps: [{id: a, set: 1}]"))
        assert runner.resume(done) == done
        failed = runner.run(plan_of("steps: [{id: a, exit: {state: FAILED}}]"))
        with pytest.raises(InvalidPlanRunStateError, match="FAILED"):
            runner.resume(failed.id)
        with pytest.raises(PlanRunNotFoundError, match="prun-00000000"):
            runner.resume("prun-00000000-0000-4000-8000-000000000000")


def test_an_irreversible_call_in_flight_is_not_repeated(plan_of: PlanOf) -> None:
    class Dies(Grave):
        def run(self, ctx: ToolRunContext, **args: Any) -> Any:
            super().run(ctx, **args)
            journal.dead = True
            raise Killed

    plan = plan_of("""
        tools: {grave: {}}
        steps: [{id: pay, tool: grave}]
    """)
    journal, tool = DyingJournal(0, after=False), Dies()
    record = carry(journal, plan, tool, Model())
    assert sum(tool.calls.values()) == 1
    (question,) = record.clarifications
    assert record.state == "NEED_CLARIFICATION"
    assert question.options == ["it happened", "it did not", "stop"]
    assert question.expires_at is None
    assert "Nobody knows whether it happened" in question.user_guidance


def test_a_cancelled_run_is_kept_and_goes_on(plan_of: PlanOf, tmp_path: Path) -> None:
    started = asyncio.Event()

    class Slow(Tool):
        id = "slow"
        effect = "read"
        args_schema = {"type": "object"}

        async def arun(self, ctx: ToolRunContext, **args: Any) -> Any:
            if not started.is_set():
                started.set()
                await asyncio.sleep(60)
            return "slept"

    plan = plan_of("tools: {slow: {}, count: {}}\nsteps: [{id: a, tool: count}, {id: b, tool: slow}]")
    tool = Count()

    async def interrupted(runner: Runner) -> None:
        run = asyncio.ensure_future(runner.arun(plan))
        await started.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    with Runner(tools=[Slow(), tool], store=tmp_path / "s.db") as runner:
        asyncio.run(interrupted(runner))
        (summary,) = runner.runs.list()
        assert runner.runs.get(summary.id).state == "IN_PROGRESS"
        record = runner.resume(summary.id)
    assert record.state == "COMPLETE"
    assert record.step_outputs["$b"].value == "slept"
    assert sum(tool.calls.values()) == 1


def test_the_plan_is_pinned(tmp_path: Path) -> None:
    """The file changes while the run stands still; the run goes on with the plan it began with."""
    from planrunner import load_plan

    file = tmp_path / "plan.yml"
    text = "planrunner: 1\nname: pinned\ntools: {t: {}}\nsteps: [{id: a, tool: t}, {id: b, set: before}]\n"
    file.write_text(text, encoding="utf-8")

    class Once(Tool):
        id = "t"
        effect = "read"
        args_schema = {"type": "object"}
        dies = True
        inline = True

        def run(self, ctx: ToolRunContext, **args: Any) -> Any:
            if Once.dies:
                Once.dies = False
                raise KeyboardInterrupt
            return 1

    with Runner(tools=[Once()], store=tmp_path / "s.db") as runner:
        with pytest.raises(KeyboardInterrupt):
            runner.run(load_plan(file))
        file.write_text(text.replace("before", "after"), encoding="utf-8")
        record = runner.resume(runner.runs.list()[0].id)
    assert record.step_outputs["$b"].value == "before"


@pytest.mark.parametrize("after", [False, True])
def test_an_error_keeps_its_place_when_the_process_dies_while_it_spreads(plan_of: PlanOf, after: bool) -> None:
    """What failed deep inside is told of where it failed, however often what stands around it is entered again."""
    plan = plan_of("""
        steps:
          - id: outer
            steps:
              - id: each
                foreach: {in: "[1, 2]", as: n}
                steps:
                  - {id: rounds, set: "{{ n }}", repeat: {until: n == 1, max: 1}}
        finally: [{id: audit, set: "{{ run.error.path }}"}]
    """)
    for k in range(1, 12):
        record = carry(DyingJournal(k, after=after), plan, Count(), Model())
        assert record.error is not None
        assert (record.error.step, record.error.path) == ("rounds", "outer/each[1]/rounds")
        assert record.step_outputs["$audit"].value == "outer/each[1]/rounds"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("state", ["COMPLETE", "FAILED"])
def test_an_exit_inside_ends_the_plan_also_when_the_process_dies_at_it(
    plan_of: PlanOf, after: bool, state: str
) -> None:
    plan = plan_of(f"""
        tools: {{count: {{}}}}
        steps:
          - id: each
            foreach: {{in: "[1, 2]", as: n}}
            steps:
              - {{id: stop, needs: [], when: n == 2, exit: {{state: {state}, message: enough, output: out}}}}
              - {{id: beside, needs: [], tool: count, args: {{n: "{{{{ n }}}}"}}}}
          - {{id: never, set: 1}}
    """)
    whole = carry(DyingJournal(0, after=after), plan, Count(), Model())
    assert whole.state == state
    assert [step.state for step in whole.steps] == [state, "NOT_STARTED"]
    for k in range(1, 10):
        assert masked(carry(DyingJournal(k, after=after), plan, Count(), Model())) == masked(whole)


def test_a_new_try_goes_on_behind_no_exit_that_completed_the_plan(plan_of: PlanOf) -> None:
    """What failed is what is done at the end, and that alone is done anew."""

    class Fails(Count):
        def run(self, ctx: ToolRunContext, **args: Any) -> Any:
            super().run(ctx)
            if self.calls.total() == 1:
                raise ToolHardError("once")

    plan = plan_of("""
        tools: {count: {}}
        steps:
          - {id: stop, exit: {state: COMPLETE, output: out}}
          - {id: never, set: 1}
        finally: [{id: audit, tool: count}]
    """)
    with Runner(tools=[Fails()], store="memory") as runner:
        failed = runner.run(plan)
        assert failed.state == "FAILED"
        record = runner.resume(failed.id, retry=True)
    assert record.state == "COMPLETE", record.error
    assert record.final_output is not None
    assert record.final_output.value == "out"
    assert [step.state for step in record.steps] == ["COMPLETE", "NOT_STARTED", "COMPLETE"]


def test_a_new_try_of_items_after_which_a_hook_failed_repeats_no_call(plan_of: PlanOf) -> None:
    plan = plan_of("""
        tools: {count: {}}
        steps:
          - id: each
            foreach: {in: "[1, 2]", as: n}
            steps: [{id: call, tool: count, args: {n: "{{ n }}"}}]
        finally: [{id: audit, set: 1}]
    """)
    tool, fired = Count(), Counter[str]()

    async def fails_once(plan: Any, plan_run: Any, step: Any, output: Any) -> None:
        fired[step.path] += 1
        if step.path == "each[1]" and fired[step.path] == 1:
            raise ValueError("not now")

    hooks = ExecutionHooks(after_step_execution=fails_once)
    with Runner(tools=[tool], store="memory", execution_hooks=hooks) as runner:
        failed = runner.run(plan)
        assert failed.error is not None
        assert failed.error.kind == "hook_error"
        record = runner.resume(failed.id, retry=True)
    assert record.state == "COMPLETE", record.error
    assert record.steps[0].items is not None
    assert record.steps[0].items.complete == 2
    assert set(tool.calls.values()) == {1}, "a finished call was repeated"
    assert fired == {"each[0]/call": 1, "each[0]": 1, "each[1]/call": 1, "each[1]": 2, "audit": 2}
