"""Carries a run through any number of deaths to its end, and holds every one of its lives against the promise."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Coroutine, Sequence
from pathlib import Path
from random import Random
from typing import Any

from planrunner import PlanRun, Runner
from planrunner.events import (
    CLARIFICATION_RAISED,
    DECIDED,
    EFFECT_FINISHED,
    EFFECT_VOIDED,
    RUN_RETRIED,
    STEP_FINISHED,
    Event,
)
from planrunner.fold import fold
from planrunner.journal.base import Lease, RunQuery
from planrunner.journal.memory import MemoryJournal
from planrunner.journal.sqlite import SqliteJournal
from planrunner.ledger import Ledger
from planrunner.run_parts import root_of
from planrunner.run_state import RunState
from planrunner.run_writer import RunWriter
from planrunner.settings import Settings
from tests.random_plans.growing import Case
from tests.random_plans.thinking import Thinker
from tests.random_plans.world import World, repeated

IN_ORDER, ONE_BY_ONE, BACKWARDS = "all at once", "one by one", "one by one, the last first"
"""How questions are answered."""

MOST_ROUNDS = 60


class Killed(BaseException):
    """Stands for the process dying: nothing of ours runs after it."""


class Deaths:
    """When the process dies: at the k-th append or release from now, before it is written or after."""

    def __init__(self, *at: tuple[int, bool]) -> None:
        self.to_come = list(at)
        self.died = 0
        self.writes = 0
        self.dead = False

    def before(self) -> bool:
        """Called before a write. Whether the process dies after it; Killed when it dies now."""
        if self.dead:
            raise Killed
        self.writes += 1
        if not self.to_come or self.writes < self.to_come[0][0]:
            return False
        _, after = self.to_come.pop(0)
        self.dead, self.died = True, self.died + 1
        if not after:
            raise Killed
        return True

    def live_again(self) -> None:
        self.dead, self.writes = False, 0


class _Dying:
    """The writes of a journal that dies."""

    deaths: Deaths

    def append(self, lease: Lease, events: Sequence[Event], *, flush: bool = True) -> Any:
        dies = self.deaths.before()
        written = super().append(lease, events, flush=flush)  # type: ignore[misc]
        if dies:
            raise Killed
        return written

    async def release(self, lease: Lease, state: str, seen: int, events: Sequence[Event] = ()) -> Any:
        dies = self.deaths.before()
        posts = await super().release(lease, state, seen, events)  # type: ignore[misc]
        if dies:
            raise Killed
        return posts


class InMemory(_Dying, MemoryJournal):
    def __init__(self, deaths: Deaths) -> None:
        super().__init__()
        self.deaths = deaths

    def reopened(self) -> InMemory:
        """The store as the next process finds it."""
        for run in self._runs.values():
            run.holder = None
        return self


class InFile(_Dying, SqliteJournal):
    def __init__(self, path: Path, deaths: Deaths) -> None:
        super().__init__(path, "NORMAL")
        self.deaths = deaths

    def reopened(self) -> InFile:
        """The store as the next process finds it, once the lease of the dead one has run out."""
        self.close()
        connection = sqlite3.connect(self.path)
        with connection:
            connection.execute("UPDATE run SET until = 0")
        connection.close()
        return InFile(self.path, self.deaths)


_SETTINGS = Settings(store="memory")


class _Watched(Runner):
    """A Runner whose ledgers can be looked at, in the time and with the model of its world."""

    ledger: Ledger | None = None

    def __init__(self, world: World) -> None:
        super().__init__(
            tools=world.tools(), model="m", settings=_SETTINGS, execution_hooks=world.hooks(), clock=world.time
        )
        self._thinker = Thinker(world)

    def _model(self, plan: Any) -> Any:
        return self._thinker

    async def _carry(self, plan: Any, parts: Any, ledger: Ledger, *rest: Any) -> None:
        self.ledger = ledger
        await super()._carry(plan, parts, ledger, *rest)


class Survivor:
    """One run of a case, from its first life to its end. `path`: of the store's file; None: it is in memory."""

    def __init__(self, case: Case, *, deaths: Deaths | None = None, seed: int = 0, path: Path | None = None) -> None:
        self.case = case
        self.deaths = deaths or Deaths()
        self.world = World(case, seed)
        self.journal: InMemory | InFile = InMemory(self.deaths) if path is None else InFile(path, self.deaths)
        self.run_id: str | None = None
        self.writes = 0
        self.pauses = 0

    def carry(self, answering: str = IN_ORDER) -> PlanRun:
        """Carry the run until it has ended, whatever dies meanwhile."""
        run = self._live()
        for _ in range(MOST_ROUNDS):
            if run.state != "NEED_CLARIFICATION":
                break
            self.pauses += 1
            self._answer(run, answering)
            run = self._live()
        assert run.state in ("COMPLETE", "FAILED"), run.state
        self._look_at_the_end(run)
        return run

    def try_again(self, answering: str = IN_ORDER) -> PlanRun:
        """A new try of the run that has failed."""
        run = self._live(retry=True)
        while run.state == "NEED_CLARIFICATION":
            self._answer(run, answering)
            run = self._live()
        self._look_at_the_end(run)
        return run

    def close(self) -> None:
        self.journal.close()

    @property
    def all_writes(self) -> int:
        """How often the run has written so far, in all its lives."""
        return self.writes + self.deaths.writes

    def kept(self) -> set[str]:
        """The calls of a failed run that a new try must not make: they gave a value, and not under `finally`."""
        calls = finished(self._known()).items()
        return {key for key, error in calls if error is None and not self._is_at_the_end(key)}

    def _is_at_the_end(self, key: str) -> bool:
        return any(root_of(key) == step["id"] for step in self.case.data.get("finally", ()))

    @property
    def events(self) -> tuple[Event, ...]:
        return asyncio.run(self.journal.load(self.run_id or "")).events

    def _runner(self) -> _Watched:
        runner = _Watched(self.world)
        runner._journals["memory"] = self.journal
        runner.close = lambda: None  # type: ignore[method-assign] - the store is ours
        return runner

    def _live(self, retry: bool = False) -> PlanRun:
        """Carry the run until it ends or waits, in as many processes as that takes."""
        while True:
            self.world.life += 1
            runner, known = self._runner(), self._known()
            try:
                run = self._carried(runner, retry)
            except Killed:
                self.writes += self.deaths.writes
                self.deaths.live_again()
                self.journal = self.journal.reopened()
                self._look_back(known)
                retry = retry and not any(event.kind == RUN_RETRIED for event in self._known()[len(known) :])
                continue
            self._look_back(known)
            assert told(fold(run.id, self._known())) == told(runner.ledger.state), "the events tell another state"  # type: ignore[union-attr]
            return run

    def _carried(self, runner: _Watched, retry: bool) -> PlanRun:
        self._find()
        if self.run_id is None:
            run = self._in_time(runner.arun(self.case.plan, {"flag": self.case.flag}, on_event=self.world.hear))
            self.run_id = run.id
            return run
        stored = runner.runs.get(self.run_id)
        if stored.state in ("COMPLETE", "FAILED") and not retry:
            runner.ledger = Ledger(fold(self.run_id, self._known()), RunWriter(self.journal, self.run_id, None))  # type: ignore[arg-type]
            return stored
        return self._in_time(runner.aresume(self.run_id, retry=retry, on_event=self.world.hear))

    def _in_time(self, work: Coroutine[Any, Any, PlanRun]) -> PlanRun:
        """Carry it out in the time of the world."""
        patience = 0.001 if isinstance(self.journal, InFile) else 0.0
        with asyncio.Runner(loop_factory=lambda: self.world.time.new_loop(patience)) as loop:
            return loop.run(work)

    def _find(self) -> None:
        if self.run_id is None:
            self.run_id = next((summary.id for summary in asyncio.run(self.journal.list(RunQuery()))), None)

    def _known(self) -> tuple[Event, ...]:
        self._find()
        return self.events if self.run_id is not None else ()

    def _answer(self, run: PlanRun, answering: str) -> None:
        questions = run.get_outstanding_clarifications()
        assert questions, "a run waits, and asks nothing"
        chosen = questions if answering == IN_ORDER else questions[:1] if answering == ONE_BY_ONE else questions[-1:]
        for question in chosen:
            run = self._runner().resolve_clarification(question, self.world.answer(question), run)

    # what must hold

    def _look_back(self, known: tuple[Event, ...]) -> None:
        """Hold what the last life did against what was on record before it."""
        calls = [call for call in self.world.calls if call.life == self.world.life]
        done = finished(known)
        if any(event.kind == RUN_RETRIED for event in self._known()):
            done = {key for key, error in done.items() if error is None and not self._is_at_the_end(key)}
        assert not set(done) & {call.key for call in calls}, "a finished call was repeated"
        twice = list(repeated(calls))
        assert not twice, f"calls were made twice in one life: {twice}"
        assert self._known()[: len(known)] == known, "something that was stored is gone"
        paid = Counter(call.key for call in self.world.calls if call.ended and call.key.endswith("!tool:0"))
        grave = {key for key in paid if self._is_grave(key)}
        assert all(paid[key] == 1 for key in grave), "what nobody can take back happened twice"

    def _is_grave(self, key: str) -> bool:
        return any(event.key == key and event.body.get("name") == "pay" for event in self._known())

    def _look_at_the_end(self, run: PlanRun) -> None:
        """Nothing is open in a run that has ended, and the counts are right."""
        assert not run.get_outstanding_clarifications()
        for step in every_step(run.model_dump(mode="json")["steps"]):
            assert step["state"] in ("NOT_STARTED", "COMPLETE", "SKIPPED", "FAILED"), step
            if step["state"] != "NOT_STARTED":
                assert step["finished_at"] is not None
            if items := step.get("items"):
                ended = items["complete"] + items["skipped"] + items["failed"]
                assert ended <= items["total"]
                assert step["state"] != "COMPLETE" or ended == items["total"] or left(self._known())
                assert sum(each["state"] == "FAILED" for each in step.get("steps", ())) == items["failed"]
        calls = Counter((call.key, call.attempt) for call in self.world.calls if not call.asked)
        assert all(times <= 1 + self.deaths.died for times in calls.values())
        assert self.world.fired["before_plan_run"] <= 1 + self.deaths.died


def finished(events: tuple[Event, ...]) -> dict[str, Any]:
    """The calls that had come to their end, with their errors."""
    done: dict[str, Any] = {}
    for event in events:
        if event.kind == EFFECT_FINISHED:
            done[event.key] = event.body.get("error")
        elif event.kind == EFFECT_VOIDED:
            done.pop(event.key, None)
    return done


def left(events: tuple[Event, ...]) -> bool:
    """Whether an `exit` was reached."""
    return any(event.kind == DECIDED and event.key.endswith("!left") for event in events)


def failed(events: tuple[Event, ...]) -> bool:
    """Whether anything failed that is on record as a step of its own."""
    return any(event.kind == STEP_FINISHED and event.body["state"] == "FAILED" for event in events)


def asked(events: tuple[Event, ...]) -> bool:
    return any(event.kind == CLARIFICATION_RAISED for event in events)


def every_step(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for step in steps for each in (step, *every_step(step.get("steps", [])))]


def masked(run: PlanRun) -> Any:
    """The record without what may differ: ids, times, how often a call was tried, and what was asked about doubt."""
    record = _masked(run.model_dump(mode="json"))
    asked = [each for each in record["clarifications"] if each.get("source") != "doubt"]
    # A call that was in doubt and did not happen is approved anew.
    record["clarifications"] = [each for place, each in enumerate(asked) if each not in asked[:place]]
    return record


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items() if key not in _DIFFERS and not key.endswith("_at")}
    return [_masked(item) for item in value] if isinstance(value, list) else value


_DIFFERS = frozenset(("id", "plan_run_id", "attempts"))


def told(state: RunState) -> Any:
    """All that a state holds, as plain data."""
    return _plain(state, set())


def _plain(value: Any, above: set[int]) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item, above) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, above) for item in value]
    names = getattr(type(value), "__slots__", None)
    if not names or isinstance(value, frozenset):
        return value
    assert id(value) not in above
    return {name: _plain(getattr(value, name), above | {id(value)}) for name in names}


def some_deaths(chance: Random, writes: int, number: int) -> list[Deaths]:
    """Ways to die in a run of so many writes, some of them twice."""
    found = []
    for _ in range(number):
        at = (chance.randint(1, writes), chance.random() < 0.5)
        again = ((chance.randint(1, 4), chance.random() < 0.5),) if chance.random() < 0.3 else ()
        found.append(Deaths(at, *again))
    return found
