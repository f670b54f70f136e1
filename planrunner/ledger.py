"""The book of a run while it is carried: events go in, the state follows, the journal is told, effects happen once.

One barrier orders everything: before an effect touches the outside, all that happened before it in this run stands in
the journal, its own start included. Nothing else waits for the disk; what is pending is written when the loop is idle.

A batch is flushed to the disk when a power cut must not take it: it says what was done, said or asked for, or that a
call of a tool begins. That a step or a call of a model begins, and what is decided of what is known, happens again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from planrunner import events, run_state
from planrunner.errors import StepError, step_error
from planrunner.events import Event
from planrunner.fold import apply
from planrunner.journal.base import Journal, Lease, Post
from planrunner.jsonsafe import to_json_safe
from planrunner.run_state import EffectState, RunState
from planrunner.times import REAL, Clock

Listener = Callable[[Event], None]
"""Hears every event of a run after it is durable. May not block; what it raises silences it and nothing else."""

_log = logging.getLogger("planrunner")

_MAY_HAPPEN_AGAIN: Final = frozenset((events.STEP_STARTED, events.DECIDED))


class Ledger:
    """State, journal and lease of one run, held by the one who carries it.

    seen     the last post that was taken in
    carrier  the task that carries the run: while it is at work itself, nothing of the run goes on beside it
    """

    def __init__(
        self,
        state: RunState,
        lease: Lease,
        journal: Journal,
        listener: Listener | None = None,
        seen: int = 0,
        clock: Clock = REAL,
    ) -> None:
        self.state = state
        self.clock = clock
        self.carrier: asyncio.Task[Any] | None = None
        self._seen = seen
        self._lease = lease
        self._journal = journal
        self._listener = listener
        self._pending: list[Event] = []
        self._must_last = False
        self._flush_is_due = False
        self._last_write: asyncio.Future[None] | None = None
        self._failure: Exception | None = None

    def emit(self, kind: str, key: str, body: dict[str, Any]) -> None:
        """Let something have happened. It is durable at the next barrier, or soon."""
        self.record(Event(kind, key, self.clock.now(), body))

    def record(self, event: Event, *, may_happen_again: bool = False) -> None:
        """As `emit`, for an event that is made already; of one that may happen again nothing is lost in a power cut."""
        apply(self.state, event)
        self._pending.append(event)
        if not may_happen_again and event.kind not in _MAY_HAPPEN_AGAIN:
            self._must_last = True
        if not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._flush_when_idle)

    def decide(self, key: str, decide: Callable[[], Any]) -> Any:
        """The decision recorded under this key; computed and recorded when there is none."""
        decisions = self.state.decisions
        if key not in decisions:
            self.emit(events.DECIDED, key, {"value": decide()})
        return decisions[key]

    async def effect(
        self,
        key: str,
        call: dict[str, Any],
        perform: Callable[[EffectState], Awaitable[dict[str, Any]]],
        attempt: int,
        goes_on: Callable[[StepError], bool] | None = None,
        *,
        may_happen_again: bool = False,
    ) -> Any:
        """The value of this effect: as recorded when it is finished, else one attempt at it is made now.

        `call` is `{name, args?, …}`. `perform` returns `{value, usage?}` or raises a StepError, which is recorded and
        raised: as the outcome of the effect, or, where `goes_on` says so, as that of an attempt that another follows.

        may_happen_again  it changes nothing outside: that it has begun may get lost in a power cut
        """
        known = self.state.effects.get(key)
        if known is not None and known.done and not known.is_void:
            return outcome_of(known)
        start = Event(events.EFFECT_STARTED, key, self.clock.now(), {**call, "attempt": attempt})
        self.record(start, may_happen_again=may_happen_again)
        await self.barrier()
        try:
            body = await perform(self.state.effects[key])
        except StepError as error:
            told: dict[str, Any] = {"error": error_body(error)}
            if goes_on is not None and goes_on(error):
                wish = getattr(error, "retry_after", None)
                self.emit(events.ATTEMPT_FAILED, key, told if wish is None else {**told, "retry_after": wish})
            else:
                self.emit(events.EFFECT_FINISHED, key, told)
            raise
        self.emit(events.EFFECT_FINISHED, key, body)
        if _is_cancelled():  # and what was called has kept it to itself
            raise asyncio.CancelledError
        return body["value"]

    def whisper(self, kind: str, key: str, body: dict[str, Any]) -> None:
        """Tell the listener of something that is no fact of the run, and is not kept."""
        self.announce([Event(kind, key, self.clock.now(), body)])

    def ending(self, error: dict[str, Any] | None, output: Any = None) -> Event:
        """The last event of a run: COMPLETE with its output, or FAILED with `{kind, message, step, path}`."""
        failed, complete = {"state": run_state.FAILED, "error": error}, {"state": run_state.COMPLETE, "output": output}
        return Event(events.RUN_FINISHED, "", self.clock.now(), complete if error is None else failed)

    async def barrier(self) -> None:
        """Wait until all that was emitted is durable, by whichever branch, and make sure that the lease has margin."""
        if self._pending and (asyncio.current_task() is not self.carrier or _is_cancelled()):
            await asyncio.sleep(0)  # what begins beside us has its say first: one write for all of them
        self._flush()
        if self._last_write is not None:
            await asyncio.shield(self._last_write)
        self._raise_failure()
        if not self._lease.has_margin():  # stopped or starved for long: the store knows whether the run is still ours
            await self._journal.renew(self._lease)

    async def posts(self) -> tuple[Post, ...]:
        """What was said to the run since we looked; it stays to be taken in."""
        return await self._journal.posts(self.state.id, self._seen)

    async def release(self, state: str, last: Event | None = None) -> None:
        """Write what is left and the last event, and let go of the run, in one transaction."""
        while await self.try_release(state, last):
            pass  # said too late to change anything: the run has ended, or is being left

    async def try_release(self, state: str, last: Event | None = None) -> tuple[Post, ...]:
        """As `release`, unless something was said to the run since we looked: then that, and the run is still ours."""
        if self._last_write is not None:
            await asyncio.shield(self._last_write)
        self._raise_failure()
        batch = self._pending if last is None else [*self._pending, last]
        posts = await self._journal.release(self._lease, state, self._seen, batch)
        if posts:
            self._seen = posts[-1].seq
            return posts
        self._pending = []
        if last is not None:
            apply(self.state, last)
        self.announce(batch)
        return ()

    def abandon(self) -> None:
        """Stop holding the run, without a word to the store: the lease is not renewed any more."""
        self._journal.abandon(self._lease)

    def announce(self, batch: list[Event]) -> None:
        """Tell the listener of events that are durable."""
        if self._listener is None:
            return
        try:
            for event in batch:
                # A copy: what a listener does to it, it does not do to the run.
                self._listener(event._replace(body=to_json_safe(event.body)))
        except Exception:
            self._listener = None
            _log.exception("a listener of run %s failed and hears nothing more", self.state.id)

    def _flush_when_idle(self) -> None:
        self._flush_is_due = False
        if self._pending and self._pending[-1].kind == events.RUN_FINISHED:
            return  # the end is written with the release
        try:
            self._flush()
        except Exception as error:  # raised at the next barrier, where somebody listens
            self._failure = error

    def _flush(self) -> None:
        self._raise_failure()
        batch = self._pending
        if not batch:
            return
        try:
            written = self._journal.append(self._lease, batch, flush=self._must_last)
        except Exception as error:  # nothing may be written past a batch that is not
            self._failure = error
            raise
        self._pending, self._must_last = [], False
        before = self._last_write
        if written is None and (before is None or before.done()):
            self.announce(batch)
        else:
            self._last_write = asyncio.ensure_future(self._finish_write(written, batch, before))

    async def _finish_write(
        self, written: Awaitable[None] | None, batch: list[Event], before: asyncio.Future[None] | None
    ) -> None:
        """Announce a batch once it is durable, and never before the batch ahead of it."""
        try:
            if written is not None:
                await written
            if before is not None:
                await before
        except Exception as error:
            self._failure = error
            return
        self.announce(batch)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def error_body(error: StepError) -> dict[str, str]:
    """An error as records have it."""
    return {"kind": error.kind, "message": str(error)}


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def outcome_of(effect: EffectState) -> Any:
    """The value of a finished effect; its error is raised."""
    if effect.error is not None:
        raise step_error(effect.error["kind"], effect.error["message"])
    return effect.value
