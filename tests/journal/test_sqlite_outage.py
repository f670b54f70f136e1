"""A store that can't be written for a while, or for longer than a lease."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planrunner.errors import LeaseLostError, StoreError
from planrunner.events import Event
from planrunner.journal.sqlite import SqliteJournal
from tests.journal.conftest import Start, event, new_run

LEASE = 1.0
BIG = "x" * 50_000


class DiskFull:
    """SQLite's own "database or disk is full": the file may not grow."""

    def __init__(self, journal: SqliteJournal) -> None:
        assert journal._connection is not None
        self.execute = journal._connection.execute

    def begin(self) -> None:
        self.execute("PRAGMA max_page_count = 1")

    def end(self) -> None:
        self.execute("PRAGMA max_page_count = 1000000")


class FileTooLarge:
    """The system refuses each write that would lengthen a file beyond what the log has now."""

    def __init__(self, journal: SqliteJournal) -> None:
        self.log = Path(f"{journal.path}-wal")
        self.limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def begin(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.log.stat().st_size, self.limits[1]))

    def end(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.limits)


class Locked:
    """Another process holds the write lock."""

    def __init__(self, journal: SqliteJournal, start: Start) -> None:
        self.path, self.start = journal.path, start

    def begin(self) -> None:
        self.process = self.start("lock", self.path)

    def end(self) -> None:
        self.process.say("go")
        assert self.process.hear() == "free"


Fault = Callable[[SqliteJournal], Any]


@pytest.fixture(params=["disk full", "file too large", "locked"])
def fault(request: pytest.FixtureRequest, start: Start) -> Fault:
    kinds: dict[str, Fault] = {
        "disk full": DiskFull,
        "file too large": FileTooLarge,
        "locked": lambda journal: Locked(journal, start),
    }
    return kinds[request.param]


async def numbers(journal: SqliteJournal, run_id: str) -> list[int]:
    return [each.body["n"] for each in (await journal.load(run_id)).events]


def batch(number: int) -> list[Event]:
    return [event(number, text=BIG)]


@pytest.mark.parametrize("runs", [1, 3])
def test_a_short_outage_is_waited_out_and_the_loop_goes_on(tmp_path: Path, fault: Fault, runs: int) -> None:
    journal = SqliteJournal(tmp_path / "runs.db", lease_seconds=30)
    ids = [new_run().id for _ in range(runs)]

    async def main() -> None:
        leases = [await journal.create(new_run(id=run_id), [event(0)]) for run_id in ids]
        outage = fault(journal)
        outage.begin()
        try:
            pending = [journal.append(lease, batch(number)) for number in (1, 2) for lease in leases]
            for _ in range(20):
                await asyncio.sleep(0.01)
            assert not any(each is None or each.done() for each in pending)
            assert [await numbers(journal, run_id) for run_id in ids] == [[0]] * runs
        finally:
            outage.end()
        await asyncio.gather(*(each for each in pending if each is not None))
        for lease in leases:
            assert await journal.release(lease, "COMPLETE", 0, [event(3)]) == ()
        assert [await numbers(journal, run_id) for run_id in ids] == [[0, 1, 2, 3]] * runs

    asyncio.run(main())
    journal.close()


def test_an_outage_longer_than_the_lease_is_an_error_and_leaves_no_gap(tmp_path: Path, fault: Fault) -> None:
    journal = SqliteJournal(tmp_path / "runs.db", lease_seconds=LEASE)
    run = new_run()

    async def main() -> None:
        lease = await journal.create(run, batch(0))
        outage = fault(journal)
        outage.begin()
        try:
            first, second = journal.append(lease, batch(1)), journal.append(lease, batch(2))
            assert first is not None
            assert second is not None
            with pytest.raises(StoreError, match="could not be written"):
                await first
            with pytest.raises(StoreError):
                await second
            assert not lease.has_margin()
        finally:
            outage.end()
        # The store is well again, but what follows a lost batch must not be written without it.
        with pytest.raises(LeaseLostError):
            journal.append(lease, [event(3)])
        again = await journal.claim(run.id)
        assert await journal.release(again, "IN_PROGRESS", 0, [event(1)]) == ()
        assert await numbers(journal, run.id) == [0, 1]

    asyncio.run(main())
    journal.close()


def test_what_has_no_lease_yet_is_given_up_after_as_long(tmp_path: Path, start: Start) -> None:
    journal = SqliteJournal(tmp_path / "runs.db", lease_seconds=LEASE)
    run = new_run()
    outage = Locked(journal, start)
    outage.begin()
    with pytest.raises(StoreError, match="database is locked"):
        asyncio.run(journal.create(run, [event(0)]))
    outage.end()
    asyncio.run(journal.create(run, [event(0)]))
    journal.close()


def test_closing_in_an_outage_comes_to_an_end(tmp_path: Path, start: Start) -> None:
    journal = SqliteJournal(tmp_path / "runs.db", lease_seconds=LEASE)

    async def main() -> None:
        lease = await journal.create(new_run(), [event(0)])
        outage = Locked(journal, start)
        outage.begin()
        written = journal.append(lease, [event(1)])
        assert written is not None
        await asyncio.to_thread(journal.close)
        with pytest.raises(StoreError):
            await written
        outage.end()

    asyncio.run(main())
