"""What is written of a run, when, and in which order: under parallel writers, a slow store, and one that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from planrunner import StoreError, events
from planrunner.events import Event
from planrunner.futures import begun
from planrunner.journal.base import Lease, NewRun
from planrunner.journal.memory import MemoryJournal
from planrunner.run_writer import RunWriter

NEW = NewRun(id="prun-1", end_user_id="ada", plan_name="p", plan_sha256="a" * 64, files={"p.yml": ""}, created_at=0.0)
START = Event(events.RUN_STARTED, "", 0.0, {"id": NEW.id})
ASKS = Event(events.EFFECT_STARTED, "a!llm:0", 0.0, {})
DONE = Event(events.EFFECT_FINISHED, "a!llm:0", 0.0, {})
END = Event(events.RUN_FINISHED, "", 0.0, {})


class Store(MemoryJournal):
    """Notes what it is given to write, with whether it is to be flushed; each append is done when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[list[Event], bool]] = []
        self.tasks: list[asyncio.Task[Any] | None] = []
        self.waiting: list[asyncio.Future[None]] = []
        self.waits = self.fails = False

    async def create(self, run: NewRun, events: Sequence[Event], *, flush: bool = True) -> Lease:
        self.batches.append((list(events), flush))
        self.tasks.append(asyncio.current_task())
        if self.waits:
            await self._later()
        return await super().create(run, events, flush=flush)

    def append(self, lease: Lease, events: Sequence[Event], *, flush: bool = True) -> Any:
        if self.fails:
            raise StoreError("the disk is gone")
        self.batches.append((list(events), flush))
        super().append(lease, events, flush=flush)
        return self._later() if self.waits else None

    def _later(self) -> asyncio.Future[None]:
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]


def checked(check: Callable[[Store], Awaitable[None]]) -> None:
    async def within() -> None:
        await check(Store())

    asyncio.run(within())


async def turns() -> None:
    """Let whatever can go on do so."""
    for _ in range(9):
        await asyncio.sleep(0)


def test_a_run_that_nobody_has_heard_of_is_flushed_when_somebody_is_about_to() -> None:
    async def check(store: Store) -> None:
        writer = RunWriter(store, NEW.id, NEW)
        writer.note(START)
        writer.note(ASKS, may_happen_again=True)
        await writer.durable(unheard=True)
        assert store.batches == [([START, ASKS], False)]
        await writer.durable(unheard=True)
        assert len(store.batches) == 1
        await writer.durable()
        assert store.batches[1:] == [([], True)]
        await writer.durable()
        assert len(store.batches) == 2, "once is enough"

    checked(check)


def test_it_is_flushed_with_what_is_done_and_then_no_more() -> None:
    async def check(store: Store) -> None:
        writer = RunWriter(store, NEW.id, NEW)
        writer.note(START)
        await writer.durable(unheard=True)
        writer.note(DONE)
        await writer.durable(unheard=True)
        await writer.durable()
        assert store.batches == [([START], False), ([DONE], True)]

    checked(check)


@pytest.mark.parametrize("listener", [None, lambda event: None])
def test_it_is_flushed_at_once_where_others_hear_of_it(listener: Any) -> None:
    async def check(store: Store) -> None:
        writer = RunWriter(store, NEW.id, NEW, listener)
        writer.note(START)
        await writer.durable(unheard=listener is not None)
        assert store.batches == [([START], True)]

    checked(check)


def test_one_branch_may_be_unheard_while_another_is_not() -> None:
    async def check(store: Store) -> None:
        store.waits = True
        writer = RunWriter(store, NEW.id, NEW)
        writer.note(START)
        unheard = begun(writer.durable(unheard=True))  # at once: before the loop is idle
        await turns()
        heard = asyncio.create_task(writer.durable())
        await turns()
        store.waiting[0].set_result(None)  # the creation, which is not flushed
        await turns()
        assert not heard.done()
        assert store.batches == [([START], False), ([], True)]
        store.waiting[1].set_result(None)
        await asyncio.gather(unheard, heard)

    checked(check)


def test_a_run_that_is_created_when_idle_is_created_in_a_task() -> None:
    async def check(store: Store) -> None:
        writer = RunWriter(store, NEW.id, NEW)
        writer.note(START)
        await turns()
        assert store.batches == [([START], True)]
        assert store.tasks != [None]

    checked(check)


def test_whoever_waits_waits_for_no_write_that_begins_later() -> None:
    async def check(store: Store) -> None:
        writer = RunWriter(store, NEW.id, NEW)
        writer.note(START)
        await writer.durable()
        store.waits = True
        writer.note(DONE)
        first = asyncio.create_task(writer.durable())
        await turns()
        writer.note(DONE)
        second = asyncio.create_task(writer.durable())
        await turns()
        store.waiting[0].set_result(None)
        await asyncio.wait_for(first, 10)
        assert not second.done()
        store.waiting[1].set_result(None)
        await second

    checked(check)


def test_what_happens_while_the_run_is_created_is_written_when_it_is() -> None:
    async def check(store: Store) -> None:
        store.waits = True
        writer = RunWriter(store, NEW.id, NEW)
        writer.note(START)
        await turns()
        writer.note(DONE)
        await turns()
        assert store.batches == [([START], True)]
        store.waiting[0].set_result(None)
        await turns()
        assert store.batches[1:] == [([DONE], True)]

    checked(check)


def test_what_is_durable_is_announced_also_when_the_next_write_fails() -> None:
    async def check(store: Store) -> None:
        heard: list[Event] = []
        store.waits = True
        writer = RunWriter(store, NEW.id, NEW, heard.append)
        writer.note(START)
        await turns()
        writer.note(DONE)
        await turns()
        store.fails = True
        store.waiting[0].set_result(None)
        await turns()
        assert heard == [START]
        with pytest.raises(StoreError, match="the disk is gone"):
            await writer.durable()

    checked(check)


def test_the_end_is_written_and_told_with_the_release() -> None:
    async def check(store: Store) -> None:
        told: list[tuple[str, str]] = []
        writer = RunWriter(store, NEW.id, NEW, lambda event: told.append((event.kind, store._runs[NEW.id].state)))
        writer.note(START)
        writer.note(END)
        await turns()
        assert store.batches == []
        await writer.release("COMPLETE")
        assert store.batches == [([START], True)]
        assert told == [(events.RUN_STARTED, "IN_PROGRESS"), (events.RUN_FINISHED, "COMPLETE")]

    checked(check)
