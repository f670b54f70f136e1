"""Several processes, one store: races, stalled and dead carriers."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
import warnings
from pathlib import Path

import pytest

from planrunner.errors import LeaseLostError, RunBusyError
from planrunner.journal import owner
from planrunner.journal.base import Lease
from planrunner.journal.sqlite import SqliteJournal
from tests.journal.conftest import Start, event, new_run

RACES = int(os.environ.get("JOURNAL_RACES", "25"))


async def at_rest(journal: SqliteJournal) -> str:
    """A run that anyone may claim."""
    run = new_run()
    lease = await journal.create(run, [event(0)])
    await journal.release(lease, "IN_PROGRESS", 0)
    return run.id


def written(journal: SqliteJournal, run_id: str) -> list[tuple[int, str | None]]:
    return [(each.body["n"], each.body.get("by")) for each in asyncio.run(journal.load(run_id)).events]


def test_of_two_processes_that_race_for_a_run_exactly_one_goes_on(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "runs.db"
    journal = SqliteJournal(path)
    rivals = [start(path, 15) for _ in range(2)]
    for _ in range(RACES):
        run_id = asyncio.run(at_rest(journal))
        moment = time.time() + 0.02
        for rival in rivals:
            rival.say("race", run_id, moment)
        answers = [rival.hear() for rival in rivals]
        assert sorted(answers) == ["busy", "won 3"]
        winner = rivals[answers.index("won 3")]
        winner.say("let_go")
        assert winner.hear() == "let go"
        assert written(journal, run_id) == [(0, None), (1, "worker")]
    journal.close()


async def take_over(journal: SqliteJournal, run_id: str) -> Lease:
    """Claim a run as soon as its lease has run out."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return await journal.claim(run_id)
        except RunBusyError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("runs", [1, 3], ids=["alone, inline", "beside others, through the writer"])
def test_a_process_that_sleeps_past_its_lease_writes_nothing(tmp_path: Path, start: Start, runs: int) -> None:
    path = tmp_path / "runs.db"
    journal = SqliteJournal(path, lease_seconds=1.5)
    stalled = start(path, 1.5)
    ids = [new_run().id for _ in range(runs)]
    stalled.say("create", *ids)
    assert stalled.hear() == "created"
    with pytest.raises(RunBusyError, match=rf"process {stalled.popen.pid} on this machine"):
        asyncio.run(journal.claim(ids[0]))
    stalled.popen.send_signal(signal.SIGSTOP)

    async def carry_on() -> None:
        for run_id in ids:
            lease = await take_over(journal, run_id)
            await journal.release(lease, "IN_PROGRESS", 0, [event(1)])

    asyncio.run(carry_on())
    stalled.popen.send_signal(signal.SIGCONT)
    stalled.say("try_to_write")
    assert stalled.hear() == " ".join(["refused"] * runs + ["False"] * runs)
    for run_id in ids:
        assert written(journal, run_id) == [(0, "worker"), (1, None)]
    journal.close()


@pytest.mark.parametrize("reaped", [False, True], ids=["zombie", "gone"])
def test_the_runs_of_a_killed_process_are_taken_over_at_once(tmp_path: Path, start: Start, reaped: bool) -> None:
    path = tmp_path / "runs.db"
    journal = SqliteJournal(path)
    ids = [new_run().id for _ in range(2)]
    victim = start(path, 3600)
    victim.say("create", *ids)
    assert victim.hear() == "created"
    victim.say("carry")
    acknowledged = [int(victim.hear()) for _ in range(50)][-1]
    victim.popen.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, victim.popen.pid, os.WEXITED | os.WNOWAIT)
    if reaped:
        victim.popen.wait()
    for run_id in ids:
        assert asyncio.run(journal.claim(run_id)).epoch == 2
        numbers = [number for number, _ in written(journal, run_id)]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > acknowledged
    journal.close()


def set_owner(path: Path, run_id: str, holder: owner.Owner, until: float) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE run SET owner = ?, until = ? WHERE id = ?", (holder.to_text(), until, run_id))
    connection.close()


def test_a_number_that_another_process_has_now_does_not_keep_a_run(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "runs.db")
    run_id = asyncio.run(at_rest(journal))
    parent = owner.this_process()._replace(pid=os.getppid(), start="")
    set_owner(journal.path, run_id, parent, time.time() + 3600)
    with pytest.raises(RunBusyError):
        asyncio.run(journal.claim(run_id))
    if not owner.this_process().start:
        pytest.skip("this system does not tell when a process started")
    set_owner(journal.path, run_id, owner.this_process()._replace(start="1"), time.time() + 3600)
    assert asyncio.run(journal.claim(run_id)).has_margin()
    journal.close()


def test_a_lease_that_this_process_has_abandoned_keeps_nobody_waiting(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "runs.db")
    run_id = asyncio.run(at_rest(journal))
    lease = asyncio.run(journal.claim(run_id))
    with pytest.raises(RunBusyError):
        asyncio.run(journal.claim(run_id))
    journal.abandon(lease)
    assert asyncio.run(journal.claim(run_id)).epoch == lease.epoch + 1
    with pytest.raises(LeaseLostError):
        journal.append(lease, [])
    journal.close()


def test_a_process_of_another_machine_keeps_its_run_until_the_lease_ends(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "runs.db")
    run_id = asyncio.run(at_rest(journal))
    there = owner.Owner("another boot", "mill", 2**22 + 1, "1")
    set_owner(journal.path, run_id, there, 4_000_000_000)
    with pytest.raises(RunBusyError, match=r"process 4194305 on the machine mill \(its lease lasts until 2096-10-02"):
        asyncio.run(journal.claim(run_id))
    set_owner(journal.path, run_id, there, time.time() - 0.001)
    assert asyncio.run(journal.claim(run_id)).has_margin()
    journal.close()


def test_closing_a_store_gives_up_what_it_carries(tmp_path: Path) -> None:
    first, second = SqliteJournal(tmp_path / "runs.db"), SqliteJournal(tmp_path / "runs.db")
    run = new_run()

    async def main() -> None:
        lease = await first.create(run, [event(0)])
        with pytest.raises(RunBusyError):
            await second.claim(run.id)
        first.close()
        assert not lease.has_margin()
        with pytest.raises(LeaseLostError):
            first.append(lease, [event(1)])
        await second.claim(run.id)

    asyncio.run(main())
    second.close()


def test_a_forked_child_begins_anew(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "runs.db")
    run, other = new_run(), new_run()

    async def child(lease: Lease) -> None:
        assert not lease.has_margin()
        with pytest.raises(LeaseLostError):
            journal.append(lease, [event(66)])
        with pytest.raises(LeaseLostError):
            await journal.release(lease, "COMPLETE", 0)
        with pytest.raises(RunBusyError, match=f"process {os.getppid()}"):
            await journal.claim(run.id)
        mine = await journal.create(other, [event(0)])
        await journal.release(mine, "COMPLETE", 0, [event(1)])
        assert len((await journal.load(run.id)).events) == 1

    lease = asyncio.run(journal.create(run, [event(0)]))
    asyncio.run(journal.load(run.id))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads is the very point
        pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(child(lease))
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert lease.has_margin()
    assert journal.append(lease, [event(1)]) is None
    assert written(journal, run.id) == [(0, None), (1, None)]
    assert written(journal, other.id) == [(0, None), (1, None)]
    journal.close()
