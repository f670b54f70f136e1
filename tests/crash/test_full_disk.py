"""The k-th write fails, for every k: a clean error, what was stored stays, the run goes on once the disk is well."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from planrunner import PlanRun, StoreError
from planrunner.events import EFFECT_FINISHED, Event
from tests.conftest import Size
from tests.crash import work
from tests.crash.faults import Fault, put_in
from tests.crash.work import TOUCHES, Workshop, answered, effect_keys, load, masked

LEASE = 0.4


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "DWELL", 0.0)


def stored(runner: Workshop) -> tuple[str | None, tuple[Event, ...]]:
    found = runner.runs.list()
    return (found[0].id, runner.runs.events(found[0].id)) if found else (None, ())


def carried(runner: Workshop) -> PlanRun:
    """The run of this store, from wherever it stands to its end; it is begun when there is none."""
    run_id, _ = stored(runner)
    run = runner.run(load()) if run_id is None else runner.runs.get(run_id)
    while run.state != "COMPLETE":
        run = runner.resume(answered(runner, run))
    return run


def undisturbed(folder: Path) -> tuple[Any, int]:
    """The record, and the number of writes."""
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        fault = Fault(0)
        put_in(fault, patch)
        with Workshop(folder) as runner:
            run = carried(runner)
        assert len(runner.book.lines()) == 2 * TOUCHES
    return masked(run), fault.writes


def broken_once(folder: Path, fault: Fault, lease: float) -> tuple[StoreError | None, PlanRun]:
    """Carry a run with the fault, and when it breaks, mend the disk and carry it on in a fresh Runner."""
    folder.mkdir()
    failure = None
    with pytest.MonkeyPatch.context() as patch:
        put_in(fault, patch, lease)
        try:
            with Workshop(folder) as runner:
                return None, carried(runner)
        except StoreError as error:
            failure = error
    fault.mend()
    time.sleep(LEASE)  # the lease could not be given up: this process still lives, and still has it
    with Workshop(folder) as runner:
        run_id, before = stored(runner)
        lines = runner.book.lines()
        run = carried(runner)
        assert run_id in (None, run.id)
        assert runner.runs.events(run.id)[: len(before)] == before
        again = Counter(
            effect_keys([line for line in runner.book.lines()[len(lines) :] if line.what == "start"], run.id)
        )
        assert not again.keys() & {event.key for event in before if event.kind == EFFECT_FINISHED}
        assert again.total() <= TOUCHES
    return failure, run


def test_a_write_that_fails_once_is_made_again(tmp_path: Path) -> None:
    whole, writes = undisturbed(tmp_path / "whole")
    for k in range(1, writes + 1):
        failure, run = broken_once(tmp_path / f"run{k}", fault := Fault(k), 15.0)
        if not fault.struck:  # what is written when the loop is idle makes a write more, or less
            assert k > writes - 3
            break
        assert failure is None, f"write {k}: {failure}"
        assert masked(run) == whole
        assert len(work.Book(tmp_path / f"run{k}").lines()) == 2 * TOUCHES, f"write {k}: a call was repeated"


@pytest.mark.parametrize("code", [sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL])
def test_a_disk_that_stays_broken_from_the_kth_write(tmp_path: Path, size: Size, code: int) -> None:
    """Errors that may pass are waited out for as long as a lease; others are told at once."""
    whole, writes = undisturbed(tmp_path / "whole")
    step = size(7 if code == sqlite3.SQLITE_FULL else 3, 1)
    for k in range(1, writes + 1, step):
        fault = Fault(k, code, lasting=True)
        failure, run = broken_once(tmp_path / f"run{k}", fault, LEASE)
        if not fault.struck:  # what is written when the loop is idle makes a write more, or less
            assert k > writes - 3
            break
        assert failure is not None
        assert "could not be written" in str(failure), f"write {k}: {failure}"
        assert "is kept" in str(failure)
        assert masked(run) == whole
