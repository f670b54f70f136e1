"""Writes the events of one run to the journal, in their order, and holds its lease.

Nothing waits for a write but who must. What is pending is written when the loop is idle, or when somebody waits for it.
The first write of a new run is what creates it; until it is done, nothing else is written.

A batch is flushed to the disk when a power cut must not take it: it says what was done, said or asked for, or that a
call of a tool begins. That a step or a call of a model begins, and what is decided of what is known, happens again; and
that a run began is nobody's loss while nobody outside has heard of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from planrunner import events
from planrunner.events import Event
from planrunner.futures import begun
from planrunner.journal.base import Journal, Lease, NewRun, Post
from planrunner.jsonsafe import to_json_safe

Listener = Callable[[Event], None]
"""Hears every event of a run after it is durable. May not block; what it raises silences it and nothing else."""

_log = logging.getLogger("planrunner")

_MAY_HAPPEN_AGAIN: Final = frozenset((events.RUN_STARTED, events.STEP_STARTED, events.DECIDED))


class RunWriter:
    """What is on its way from a run to its journal.

    held  the lease to write under; of a new run, until it is created, what the journal is told of it
    seen  the last post that was taken in
    """

    def __init__(
        self, journal: Journal, run_id: str, held: Lease | NewRun, listener: Listener | None = None, seen: int = 0
    ) -> None:
        self._journal = journal
        self._run_id = run_id
        self._held = held
        self._listener = listener
        self._seen = seen
        self._pending: list[Event] = []
        self._must_last = False
        self._outlasts = not isinstance(held, NewRun)  # that the run is there: a power cut
        self._is_due = False
        self._creation: asyncio.Future[None] | None = None  # sets what is held, or the failure
        self._last_write: asyncio.Future[None] | None = None
        self._failure: Exception | None = None

    @property
    def has_pending(self) -> bool:
        """Whether anything has happened whose write has not begun."""
        return bool(self._pending)

    def note(self, event: Event, *, may_happen_again: bool = False) -> None:
        """Have an event written, soon. Of one that may happen again nothing is lost in a power cut."""
        self._pending.append(event)
        if not may_happen_again and event.kind not in _MAY_HAPPEN_AGAIN:
            self._must_last = True
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._write_when_idle)

    async def durable(self, *, unheard: bool = False) -> None:
        """Wait until all that was noted is durable, whoever had it written, and make sure that the lease has margin.

        unheard  nothing outside hears of the run then: that it is there may still be lost in a power cut
        """
        if not unheard and not self._outlasts:
            self._must_last = True
        lease = await self._lease()
        self._write()
        await self._written()
        if not lease.has_margin():  # stopped or starved for long: the store knows whether the run is still ours
            await self._journal.renew(lease)

    async def posts(self) -> tuple[Post, ...]:
        """What was said to the run since we looked; it stays to be taken in. Nothing is said to one not yet there."""
        return () if isinstance(self._held, NewRun) else await self._journal.posts(self._run_id, self._seen)

    async def release(self, state: str, last: Event | None = None) -> tuple[Post, ...]:
        """Write what is left and the last event, and let go of the run, in one transaction.

        Unless something was said to the run since we looked: then that, and the run is still ours.
        """
        lease = await self._lease()
        await self._written()
        batch = self._pending if last is None else [*self._pending, last]
        posts = await self._journal.release(lease, state, self._seen, batch)
        if posts:
            self._seen = posts[-1].seq
            return posts
        self._pending = []
        self.announce(batch)
        return ()

    def abandon(self) -> None:
        """Stop holding the run, without a word to the store: the lease is not renewed any more."""
        if not isinstance(self._held, NewRun):
            self._journal.abandon(self._held)

    def announce(self, batch: list[Event]) -> None:
        """Tell the listener of events that are durable, or that are not kept."""
        if self._listener is None:
            return
        try:
            for event in batch:
                # A copy: what a listener does to it, it does not do to the run.
                self._listener(event._replace(body=to_json_safe(event.body)))
        except Exception:
            self._listener = None
            _log.exception("a listener of run %s failed and hears nothing more", self._run_id)

    async def _lease(self) -> Lease:
        """The lease to write under. A new run is created for it, unless it is being created already."""
        while isinstance(self._held, NewRun):
            self._raise_failure()
            if self._creation is None:
                self._creation = begun(self._create(self._held, flush=self._must_last))
            await asyncio.shield(self._creation)
        return self._held

    async def _create(self, new: NewRun, *, flush: bool) -> None:
        """Let the run be there, with all that has happened but its end, which is written with the release."""
        has_ended = bool(self._pending) and self._pending[-1].kind == events.RUN_FINISHED
        batch, self._pending = (self._pending[:-1], self._pending[-1:]) if has_ended else (self._pending, [])
        self._must_last = False
        self._outlasts = flush or self._listener is not None
        try:
            self._held = await self._journal.create(new, batch, flush=self._outlasts)
        except Exception as error:  # raised to all who wait, now or later
            self._failure = error
            return
        self.announce(batch)
        self._write_when_idle()  # what has happened meanwhile

    def _write_when_idle(self) -> None:
        self._is_due = False
        if not self._pending or self._pending[-1].kind == events.RUN_FINISHED:
            return  # the end is written with the release
        if isinstance(self._held, NewRun) and self._creation is None:
            self._creation = asyncio.ensure_future(self._create(self._held, flush=True))
            return
        try:
            self._write()
        except Exception as error:  # raised to the next who waits
            self._failure = error

    def _write(self) -> None:
        """Begin to write what is pending, and be it nothing, if that makes the run outlast a power cut."""
        self._raise_failure()
        batch = self._pending
        if isinstance(self._held, NewRun):
            return  # it is being created: what has happened meanwhile is written after that
        if not batch and (self._outlasts or not self._must_last):
            return
        try:
            written = self._journal.append(self._held, batch, flush=self._must_last)
        except Exception as error:  # nothing may be written past a batch that is not
            self._failure = error
            raise
        self._outlasts = self._outlasts or self._must_last
        self._pending, self._must_last = [], False
        before = self._last_write
        if written is None and (before is None or before.done()):
            self.announce(batch)
        else:
            self._last_write = asyncio.ensure_future(self._finish(written, batch, before))

    async def _finish(
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

    async def _written(self) -> None:
        """Wait for the writes that have begun, and for none that begins meanwhile."""
        if self._last_write is not None:
            await asyncio.shield(self._last_write)
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
