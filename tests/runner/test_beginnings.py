"""A run begins with its first write: what that says, and what happens while it takes its time or comes to nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from planrunner import PlanRun, Runner, StoreError, Tool, ToolRunContext, events, tool
from planrunner.errors import StoreUnusableError
from planrunner.events import Event
from planrunner.journal.base import Lease, NewRun, RunQuery, StoredRun
from planrunner.journal.memory import MemoryJournal
from planrunner.plan import Plan
from planrunner.tools.base import ReadyResponse
from tests.conftest import PlanOf

SIDE_BY_SIDE = """
tools: {note: {}}
steps:
  - {id: a, tool: note, args: {what: a}}
  - {id: b, tool: note, args: {what: b}, needs: []}
  - {id: x, set: 1, needs: []}
  - {id: y, set: 2, needs: [x]}
  - {id: c, tool: note, args: {what: c}, needs: [y]}
"""


class Slow(MemoryJournal):
    """A store that creates a run when `gate` is set, or fails to with `failure`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.gate = asyncio.Event(), asyncio.Event()
        self.failure: Exception | None = None
        self.batches: list[list[str]] = []

    async def create(self, run: NewRun, events: Sequence[Event], *, flush: bool = True) -> Lease:
        self.batches.append([event.kind for event in events])
        self.asked.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return await super().create(run, events, flush=flush)

    def append(self, lease: Lease, events: Sequence[Event], *, flush: bool = True) -> None:
        self.batches.append([event.kind for event in events])
        super().append(lease, events, flush=flush)


class World:
    """A runner on such a store, what its tool was called with, and what a listener heard. Made in an event loop."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.heard: list[Event] = []

        @tool(effect="write")
        def note(what: str) -> str:
            """Notes something."""
            begun = sum(batch.count(events.EFFECT_STARTED) for batch in self.journal.batches)
            assert len(self.called) < begun, "an effect that the store knows nothing of"
            self.called.append(what)
            return what

        @tool(effect="read")
        async def last() -> None:
            """Goes on for ever."""
            await asyncio.Event().wait()

        self.runner = Runner(tools=[note, last], store="memory")
        self.journal = self.runner._journals["memory"] = Slow()

    def begin(self, plan: Plan) -> asyncio.Task[PlanRun]:
        return asyncio.create_task(self.runner.arun(plan, on_event=self.heard.append))

    async def creation(self) -> None:
        """Wait until the store is asked for the run."""
        await asyncio.wait_for(self.journal.asked.wait(), 10)

    async def stored(self) -> list[StoredRun]:
        return [await self.journal.load(each.id) for each in await self.journal.list(RunQuery())]


def test_what_happens_before_the_first_effect_is_one_write(plan_of: PlanOf) -> None:
    async def check() -> None:
        world = World()
        world.journal.gate.set()
        run = await world.begin(plan_of("steps: [{id: a, set: 1}, {id: b, tool: log, args: {message: m}}]"))
        assert run.state == "COMPLETE"
        first, *_ = world.journal.batches
        assert first[0] == events.RUN_STARTED
        assert first[-1] == events.EFFECT_STARTED

    asyncio.run(check())


def test_a_listener_that_hears_of_the_end_finds_the_run_ended(plan_of: PlanOf, tmp_path: Path) -> None:
    found: list[tuple[str, str | None]] = []

    def hear(event: Event) -> None:
        if event.kind == events.RUN_FINISHED:
            with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
                found.extend(connection.execute("SELECT state, owner FROM run").fetchall())

    with Runner(store=tmp_path / "s.db") as runner:
        runner.run(plan_of("steps: [{id: a, set: 1}]"), on_event=hear)
    assert found == [("COMPLETE", None)]


def test_a_run_in_which_nothing_touches_the_outside_is_stored_too(plan_of: PlanOf) -> None:
    async def check() -> None:
        world = World()
        world.journal.gate.set()
        assert (await world.begin(plan_of("steps: [{id: a, set: 1}]"))).state == "COMPLETE"
        (stored,) = await world.stored()
        assert (stored.summary.state, stored.events) == ("COMPLETE", tuple(world.heard))

    asyncio.run(check())


def test_no_effect_goes_before_the_run_exists_and_nothing_is_lost_meanwhile(plan_of: PlanOf) -> None:
    async def check() -> None:
        world = World()
        running = world.begin(plan_of(SIDE_BY_SIDE))
        await world.creation()
        for _ in range(20):
            await asyncio.sleep(0)
        assert (world.called, world.heard, len(world.journal.batches)) == ([], [], 1)
        world.journal.gate.set()
        assert (await running).state == "COMPLETE"
        assert sorted(world.called) == ["a", "b", "c"]
        (stored,) = await world.stored()
        assert stored.events == tuple(world.heard)

    asyncio.run(check())


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("failure", [StoreError, StoreUnusableError])
def test_a_run_that_can_not_be_created_does_nothing_and_says_so_once(
    plan_of: PlanOf, failure: type[Exception], late: bool
) -> None:
    async def check() -> None:
        world = World()
        world.journal.failure = failure("the disk is gone")
        if not late:
            world.journal.gate.set()
        running = world.begin(plan_of(SIDE_BY_SIDE))
        await world.creation()
        world.journal.gate.set()
        with pytest.raises(failure, match="the disk is gone") as raised:
            await running
        assert not hasattr(raised.value, "__notes__")
        assert (world.called, world.heard, await world.stored(), len(world.journal.batches)) == ([], [], [], 1)
        world.journal.failure = None
        assert (await world.begin(plan_of(SIDE_BY_SIDE))).state == "COMPLETE"

    asyncio.run(check())


def test_a_run_that_is_cancelled_while_it_is_created_can_be_carried_on(plan_of: PlanOf) -> None:
    async def check() -> None:
        world = World()
        running = world.begin(plan_of(SIDE_BY_SIDE))
        await world.creation()
        running.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not running.done()
        world.journal.gate.set()
        with suppress(asyncio.CancelledError):
            await running
        (stored,) = await world.stored()
        assert (stored.summary.state, stored.events, world.called) == ("IN_PROGRESS", tuple(world.heard), [])
        assert (await world.runner.aresume(stored.summary.id)).state == "COMPLETE"
        assert sorted(world.called) == ["a", "b", "c"]

    asyncio.run(check())


def test_a_run_whose_creation_takes_long_hears_a_cancel_afterwards(
    plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("planrunner.runner.LISTEN_SECONDS", 0.01)

    async def check() -> None:
        world = World()
        running = world.begin(plan_of("tools: {last: {}}\nsteps: [{id: a, tool: last}]"))
        await world.creation()
        await asyncio.sleep(0.05)  # it has looked for what is said to it, and there is nothing to look at
        world.journal.gate.set()
        await asyncio.sleep(0.05)
        await world.journal.post(world.heard[0].body["id"], "cancel:1", {"by": "ada"})
        run = await asyncio.wait_for(running, 10)
        assert run.error is not None
        assert run.error.kind == "cancelled"

    asyncio.run(check())


def test_a_tool_that_is_asked_whether_it_is_ready_finds_the_run_in_the_store(plan_of: PlanOf, tmp_path: Path) -> None:
    found: list[list[tuple[str]]] = []

    class Prepared(Tool):
        id = "prepared"
        effect = "read"
        args_schema = {"type": "object"}

        def ready(self, ctx: ToolRunContext) -> ReadyResponse:
            with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
                found.append(connection.execute("SELECT id FROM run WHERE id = ?", (ctx.run_id,)).fetchall())
            return ReadyResponse(True)

        def run(self, ctx: ToolRunContext, **args: Any) -> int:
            return 1

    plan = plan_of("tools: {prepared: {}}\nsteps: [{id: a, tool: prepared}]")
    with Runner(tools=[Prepared()], store=tmp_path / "s.db") as runner:
        runs = [runner.run(plan) for _ in range(5)]
    assert found == [[(run.id,)] for run in runs]
