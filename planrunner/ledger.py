"""The book of a run while it is carried: events go in, the state follows, the journal is told, effects happen once.

One barrier orders everything: before an effect touches the outside, all that happened before it in this run stands in
the journal, its own start included. Nothing else waits for the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from planrunner import events, run_state
from planrunner.errors import StepError, step_error
from planrunner.events import Event
from planrunner.fold import apply
from planrunner.journal.base import Post
from planrunner.run_state import EffectState, RunState
from planrunner.run_writer import RunWriter
from planrunner.times import REAL, Clock


class Ledger:
    """State of one run, and its way to the journal, held by the one who carries it.

    carrier  the task that carries the run: while it is at work itself, nothing of the run goes on beside it
    """

    def __init__(self, state: RunState, writer: RunWriter, clock: Clock = REAL) -> None:
        self.state = state
        self.clock = clock
        self.carrier: asyncio.Task[Any] | None = None
        self._writer = writer

    def emit(self, kind: str, key: str, body: dict[str, Any]) -> None:
        """Let something have happened. It is durable at the next barrier, or soon."""
        self.record(Event(kind, key, self.clock.now(), body))

    def record(self, event: Event, *, may_happen_again: bool = False) -> None:
        """As `emit`, for an event that is made already; of one that may happen again nothing is lost in a power cut."""
        apply(self.state, event)
        self._writer.note(event, may_happen_again=may_happen_again)

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
        await self.barrier(unheard=may_happen_again)
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
        self._writer.announce([Event(kind, key, self.clock.now(), body)])

    def ending(self, error: dict[str, Any] | None, output: Any = None) -> Event:
        """The last event of a run: COMPLETE with its output, or FAILED with `{kind, message, step, path}`."""
        failed, complete = {"state": run_state.FAILED, "error": error}, {"state": run_state.COMPLETE, "output": output}
        return Event(events.RUN_FINISHED, "", self.clock.now(), complete if error is None else failed)

    async def barrier(self, *, unheard: bool = False) -> None:
        """Wait until all that was emitted is durable, by whichever branch, and make sure that the lease has margin.

        unheard  of what comes next nobody hears but a model: that the run is there may still get lost in a power cut
        """
        if self._writer.has_pending and (asyncio.current_task() is not self.carrier or _is_cancelled()):
            await asyncio.sleep(0)  # what begins beside us has its say first: one write for all of them
        await self._writer.durable(unheard=unheard)

    async def posts(self) -> tuple[Post, ...]:
        """What was said to the run since we looked; it stays to be taken in."""
        return await self._writer.posts()

    async def release(self, state: str, last: Event | None = None) -> None:
        """Write what is left and the last event, and let go of the run, in one transaction."""
        while await self.try_release(state, last):
            pass  # said too late to change anything: the run has ended, or is being left

    async def try_release(self, state: str, last: Event | None = None) -> tuple[Post, ...]:
        """As `release`, unless something was said to the run since we looked: then that, and the run is still ours."""
        posts = await self._writer.release(state, last)
        if last is not None and not posts:
            apply(self.state, last)
        return posts

    def abandon(self) -> None:
        """Stop holding the run, without a word to the store: the lease is not renewed any more."""
        self._writer.abandon()


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
