"""Two processes and one run: exactly one carries it, and one that slept too long writes nothing."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest

from planrunner import events
from tests.conftest import Size
from tests.crash.conftest import Process, Start
from tests.crash.project import Project, ended
from tests.crash.work import TOUCHES, Book, Workshop, answered, effect_keys, load, masked

LEASE = 1.0


def waiting_run(folder: Path) -> str:
    """A run that was paused, and whose question is answered."""
    with Workshop(folder) as runner:
        return answered(runner, runner.run(load())).id


def test_of_two_that_resume_at_once_one_carries(tmp_path: Path, start: Start, size: Size) -> None:
    """Whoever is second is told who has the run, and changes nothing; or finds it ended, and changes nothing either."""
    rivals = [start(tmp_path).wait_ready() for _ in range(2)]
    winners: Counter[int] = Counter()
    busy = 0
    for _ in range(size(20, 500)):
        run_id = waiting_run(tmp_path)
        lines = len(Book(tmp_path).lines())
        moment = time.time() + 0.03
        for rival in rivals:
            rival.say("race", run_id, moment)
        answers = [rival.hear() for rival in rivals]
        made = Book(tmp_path).lines()[lines:]
        (winner,) = {line.pid for line in made}
        assert len(made) == 2 * len({line.key for line in made}) == 6, "a call was made twice, or not at all"
        for rival, answer in zip(rivals, answers, strict=True):
            if rival.pid == winner or "state" in answer:
                assert answer == {"state": "COMPLETE", "run": run_id}
            else:
                busy += 1
                assert (answer["error"], answer["code"]) == ("RunBusyError", 1)
                assert f"process {winner} on this machine" in answer["says"]
        with Workshop(tmp_path) as runner:
            happened = Counter(event.kind for event in runner.runs.events(run_id))
        assert happened[events.RUN_RESUMED] == happened[events.RUN_FINISHED] == 1
        winners[winner] += 1
    print(f"{dict(winners)}, {busy} times the other was told that the run is busy")
    assert busy >= winners.total() * 0.7, "the races were no races"


def test_two_commands_at_once(tmp_path: Path, size: Size) -> None:
    """The one that carries is held in its step until the other has been sent away."""
    for turn in range(size(2, 20)):
        project = Project(tmp_path / f"project{turn}")
        project.let_go("first")
        paused = project.call("run", "plan.yml", "--format", "json", "--no-input")
        assert paused.code == 3, paused.err
        run_id = json.loads(paused.out)["id"]
        assert project.call("answer", run_id, "ask", "now").code == 0
        rivals = [project.begin("resume", run_id) for _ in range(2)]
        project.wait_for_calls(2)
        winner_pid = json.loads(project.made()[1])[0]
        loser, winner = sorted(rivals, key=lambda rival: rival.pid == winner_pid)
        told = ended(loser)
        assert (told.code, told.out) == (1, "")
        assert f"plan run {run_id} is carried by process {winner_pid} on this machine" in told.err
        assert "Traceback" not in told.err
        project.let_go("second")
        assert (ended(winner).out, winner.returncode) == ("before, now\n", 0)
        assert len(project.made()) == 2


def is_stopped(process: Process) -> bool:
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    return stat[stat.rindex(")") + 2] == "T"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to see whether a process stands still")
def test_one_that_sleeps_past_its_lease_writes_nothing_when_it_wakes(tmp_path: Path, start: Start, size: Size) -> None:
    """Stopped at the n-th line of the ledger, so in calls and between them; another process takes over and ends it."""
    with Workshop(tmp_path / "whole") as runner:
        whole = masked(runner.resume(answered(runner, runner.run(load()))))
    refused = 0
    for stop in range(1, 2 * TOUCHES + 1, size(4, 1)):
        folder = tmp_path / f"run{stop}"
        folder.mkdir()
        book = Book(folder)
        sleeper, other = start(folder, LEASE).wait_ready(), start(folder, LEASE).wait_ready()
        sleeper.say("run")
        run_id = _stopped_at(sleeper, folder, stop)
        if run_id is None:
            continue
        stood, in_flight = len(book.lines()), _in_flight(folder, run_id)
        _taken_over(other, folder, run_id)
        with Workshop(folder) as runner:
            before = runner.runs.events(run_id)
        sleeper.signal(signal.SIGCONT)
        answer = sleeper.hear()
        assert sleeper.end() == ""
        with Workshop(folder) as runner:
            assert runner.runs.events(run_id) == before, "a write of the one that slept was taken"
            assert masked(runner.runs.get(run_id)) == whole
        if answer.get("state") != "NEED_CLARIFICATION":  # it had let the run go before it was stopped
            refused += 1
            assert (answer["error"], answer["code"]) == ("LeaseLostError", 1)
            assert "no longer carries plan run" in answer["says"]
        late = [line for line in book.lines()[stood:] if line.pid == sleeper.pid]
        assert set(effect_keys(late, run_id)) <= in_flight, "it began another call after it had lost the run"
        assert len(set(late)) == len(late), "it made a call twice"
    print(f"{refused} times it was refused")
    assert refused >= 2


def _in_flight(folder: Path, run_id: str) -> set[str]:
    """The calls that the process was about to make, or in the middle of."""
    with Workshop(folder) as runner:
        happened = runner.runs.events(run_id)
    return {event.key for event in happened if event.kind == events.EFFECT_STARTED} - {
        event.key for event in happened if event.kind == events.EFFECT_FINISHED
    }


def _stopped_at(sleeper: Process, folder: Path, line: int) -> str | None:
    """Stop the process once the ledger has so many lines; the run's id. None when the run paused before.

    Not within a commit: there the file is locked until the process goes on or is ended, and nobody can take over.
    """
    deadline = time.monotonic() + 30
    with Workshop(folder) as runner:
        while len(runner.book.lines()) < line or not _stands_still(sleeper, folder):
            assert time.monotonic() < deadline
            if (runs := runner.runs.list()) and runs[0].state == "NEED_CLARIFICATION":
                return None
        return runner.runs.list()[0].id


def _stands_still(sleeper: Process, folder: Path) -> bool:
    """Stop it; unless it holds the lock of the file: then let it go on."""
    sleeper.signal(signal.SIGSTOP)
    while not is_stopped(sleeper):
        time.sleep(0.001)
    connection = sqlite3.connect(folder / "store" / "runs.sqlite3", timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        sleeper.signal(signal.SIGCONT)
        return False
    finally:
        connection.close()
    return True


def _taken_over(other: Process, folder: Path, run_id: str) -> None:
    """The other process carries the run to its end; the test answers between."""
    deadline = time.monotonic() + 30
    while True:
        assert time.monotonic() < deadline
        other.say("resume", run_id)
        answer = other.hear()
        if answer.get("error") == "RunBusyError":
            time.sleep(LEASE / 10)
            continue
        assert "state" in answer, answer
        if answer["state"] == "COMPLETE":
            return
        with Workshop(folder) as runner:
            answered(runner, runner.runs.get(run_id))
