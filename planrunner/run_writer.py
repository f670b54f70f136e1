"""Writes the events of one run to the journal, in their order, and holds its lease.

Nothing waits for a write but who must. What is pending is written when the loop is idle, or when somebody waits for it.
The first write of a new run is what creates it.

A batch is flushed to the disk when a power cut must not take it: it says what was done, said or asked for, or that a
call of a tool begins. That a step or a call of a model begins, and what is decided of what is known, happens again; and
that a run begins is nobody's loss while nobody has heard of it.
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

    held         the lease to write under; of a new run, what the journal is told of it
    seen         the last post that was taken in
    is_heard_of  others than the listener hear of the run while it goes on: its beginning must outlive a power cut
    """

    def __init__(
        self,
        journal: Journal,
        run_id: str,
        held: Lease | NewRun,
        listener: Listener | None = None,
        *,
        seen: int = 0,
        is_heard_of: bool = False,
    ) -> None:
        self._journal = journal
        self._run_id = run_id
        self._held = held
        self._listener = listener
        self._seen = seen
        self._pending: list[Event] = []
        self._must_last = isinstance(held, NewRun) and (is_heard_of or listener is not None)
        self._is_due = False
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

    async def durable(self) -> None:
        """Wait until all that was noted is durable, whoever had it written, and make sure that the lease has margin."""
        self._write()
        lease = await self._written()
        if not lease.has_margin():  # stopped or starved for long: the store knows whether the run is still ours
            await self._journal.renew(lease)

    async def posts(self) -> tuple[Post, ...]:
        """What was said to the run since we looked; it stays to be taken in. Nothing is said to one not yet there."""
        return () if isinstance(self._held, NewRun) else await self._journal.posts(self._run_id, self._seen)

    async def release(self, state: str, last: Event | None = None) -> tuple[Post, ...]:
        """Write what is left and the last event, and let go of the run, in one transaction.

        Unless something was said to the run since we looked: then that, and the run is still ours.
        """
        if isinstance(self._held, NewRun):
            self._write()
        lease = await self._written()
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

    def _write_when_idle(self) -> None:
        self._is_due = False
        if self._pending and self._pending[-1].kind == events.RUN_FINISHED:
            return  # the end is written with the release
        try:
            self._write()
        except Exception as error:  # raised to the next who waits
            self._failure = error

    def _write(self) -> None:
        self._raise_failure()
        batch = self._pending
        if not batch or self._is_being_created():
            return
        try:
            written = self._begin_write(batch)
        except Exception as error:  # nothing may be written past a batch that is not
            self._failure = error
            raise
        self._pending, self._must_last = [], False
        before = self._last_write
        if written is None and (before is None or before.done()):
            self.announce(batch)
        else:
            self._last_write = asyncio.ensure_future(self._finish(written, batch, before))

    def _begin_write(self, batch: list[Event]) -> Awaitable[None] | None:
        """Have a batch written, the first of a new run together with that; None when it is."""
        if not isinstance(self._held, NewRun):
            return self._journal.append(self._held, batch, flush=self._must_last)
        creating = begun(self._journal.create(self._held, batch, flush=self._must_last))
        if not creating.done():
            return self._hold(creating)
        self._held = creating.result()
        return None

    async def _hold(self, creating: asyncio.Future[Lease]) -> None:
        self._held = await creating
        self._write()  # what has happened meanwhile

    def _is_being_created(self) -> bool:
        """Whether there is no lease to write under yet, and there will be one."""
        return isinstance(self._held, NewRun) and self._last_write is not None

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

    async def _written(self) -> Lease:
        """Wait for the writes that have begun; the lease that they are written under."""
        while self._last_write is not None and not self._last_write.done():
            await asyncio.shield(self._last_write)
        self._raise_failure()
        if isinstance(self._held, NewRun):
            raise AssertionError("a run begins with an event that says so")
        return self._held

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
