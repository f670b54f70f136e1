"""The default store: one SQLite file in WAL mode, safe for many runs, threads and processes at once.

A write is committed in the caller's thread while this process has nothing else on its way; else it goes to the
writer thread, which commits all that is waiting as one transaction.
"""

from __future__ import annotations

import asyncio
import builtins
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from planrunner.errors import StoreError, StoreUnusableError
from planrunner.events import Event
from planrunner.journal import owner, refusals
from planrunner.journal import sqlite_sql as sql
from planrunner.journal.base import LEASE_SECONDS, RENEW_SECONDS, Lease, NewRun, Post, RunQuery, RunSummary, StoredRun
from planrunner.journal.packing import pack, pack_events, unpack, unpack_events
from planrunner.journal.sqlite_file import SYNCHRONOUS, can_be_read, is_outage, open_for_reading, open_for_writing
from planrunner.journal.sqlite_lease import Leases, SqliteLease, now
from planrunner.journal.sqlite_writer import GroupWriter, Write, failure, roll_back, whole, write_alone

T = TypeVar("T")


class SqliteJournal:
    """The journal in a SQLite file.

    path           the file; folder and file are made when they are not there, readable by their owner alone
    synchronous    FULL: what is acknowledged survives a power cut, a batch that need not be flushed with the next one
                   that must. NORMAL: it survives the death of the process
    lease_seconds  how long a lease lives without renewal; it is renewed three times in that time

    Raises StoreUnusableError.
    """

    def __init__(self, path: str | Path, synchronous: str = "FULL", lease_seconds: float = LEASE_SECONDS) -> None:
        if synchronous not in SYNCHRONOUS:
            raise StoreUnusableError(f"synchronous is {synchronous!r}; it can be {' or '.join(SYNCHRONOUS)}")
        self.path = Path(os.path.abspath(path))
        self._synchronous = synchronous
        self._leases = Leases(lease_seconds, lease_seconds * RENEW_SECONDS / LEASE_SECONDS)
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = open_for_writing(self.path, synchronous)
        except StoreUnusableError:
            if not can_be_read(self.path):  # else it serves readers, and a write says what is wrong
                raise
        self._flushes = True
        self._closed = False
        self._begin_in_this_process()
        _OPEN.add(self)

    def _begin_in_this_process(self) -> None:
        self._mutex = threading.Lock()
        self._reading = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._leases = Leases(self._leases.seconds, self._leases.renew_after)
        self._writer = GroupWriter(self._connect, self._mutex, self._leases)
        self._owner = owner.this_process().to_text()

    def after_fork(self) -> None:
        """Begin anew in a forked child: its parent's connections, threads and leases are not its own."""
        self._leases.forget()
        _ABANDONED.append((self._connection, self._reader))
        self._connection = None
        self._begin_in_this_process()

    async def create(self, run: NewRun, events: Sequence[Event], *, flush: bool = True) -> Lease:
        """See Journal.create."""
        batch = pack_events(events)

        def write(connection: sqlite3.Connection) -> SqliteLease:
            began, until = now(), time.time() + self._leases.seconds
            try:
                number = connection.execute(sql.ADD_RUN, (*_columns(run), self._owner, until)).lastrowid or 0
            except sqlite3.IntegrityError:
                raise StoreError(
                    f"plan run {run.id} is in the store already; every run needs an id of its own"
                ) from None
            if connection.execute(sql.HAS_PLAN, (run.plan_sha256,)).fetchone() is None:
                connection.execute(sql.ADD_PLAN, (run.plan_sha256, pack(dict(run.files))))
            connection.execute(sql.APPEND, (1, batch, number, 1))
            return SqliteLease(run.id, 1, number, 1, began, self._leases.seconds)

        return self._watch(await self._perform(write, flush=flush))

    async def claim(self, run_id: str, *, failed: bool = False) -> Lease:
        """See Journal.claim."""

        def write(connection: sqlite3.Connection) -> SqliteLease:
            number, epoch = self._claimable(connection, run_id, failed)
            began, wall = now(), time.time()
            connection.execute(sql.TAKE, (self._owner, wall + self._leases.seconds, refusals.CARRIED, wall, number))
            batches = connection.execute(sql.LAST_BATCH, (number, number)).fetchone()[0]
            return SqliteLease(run_id, epoch + 1, number, batches, began, self._leases.seconds)

        return self._watch(await self._perform(write))

    async def renew(self, lease: Lease) -> None:
        """See Journal.renew."""
        held = _ours(lease)

        def write(connection: sqlite3.Connection) -> float:
            began, until = now(), time.time() + self._leases.seconds
            if connection.execute(sql.RENEW, (until, held.number, held.epoch)).rowcount != 1:
                raise self._lost(held)
            return began + self._leases.seconds

        held.ends = await self._perform(write, held)

    def append(self, lease: Lease, events: Sequence[Event], *, flush: bool = True) -> asyncio.Future[None] | None:
        """See Journal.append. The awaitable belongs to the running loop."""
        held = _ours(lease)
        if held.lost:
            raise refusals.lost(held.run_id)
        body = pack_events(events)
        held.batches += 1
        row = (held.batches, body, held.number, held.epoch)
        if self._may_write_here():
            try:
                if self._connect(flush).execute(sql.APPEND, row).rowcount == 1:
                    return None
                raise self._lost(held)
            except sqlite3.Error as error:
                self._give_way(error)
            finally:
                self._mutex.release()
        return self._writer.submit(lambda connection: self._append(connection, held, row), held, flush)

    async def release(self, lease: Lease, state: str, seen: int, events: Sequence[Event] = ()) -> tuple[Post, ...]:
        """See Journal.release."""
        held = _ours(lease)
        batch = pack_events(events) if events else None

        def write(connection: sqlite3.Connection) -> tuple[Post, ...]:
            if held.lost or not connection.execute(sql.IS_OURS, (held.number, held.epoch)).fetchone():
                raise self._lost(held)
            if posts := _posts(connection, held.number, seen):
                return posts
            if batch is not None:
                held.batches += 1
                connection.execute(sql.APPEND, (held.batches, batch, held.number, held.epoch))
            connection.execute(sql.RELEASE, (state, time.time(), held.number, held.epoch))
            return ()

        posts: tuple[Post, ...] = await self._perform(write, held)
        if not posts:
            self._leases.discard(held)
        return posts

    def abandon(self, lease: Lease) -> None:
        """See Journal.abandon."""
        self._leases.discard(_ours(lease))

    async def post(self, run_id: str, key: str, body: Mapping[str, Any]) -> bool:
        """See Journal.post."""
        text = pack(dict(body))

        def write(connection: sqlite3.Connection) -> bool:
            number, state, *_ = self._found(connection.execute(sql.FIND_RUN, (run_id,)).fetchone(), run_id)
            if state in refusals.ENDED:
                raise refusals.finished(run_id, state)
            return connection.execute(sql.POST, (number, key, time.time(), text)).rowcount == 1

        return bool(await self._perform(write))

    async def posts(self, run_id: str, seen: int) -> tuple[Post, ...]:
        """See Journal.posts."""

        def read(connection: sqlite3.Connection) -> tuple[Post, ...]:
            *_, number = self._found(connection.execute(sql.LOAD_RUN, (run_id,)).fetchone(), run_id)
            return _posts(connection, number, seen)

        return await asyncio.to_thread(self._read, read)

    async def load(self, run_id: str) -> StoredRun:
        """See Journal.load."""

        def read(connection: sqlite3.Connection) -> StoredRun:
            *summary, number = self._found(connection.execute(sql.LOAD_RUN, (run_id,)).fetchone(), run_id)
            events = unpack_events(body for (body,) in connection.execute(sql.BATCHES, (number, number)))
            stored = RunSummary(*summary)
            files = unpack(connection.execute(sql.FILES, (stored.plan_sha256,)).fetchone()[0])
            return StoredRun(stored, events, _posts(connection, number, 0), files)

        return await asyncio.to_thread(self._read, read)

    async def list(self, query: RunQuery) -> builtins.list[RunSummary]:
        """See Journal.list."""
        if query.state is not None and query.state not in sql.STATES:
            return []  # without a look at every run
        filters = {"end_user_id": query.end_user_id, "plan_name": query.plan_name, "state": query.state}
        given = {column: value for column, value in filters.items() if value is not None}
        statement = sql.list_runs(given, query.since is not None)
        parameters = [*given.values(), *([] if query.since is None else [query.since]), query.limit]

        def read(connection: sqlite3.Connection) -> builtins.list[RunSummary]:
            return [RunSummary(*row) for row in connection.execute(statement, parameters)]

        return await asyncio.to_thread(self._read, read)

    def close(self) -> None:
        """See Journal.close. Leases still held are given up, so that nobody waits for them to run out."""
        self._writer.close()
        with self._mutex, self._reading:
            connection, self._connection, self._closed = self._connection, None, True
            if connection is not None:
                self._abandon_leases(connection)
                connection.close()
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def _abandon_leases(self, connection: sqlite3.Connection) -> None:
        for lease in self._leases.held():
            self._leases.discard(lease)
            try:
                connection.execute(sql.ABANDON, (lease.number, lease.epoch))
            except sqlite3.Error:
                return  # they run out by themselves

    def _connect(self, flush: bool = True) -> sqlite3.Connection:
        """The connection for writing, set to flush the next transaction to the disk or not; hold the mutex."""
        if self._connection is None:
            if self._closed:
                raise StoreError(f"the store {self.path} is closed")
            self._connection, self._flushes = open_for_writing(self.path, self._synchronous), True
        if flush is not self._flushes and self._synchronous == "FULL":
            self._connection.execute(sql.FLUSH if flush else sql.DO_NOT_FLUSH)
            self._flushes = flush
        return self._connection

    async def _perform(self, write: Write, lease: SqliteLease | None = None, *, flush: bool = True) -> Any:
        """Commit a write after all earlier ones, here or by way of the writer thread, and return its value."""
        if self._may_write_here():
            try:
                return write_alone(self._connect(flush), write)
            except sqlite3.Error as error:
                self._give_way(error)
            finally:
                self._mutex.release()
        return await self._writer.submit(whole(write), lease, flush)

    def _may_write_here(self) -> bool:
        """Whether nothing else is on its way in this process; if so, the mutex is taken."""
        return self._writer.unsettled == 0 and len(self._leases) <= 1 and self._mutex.acquire(False)

    def _give_way(self, error: sqlite3.Error) -> None:
        """After a failed write of the caller's thread: leave it to the writer thread if trying again may help."""
        if self._connection is not None:
            roll_back(self._connection)
        if not is_outage(error):
            raise failure(error) from error

    def _append(self, connection: sqlite3.Connection, lease: SqliteLease, row: tuple[int, str, int, int]) -> None:
        if lease.lost or connection.execute(sql.APPEND, row).rowcount != 1:
            raise self._lost(lease)

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """Read from one consistent state of the store; runs in a thread of its own."""
        with self._reading:
            if self._closed:
                raise StoreError(f"the store {self.path} is closed")
            if self._reader is None:
                self._reader = open_for_reading(self.path)
            try:
                with self._reader:
                    self._reader.execute("BEGIN")
                    return read(self._reader)
            except sqlite3.Error as error:
                raise StoreError(f"the store {self.path} could not be read: {error}") from error

    def _claimable(self, connection: sqlite3.Connection, run_id: str, failed: bool) -> tuple[int, int]:
        row = connection.execute(sql.FIND_RUN, (run_id,)).fetchone()
        number, state, holder, epoch, until = self._found(row, run_id)
        if state in refusals.ENDED and not (failed and state == refusals.FAILED):
            raise refusals.finished(run_id, state)
        if holder is not None and time.time() < until:
            process = owner.from_text(holder)
            ours_no_more = holder == self._owner and not _held_in_this_process(number, self.path)
            if not ours_no_more and not owner.is_dead(process):
                raise refusals.busy(run_id, owner.describe(process, until))
        return number, epoch

    def _found(self, row: Any, run_id: str) -> Any:
        if row is None:
            raise refusals.not_found(run_id, f"the store {self.path}")
        return row

    def _watch(self, lease: SqliteLease) -> SqliteLease:
        self._leases.add(lease)
        self._writer.watch()
        return lease

    def _lost(self, lease: SqliteLease) -> Exception:
        self._leases.discard(lease)
        return refusals.lost(lease.run_id)


def open_url(rest: str, synchronous: str = "FULL") -> SqliteJournal:
    """The store in the file named by a path or by what follows `sqlite:///`."""
    return SqliteJournal(rest, synchronous)


def _held_in_this_process(number: int, path: Path) -> bool:
    """Whether any journal of this process on that file holds the run: a lease may have been abandoned."""
    return any(
        journal.path == path and any(lease.number == number for lease in journal._leases.held()) for journal in _OPEN
    )


def _columns(run: NewRun) -> tuple[Any, ...]:
    at = run.created_at
    return (run.id, run.end_user_id, run.plan_name, run.plan_sha256, refusals.CARRIED, at, at)


def _ours(lease: Lease) -> SqliteLease:
    if not isinstance(lease, SqliteLease):
        raise TypeError(f"a lease of another store: {lease!r}")
    return lease


def _posts(connection: sqlite3.Connection, number: int, seen: int) -> tuple[Post, ...]:
    rows = connection.execute(sql.POSTS, (number, seen))
    return tuple(Post(seq, key, at, unpack(body)) for seq, key, at, body in rows)


_OPEN: Final[weakref.WeakSet[SqliteJournal]] = weakref.WeakSet()
_ABANDONED: Final[list[Any]] = []
"""A parent's connections in a forked child: SQLite allows neither to use nor to close them there."""


def _after_fork() -> None:
    for journal in list(_OPEN):
        journal.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
