"""Writing to a SQLite store: what makes one transaction, and the one thread that commits for many runs at once."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from planrunner.errors import PlanrunnerError, StoreError
from planrunner.journal.sqlite_file import code_of, is_outage
from planrunner.journal.sqlite_lease import Leases, SqliteLease, now

Write = Callable[[sqlite3.Connection], Any]
"""Something written within a transaction. It refuses with a PlanrunnerError."""

_BUSY_PAUSE: Final = 0.005
_OUTAGE_PAUSE: Final = 0.1
_LINGER_SECONDS: Final = 10.0


class Outcome(NamedTuple):
    """What came of a write: a value, or the error to raise."""

    value: Any = None
    error: Exception | None = None

    def get(self) -> Any:
        """The value; raises the error."""
        if self.error is not None:
            raise self.error
        return self.value


@dataclass(slots=True, eq=False)
class Waiting:
    """A write on its way, and who waits for it. Under a lease it is tried until that ends, else until `deadline`."""

    write: Write
    flush: bool
    lease: SqliteLease | None
    deadline: float
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

    def is_late(self) -> bool:
        return now() >= (self.deadline if self.lease is None else self.lease.ends)


def failure(error: Exception) -> StoreError:
    """An error of SQLite in our words."""
    return StoreError(
        f"the store could not be written ({error}); what was acknowledged before is kept. When the cause is mended"
        " (free disk space, end the process that holds the lock), resume the run"
    )


def transact(connection: sqlite3.Connection, writes: Sequence[Write]) -> list[Outcome]:
    """All writes in one transaction. One that is refused leaves the others alone; an outage undoes and fails all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcomes = [_attempt(connection, write) for write in writes]
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise
    return outcomes


def write_alone(connection: sqlite3.Connection, write: Write) -> Any:
    """One write in a transaction of its own; its value. Whatever it raises undoes it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        value = write(connection)
        connection.execute("COMMIT")
    except BaseException as error:
        roll_back(connection)
        if isinstance(error, ValueError | OverflowError):
            raise failure(error) from error
        raise
    return value


def roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction that failed, unless SQLite has done so itself."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _attempt(connection: sqlite3.Connection, write: Write) -> Outcome:
    try:
        return Outcome(write(connection))
    except PlanrunnerError as error:
        return Outcome(error=error)
    except sqlite3.Error as error:
        if is_outage(error) or not connection.in_transaction:
            raise
        return Outcome(error=failure(error))
    except (ValueError, OverflowError) as error:
        return Outcome(error=failure(error))


def whole(write: Write) -> Write:
    """The same write, undone as a whole when one of its statements fails."""

    def guarded(connection: sqlite3.Connection) -> Any:
        connection.execute("SAVEPOINT write")
        try:
            value = write(connection)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK TO write")
                connection.execute("RELEASE write")
            raise
        connection.execute("RELEASE write")
        return value

    return guarded


class GroupWriter:
    """A daemon thread that commits whatever is waiting as one transaction, and renews the leases.

    It starts with the first need and ends some time after the last. `unsettled` counts the writes handed over and not
    yet committed: while there are any, nobody may write past them.
    """

    def __init__(self, connect: Callable[[bool], sqlite3.Connection], mutex: threading.Lock, leases: Leases) -> None:
        self.unsettled = 0
        self._connect = connect
        self._mutex = mutex
        self._leases = leases
        self._wake = threading.Condition()
        self._queue: list[Waiting] = []
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0
        self._closing = False

    def submit(self, write: Write, lease: SqliteLease | None, flush: bool = True) -> asyncio.Future[Any]:
        """Hand a write over; the future belongs to the running loop. Cancelling it does not undo the write.

        flush  whether its transaction must be flushed to the disk
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        waiting = Waiting(write, flush, lease, now() + self._leases.seconds, loop, future)
        with self._wake:
            self._ensure_thread()
            self._queue.append(waiting)
            self.unsettled += 1
            self._wake.notify()
        return future

    def watch(self) -> None:
        """See to it that the leases are renewed."""
        with self._wake:
            self._ensure_thread()
            if now() + self._leases.seconds_to_renewal() < self._wakes_at:  # else it wakes in time by itself
                self._wake.notify()

    def close(self) -> None:
        """Commit what is waiting and end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _ensure_thread(self) -> None:
        if self._closing:
            raise StoreError("the store is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="planrunner-journal", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        waiting: list[Waiting] = []
        pause = 0.0
        while self._wait(waiting, pause):
            waiting, pause = self._commit(waiting)

    def _wait(self, waiting: list[Waiting], pause: float) -> bool:
        """Add to `waiting` what has come, once something has or is due; False when the thread is no longer needed."""
        with self._wake:
            if pause:
                self._sleep_until(now() + pause)
            while not (waiting or self._queue or self._closing or self._leases.seconds_to_renewal() <= 0):
                seconds = min(self._leases.seconds_to_renewal(), _LINGER_SECONDS)
                self._wakes_at = now() + seconds
                if not self._wake.wait(seconds) and not self._leases:
                    break
            waiting += self._queue
            self._queue.clear()
            needed = bool(waiting) or bool(self._leases and not self._closing)
            if not needed:
                self._thread = None
            return needed

    def _sleep_until(self, end: float) -> None:
        while (left := end - now()) > 0:
            self._wake.wait(left)

    def _commit(self, waiting: list[Waiting]) -> tuple[list[Waiting], float]:
        """One transaction. What could not be written and is to be tried again, and the seconds until then."""
        renewing = self._leases.seconds_to_renewal() <= 0
        writes = [each.write for each in waiting]
        if renewing:
            writes.append(self._leases.renew)
        try:
            with self._mutex:
                outcomes = transact(self._connect(any(each.flush for each in waiting)), writes)
        except Exception as error:  # whatever it is: a thread that dies here would leave all callers waiting for ever
            return self._put_off(waiting, error)
        if renewing:
            self._leases.renewed()
        self._settle(zip(waiting, outcomes, strict=False))
        return [], 0.0

    def _put_off(self, waiting: list[Waiting], error: Exception) -> tuple[list[Waiting], float]:
        again = isinstance(error, sqlite3.Error) and is_outage(error)
        given_up = [each for each in waiting if not again or each.is_late()]
        for each in given_up:
            if each.lease is not None:
                self._leases.discard(each.lease)
        self._settle((each, Outcome(error=failure(error))) for each in given_up)
        busy = isinstance(error, sqlite3.Error) and code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        return [each for each in waiting if each not in given_up], _BUSY_PAUSE if busy else _OUTAGE_PAUSE

    def _settle(self, outcomes: Iterable[tuple[Waiting, Outcome]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Outcome]]] = {}
        for waiting, outcome in outcomes:
            by_loop.setdefault(waiting.loop, []).append((waiting.future, outcome))
        with self._wake:
            self.unsettled -= sum(map(len, by_loop.values()))
        for loop, answers in by_loop.items():
            try:
                loop.call_soon_threadsafe(_answer, answers)
            except RuntimeError:
                continue  # the loop is closed: nobody waits any more


def _answer(answers: Sequence[tuple[asyncio.Future[Any], Outcome]]) -> None:
    for future, outcome in answers:
        if future.done():
            continue
        if outcome.error is None:
            future.set_result(outcome.value)
        else:
            future.set_exception(outcome.error)
            future.exception()  # read: a batch whose follower is awaited in its stead is no unhandled error
