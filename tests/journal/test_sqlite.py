"""What the SQLite store promises beyond the exam of all stores."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from planrunner.errors import LeaseLostError, StoreError
from planrunner.journal import sqlite_sql as sql
from planrunner.journal import sqlite_writer
from planrunner.journal.base import Lease, RunQuery
from planrunner.journal.sqlite import SqliteJournal
from planrunner.journal.sqlite_lease import SqliteLease, now
from tests.journal.conftest import event, new_run

FILTERS = ("end_user_id", "plan_name")


@pytest.fixture
def journal(tmp_path: Path) -> SqliteJournal:
    return SqliteJournal(tmp_path / "runs.db")


async def append(journal: SqliteJournal, lease: Lease, number: int) -> None:
    written = journal.append(lease, [event(number, output="x" * 100)])
    if written is not None:
        await written


def test_one_run_alone_is_committed_in_the_callers_thread_and_many_are_committed_together(
    journal: SqliteJournal,
) -> None:
    commits = []

    async def main() -> None:
        lease = await journal.create(new_run(), [event(0)])
        assert journal.append(lease, [event(1)]) is None
        leases = [lease, *[await journal.create(new_run(), []) for _ in range(19)]]
        assert journal._connection is not None
        journal._connection.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
        pending = [journal.append(each, [event(number)]) for number in range(2, 7) for each in leases]
        await asyncio.gather(*(each for each in pending if each is not None))
        assert None not in pending
        assert len(commits) < len(pending) / 4
        for each in leases[1:]:
            await journal.release(each, "COMPLETE", 0)
        assert journal.append(lease, [event(7)]) is None

    asyncio.run(main())
    journal.close()


def test_a_batch_that_need_not_outlive_a_power_cut_is_not_flushed(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "runs.sqlite3", "FULL")
    modes: list[tuple[int, bool]] = []

    def note(statement: str) -> None:
        if statement.startswith("INSERT INTO ev"):
            modes.append((number_of_mode(journal), threading.current_thread() is threading.main_thread()))

    async def main() -> None:
        lease = await journal.create(new_run(), [event(0)])
        assert journal._connection is not None
        journal._connection.set_trace_callback(note)
        assert journal.append(lease, [event(1)], flush=False) is None
        assert journal.append(lease, [event(2)]) is None
        other = await journal.create(new_run(), [event(0)])  # two runs: by way of the writer thread
        written = journal.append(lease, [event(3)], flush=False)
        assert written is not None
        await written
        together = [journal.append(each, [event(4)], flush=each is other) for each in (lease, other)]
        await asyncio.gather(*(each for each in together if each is not None))
        assert journal.append(lease, [event(5)], flush=False) is not None
        await journal.release(lease, "COMPLETE", 0, [event(6)])
        await journal.release(other, "COMPLETE", 0, [])
        modes.append((0, True))
        await journal.create(new_run(), [event(0)], flush=False)

    asyncio.run(main())
    journal.close()
    normal, full = 1, 2
    assert modes[-2:] == [(0, True), (normal, True)]
    modes = modes[:-2]
    assert modes[:2] == [(normal, True), (full, True)]
    assert (normal, False) in modes[2:]
    assert modes[-1] == (full, False), "the end of a run is flushed"


def number_of_mode(journal: SqliteJournal) -> int:
    """How SQLite writes now, by its own word for it: 1 NORMAL, 2 FULL."""
    assert journal._connection is not None
    return int(journal._connection.execute("PRAGMA synchronous").fetchone()[0])


def test_a_refused_batch_leaves_its_mates_alone(journal: SqliteJournal) -> None:
    async def main() -> None:
        leases = [await journal.create(new_run(), [event(0)]) for _ in range(9)]
        thief = SqliteJournal(journal.path)
        with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
            connection.execute("UPDATE run SET until = 0 WHERE id = ?", (leases[4].run_id,))
        await thief.claim(leases[4].run_id)
        pending = [journal.append(each, [event(1)]) for each in leases]
        answers = await asyncio.gather(*(each for each in pending if each is not None), return_exceptions=True)
        assert [type(each).__name__ for each in answers] == ["NoneType"] * 4 + ["LeaseLostError"] + ["NoneType"] * 4
        for each in leases:
            assert len((await journal.load(each.run_id)).events) == (1 if each is leases[4] else 2)
        thief.close()

    asyncio.run(main())
    journal.close()


def test_a_refusal_that_nobody_awaits_is_no_unhandled_error(journal: SqliteJournal) -> None:
    """The runner awaits the last batch only: what befell an earlier one befalls the last as well."""
    complaints: list[object] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        lease, _other = await journal.create(new_run(), []), await journal.create(new_run(), [])
        with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
            connection.execute("UPDATE run SET epoch = 99")
        journal.append(lease, [event(1)])
        last = journal.append(lease, [event(2)])
        assert last is not None
        with pytest.raises(LeaseLostError):
            await last
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run(main())
    gc.collect()
    assert complaints == []
    journal.close()


def test_a_lease_has_margin_until_two_seconds_before_its_end() -> None:
    def lease(age: float, seconds: float = 15.0) -> SqliteLease:
        return SqliteLease("prun-x", 1, 1, 1, now() - age, seconds)

    assert lease(12.5).has_margin()
    assert not lease(13.0).has_margin()
    assert not lease(99).has_margin()
    assert lease(0, seconds=0.5).has_margin()
    gone = lease(0)
    gone.lost = True
    assert not gone.has_margin()


def test_a_plan_is_kept_once_however_many_runs_it_has(journal: SqliteJournal) -> None:
    async def main() -> None:
        for number in range(10):
            sha = str(number % 2) * 64
            await journal.create(new_run(plan_sha256=sha, files={"plan.yml": sha}), [])
        for run in await journal.list(RunQuery()):
            assert (await journal.load(run.id)).files == {"plan.yml": run.plan_sha256}

    asyncio.run(main())
    journal.close()
    connection = sqlite3.connect(journal.path)
    assert connection.execute("SELECT count(*) FROM plan").fetchone() == (2,)
    connection.close()


def test_a_run_is_created_whole_or_not_at_all(journal: SqliteJournal) -> None:
    run = new_run(end_user_id="lone \ud800")

    async def main() -> None:
        with pytest.raises(StoreError, match="surrogates"):
            await journal.create(run, [event(0)])
        assert journal._connection is not None
        journal._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 5_000)
        with pytest.raises(StoreError, match="too big"):
            await journal.create(new_run(), [event(0, text="x" * 10_000)])
        assert await journal.list(RunQuery()) == []
        await journal.create(new_run(), [event(0)])

    asyncio.run(main())
    journal.close()


def test_a_closed_store_says_so(journal: SqliteJournal) -> None:
    journal.close()
    for attempt in (
        journal.create(new_run(), []),
        journal.load("x"),
        journal.list(RunQuery()),
        journal.post("x", "", {}),
    ):
        with pytest.raises(StoreError, match="is closed"):
            asyncio.run(attempt)


def test_the_thread_comes_with_the_need_and_goes_after_it(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "_LINGER_SECONDS", 0.05)

    def running() -> bool:
        gc.collect()
        return any(thread.name == "planrunner-journal" for thread in threading.enumerate())

    def until(wanted: bool) -> None:
        deadline = time.monotonic() + 20
        while running() != wanted:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    asyncio.run(journal.list(RunQuery()))
    assert not running()
    for _ in range(2):
        lease = asyncio.run(journal.create(new_run(), []))
        time.sleep(0.2)
        assert running()
        asyncio.run(journal.release(lease, "COMPLETE", 0))
        until(False)
    asyncio.run(journal.create(new_run(), []))
    journal.close()
    assert not running()


def fill(path: Path, runs: int) -> None:
    """A store with that many runs: 50 users, 10 plans, all states."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    states = ("COMPLETE", "COMPLETE", "COMPLETE", "FAILED", "NEED_CLARIFICATION", "IN_PROGRESS", "COMPLETE")
    rows = (
        (f"prun-{n}", f"u{n % 50}", f"plan{n // 50 % 10}", "a" * 64, states[n % 7], float(n), float(n), None, 0.0)
        for n in range(runs)
    )
    connection.executemany(sql.ADD_RUN, rows)
    connection.execute("COMMIT")
    connection.close()


@pytest.mark.parametrize("since", [False, True])
@pytest.mark.parametrize("state", [None, "COMPLETE", "FAILED", "NEED_CLARIFICATION", "IN_PROGRESS"])
@pytest.mark.parametrize("columns", [c for n in range(3) for c in itertools.combinations(FILTERS, n)], ids=str)
def test_every_listing_goes_by_an_index_that_is_in_its_order(
    journal: SqliteJournal, columns: tuple[str, ...], state: str | None, since: bool
) -> None:
    connection = sqlite3.connect(journal.path)
    filters = {**dict.fromkeys(columns, "x"), **({} if state is None else {"state": state})}
    parameters = (*filters.values(), *([0.0] if since else []), 50)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql.list_runs(filters, since)}", parameters)]
    connection.close()
    journal.close()
    assert len(plan) == 1, plan
    assert "USING INDEX run_" in plan[0]
    assert ("run_carried" in plan[0]) == (state == "IN_PROGRESS")
    if state != "IN_PROGRESS":
        assert all(f"{column}=?" in plan[0] for column in columns)
    assert ("state=?" in plan[0]) == (state in ("FAILED", "NEED_CLARIFICATION"))
    assert ("created_at>?" in plan[0]) == since


def test_a_listing_costs_the_same_in_a_store_a_hundred_times_as_large(tmp_path: Path) -> None:
    def work(runs: int) -> list[int]:
        """SQLite's own count of steps for each listing."""
        journal = SqliteJournal(tmp_path / f"{runs}.db")
        fill(journal.path, runs)
        connection = sqlite3.connect(journal.path)
        counts = []
        for filters in (
            {},
            {"end_user_id": "u7"},
            *({"end_user_id": "u7", "state": state} for state in ("COMPLETE", "FAILED", "IN_PROGRESS")),
            {"end_user_id": "u7", "plan_name": "plan0", "state": "COMPLETE"},
            {"end_user_id": "u7", "plan_name": "plan0", "state": "NEED_CLARIFICATION"},
        ):
            steps: list[int] = []
            connection.set_progress_handler(lambda steps=steps: steps.append(1), 1)
            assert len(connection.execute(sql.list_runs(filters, False), (*filters.values(), 2)).fetchall()) == 2
            counts.append(len(steps))
        connection.close()
        newest = asyncio.run(journal.list(RunQuery(end_user_id="u7", state="COMPLETE", plan_name="plan0", limit=2)))
        assert [run.end_user_id for run in newest] == ["u7", "u7"]
        journal.close()
        return counts

    small, large = work(10_500), work(105_000)  # whole rounds of what `fill` makes: as much lies before what is sought
    assert small == large
    assert max(large) < 5_000


def test_a_state_that_no_run_is_in_is_not_looked_for(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "s.db")
    fill(journal.path, 100)
    assert asyncio.run(journal.list(RunQuery(state="READY_TO_RESUME"))) == []
    assert journal._reader is None
    journal.close()


def test_bytes_grow_with_the_events_and_not_faster(tmp_path: Path) -> None:
    io = Path("/proc/self/io")
    if not io.exists():
        pytest.skip("this system does not tell what a process writes")

    def written() -> int:
        return int(next(line for line in io.read_text().splitlines() if line.startswith("wchar")).split()[1])

    async def carry(batches: int) -> tuple[int, int]:
        journal = SqliteJournal(tmp_path / f"{batches}.db")
        lease = await journal.create(new_run(), [event(0)])
        before = written()
        for number in range(batches):
            await append(journal, lease, number)
        amount = written() - before
        journal.close()
        return amount, journal.path.stat().st_size

    (few_written, few_kept), (many_written, many_kept) = asyncio.run(carry(300)), asyncio.run(carry(3_000))
    assert 8 * few_written < many_written < 12 * few_written
    assert many_kept < 12 * few_kept
