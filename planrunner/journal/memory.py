"""A store that lives and dies with the process: for tests, trials and runs nobody will ask about later."""

from __future__ import annotations

import builtins
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from planrunner.errors import StoreError, StoreUnusableError
from planrunner.events import Event
from planrunner.journal import refusals
from planrunner.journal.base import Lease, NewRun, Post, RunQuery, RunSummary, StoredRun
from planrunner.journal.packing import pack, pack_events, unpack, unpack_events


class MemoryLease:
    """The right to write to one run. It lasts until it is released or nobody holds the object any more."""

    __slots__ = ("__weakref__", "_run", "epoch", "run_id")

    def __init__(self, run_id: str, epoch: int, run: _Run) -> None:
        self.run_id = run_id
        self.epoch = epoch
        self._run = run

    def has_margin(self) -> bool:
        """Whether the run is still ours: nothing else can end a lease within one process."""
        return self._run.epoch == self.epoch


@dataclass(slots=True)
class _Run:
    """One run. What happened is kept as JSON text, so that later changes to the callers' objects never reach it."""

    new: NewRun
    updated_at: float
    state: str = refusals.CARRIED
    epoch: int = 0
    holder: weakref.ref[MemoryLease] | None = None
    batches: list[str] = field(default_factory=list)
    posts: dict[str, tuple[int, float, str]] = field(default_factory=dict)

    def take(self) -> MemoryLease:
        self.epoch += 1
        lease = MemoryLease(self.new.id, self.epoch, self)
        self.holder = weakref.ref(lease)
        return lease

    def is_held(self) -> bool:
        return self.holder is not None and self.holder() is not None

    def posts_after(self, seen: int) -> tuple[Post, ...]:
        return tuple(Post(seq, key, at, unpack(body)) for key, (seq, at, body) in self.posts.items() if seq > seen)

    def summary(self) -> RunSummary:
        new = self.new
        return RunSummary(
            new.id, new.end_user_id, new.plan_name, new.plan_sha256, self.state, new.created_at, self.updated_at
        )


class MemoryJournal:
    """The journal in memory. Everything is durable, in its sense, when the call returns."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._runs: dict[str, _Run] = {}
        self._files: dict[str, dict[str, str]] = {}

    async def create(self, run: NewRun, events: Sequence[Event], *, flush: bool = True) -> Lease:
        """See Journal.create."""
        stored = _Run(run, run.created_at, batches=[pack_events(events)])
        with self._mutex:
            if run.id in self._runs:
                raise StoreError(f"plan run {run.id} is in the store already; every run needs an id of its own")
            self._runs[run.id] = stored
            self._files.setdefault(run.plan_sha256, dict(run.files))
            return stored.take()

    async def claim(self, run_id: str, *, failed: bool = False) -> Lease:
        """See Journal.claim."""
        with self._mutex:
            run = self._known_run(run_id)
            if run.state in refusals.ENDED and not (failed and run.state == refusals.FAILED):
                raise refusals.finished(run_id, run.state)
            if run.is_held():
                raise refusals.busy(run_id, "another task of this process")
            run.state, run.updated_at = refusals.CARRIED, time.time()
            return run.take()

    async def renew(self, lease: Lease) -> None:
        """See Journal.renew."""
        with self._mutex:
            self._held_run(lease)

    def append(self, lease: Lease, events: Sequence[Event], *, flush: bool = True) -> None:
        """See Journal.append."""
        batch = pack_events(events)
        with self._mutex:
            self._held_run(lease).batches.append(batch)

    async def release(self, lease: Lease, state: str, seen: int, events: Sequence[Event] = ()) -> tuple[Post, ...]:
        """See Journal.release."""
        batch = pack_events(events)
        with self._mutex:
            run = self._held_run(lease)
            if posts := run.posts_after(seen):
                return posts
            if events:
                run.batches.append(batch)
            run.state, run.updated_at, run.holder = state, time.time(), None
            run.epoch += 1
            return ()

    def abandon(self, lease: Lease) -> None:
        """See Journal.abandon."""
        with self._mutex:
            run = self._runs.get(lease.run_id)
            if run is not None and run.epoch == lease.epoch:
                run.holder = None

    async def post(self, run_id: str, key: str, body: Mapping[str, Any]) -> bool:
        """See Journal.post."""
        text = pack(dict(body))
        with self._mutex:
            posts = self._open_run(run_id).posts
            if key in posts:
                return False
            posts[key] = (len(posts) + 1, time.time(), text)
            return True

    async def posts(self, run_id: str, seen: int) -> tuple[Post, ...]:
        """See Journal.posts."""
        with self._mutex:
            return self._known_run(run_id).posts_after(seen)

    async def load(self, run_id: str) -> StoredRun:
        """See Journal.load."""
        with self._mutex:
            run = self._known_run(run_id)
            batches, posts, summary = tuple(run.batches), run.posts_after(0), run.summary()
            files = self._files[run.new.plan_sha256]
        return StoredRun(summary, unpack_events(batches), posts, files)

    async def list(self, query: RunQuery) -> builtins.list[RunSummary]:
        """See Journal.list."""
        with self._mutex:
            found = [run.summary() for run in reversed(self._runs.values()) if _matches(run, query)]
        found.sort(key=lambda summary: summary.created_at, reverse=True)
        return found[: query.limit]

    def close(self) -> None:
        """See Journal.close. The runs go when the object goes."""

    def _known_run(self, run_id: str) -> _Run:
        if run_id not in self._runs:
            raise refusals.not_found(run_id, "memory")
        return self._runs[run_id]

    def _open_run(self, run_id: str) -> _Run:
        run = self._known_run(run_id)
        if run.state in refusals.ENDED:
            raise refusals.finished(run_id, run.state)
        return run

    def _held_run(self, lease: Lease) -> _Run:
        run = self._known_run(lease.run_id)
        if run.epoch != lease.epoch:
            raise refusals.lost(lease.run_id)
        return run


def _matches(run: _Run, query: RunQuery) -> bool:
    new = run.new
    return (
        query.end_user_id in (None, new.end_user_id)
        and query.state in (None, run.state)
        and query.plan_name in (None, new.plan_name)
        and (query.since is None or new.created_at >= query.since)
    )


def open_url(rest: str, _synchronous: str = "FULL") -> MemoryJournal:
    """The store of the name `memory`. Nothing may stand after the name: a store in memory has no place."""
    if rest:
        raise StoreUnusableError(f"a store in memory has no place, so `{rest}` means nothing: write just `memory`")
    return MemoryJournal()
