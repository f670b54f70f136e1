"""kill -9 at random moments: what is finished is never done again, and nothing that was told is lost."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from planrunner import PlanRun
from planrunner.events import EFFECT_FINISHED, EFFECT_STARTED, EFFECT_VOIDED, Event
from tests.conftest import Size
from tests.crash.conftest import Process, Start
from tests.crash.work import TOUCHES, Book, Workshop, answered, effect_keys, masked


@dataclass
class Tally:
    """What the kills did."""

    kills: int = 0
    in_flight: int = 0
    repeated: int = 0
    doubts: int = 0


def finished(events: tuple[Event, ...]) -> set[str]:
    return {event.key for event in events if event.kind == EFFECT_FINISHED}


def started(events: tuple[Event, ...]) -> set[str]:
    return {event.key for event in events if event.kind == EFFECT_STARTED}


class Survivor:
    """One run, from its first life to its end."""

    def __init__(self, folder: Path, start: Start, chance: random.Random, tally: Tally, longest: float) -> None:
        folder.mkdir()
        self.folder, self.start, self.chance, self.tally, self.longest = folder, start, chance, tally, longest
        self.book = Book(folder)
        self.run_id: str | None = None
        self.known: tuple[Event, ...] = ()
        self.next = start(folder)

    def live(self, may_kill: bool) -> None:
        """One life: a fresh process goes on with the run, and may be killed at any moment of it."""
        process, self.next = self.next.wait_ready(), self.start(self.folder)
        lines = len(self.book.lines())
        process.say(*(["run"] if self.run_id is None else ["resume", self.run_id]))
        if may_kill:
            self._let_it_live(lines)
            killed = process.popen.poll() is None
            process.kill()
            self.tally.kills += killed
        else:
            assert "state" in process.hear()
            process.end()
        self._look_back(process, lines)

    def _let_it_live(self, lines: int) -> None:
        """Any time from its first moment; half the times from its first touch of the outside, where the calls are."""
        if self.chance.random() < 0.5:
            deadline = time.monotonic() + 2 * self.longest
            while len(self.book.lines()) == lines and time.monotonic() < deadline:
                time.sleep(0.001)
        time.sleep(self.chance.uniform(0, self.longest))

    def _look_back(self, process: Process, lines: int) -> None:
        """Compare what the process did, as the ledger has it, with what the store has of it."""
        with Workshop(self.folder) as runner:
            found = [summary.id for summary in runner.runs.list()]
            assert len(found) <= 1
            self.run_id = found[0] if found else None
            events = runner.runs.events(found[0]) if found else ()
        new = self.book.lines()[lines:]
        assert {line.pid for line in new} <= {process.pid}
        begun = Counter(effect_keys([line for line in new if line.what == "start"], self.run_id or ""))
        assert not begun.keys() & (finished(self.known) - doubtful(self.known)), "a finished call was repeated"
        assert all(times == 1 for times in begun.values()), "a call was made twice in one life"
        assert begun.keys() <= started(events), "a call was made that the journal does not know"
        assert events[: len(self.known)] == self.known, "something that was stored is gone"
        assert self._heard() <= {json.dumps(event) for event in events}, "something that was told is gone"
        self.tally.repeated += len(begun.keys() & started(self.known))
        self.tally.in_flight += bool(started(events) - finished(events))
        self.known = events

    def _heard(self) -> set[str]:
        heard = self.folder / "heard"
        return set(heard.read_text().splitlines()) if heard.exists() else set()

    def carry_on(self, kills: int) -> PlanRun:
        """Live until the run has ended, being killed in each life as long as there are kills left."""
        while True:
            self.live(may_kill=self.tally.kills < kills)
            if self.run_id is None:
                continue
            with Workshop(self.folder) as runner:
                run = answered(runner, runner.runs.get(self.run_id))
                self.known = runner.runs.events(self.run_id)
            if run.state == "COMPLETE":
                self.next.kill()
                return run


def doubtful(events: tuple[Event, ...]) -> set[str]:
    """Effects that a person said have not happened."""
    return {event.key for event in events if event.kind == EFFECT_VOIDED}


@pytest.fixture
def whole(tmp_path: Path, start: Start) -> tuple[PlanRun, float]:
    """The record of a run that nobody disturbed, and the seconds a fresh process takes to its pause."""
    took: list[float] = []
    for turn in range(3):
        folder = tmp_path / f"whole{turn}"
        folder.mkdir()
        process = start(folder).wait_ready()
        began = time.monotonic()
        process.say("run")
        run_id = process.hear()["run"]
        took.append(time.monotonic() - began)
        assert process.end() == ""
        with Workshop(folder) as runner:
            run = runner.resume(answered(runner, runner.runs.get(run_id)))
        assert len(runner.book.lines()) == 2 * TOUCHES
    assert run.state == "COMPLETE", run.error
    return run, median(took)


def test_killed_at_any_moment(tmp_path: Path, start: Start, size: Size, whole: tuple[PlanRun, float]) -> None:
    kills, (undisturbed, took) = size(25, 200), whole
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, tally, runs = random.Random(seed), Tally(), 0
    while tally.kills < kills:
        survivor = Survivor(tmp_path / f"run{runs}", start, chance, tally, took)
        runs += 1
        run = survivor.carry_on(kills)
        assert masked(run) == masked(undisturbed)
        lines = survivor.book.lines()
        paid = [line for line in lines if line.what == "end" and line.key.endswith("pay!tool:0")]
        assert len(paid) == 1, "an irreversible call happened twice, or never"
        assert len({line.key for line in lines}) == TOUCHES, "a call was repeated under another idempotency key"
        tally.doubts += sum(question.source == "doubt" for question in run.clarifications)
    print(
        f"{tally.kills} kills of {runs} runs, {tally.in_flight} while a call was in flight,"
        f" {tally.repeated} calls repeated, {tally.doubts} questions about doubt"
    )
    assert tally.in_flight >= kills // 10, "the kills missed the calls: they prove nothing"
