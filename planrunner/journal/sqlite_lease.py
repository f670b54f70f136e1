"""Leases of the SQLite store: how long they live by this process's own clock, and their renewal."""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from typing import Final

from planrunner.journal import sqlite_sql as sql
from planrunner.journal.base import MARGIN_SECONDS

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def now() -> float:
    """Seconds on a clock that nobody sets and that, where there is one, also counts while the machine sleeps."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


class SqliteLease:
    """The right to write to one run.

    number   the run's number in the store
    batches  batches handed to the store so far, the run's earlier lives included
    ends     when the lease ends unless it is renewed, by `now`
    lost     set once a write was refused or failed for good: nothing may follow it
    """

    __slots__ = ("__weakref__", "batches", "ends", "epoch", "lost", "margin", "number", "run_id")

    def __init__(self, run_id: str, epoch: int, number: int, batches: int, began: float, seconds: float) -> None:
        self.run_id = run_id
        self.epoch = epoch
        self.number = number
        self.batches = batches
        self.ends = began + seconds
        self.margin = min(MARGIN_SECONDS, seconds / 3)
        self.lost = False

    def has_margin(self) -> bool:
        """Whether an effect may still begin under this lease."""
        return not self.lost and now() + self.margin < self.ends


class Leases:
    """The leases that this process holds in one store. One that nobody refers to any more is renewed no longer."""

    def __init__(self, seconds: float, renew_after: float) -> None:
        self.seconds = seconds
        self.renew_after = renew_after
        self._mutex = threading.Lock()
        self._held: weakref.WeakSet[SqliteLease] = weakref.WeakSet()
        self._due = 0.0
        self._began = 0.0
        self._answers: list[tuple[SqliteLease, bool]] = []

    def __len__(self) -> int:
        return len(self._held)

    def add(self, lease: SqliteLease) -> None:
        """Renew this lease from now on."""
        with self._mutex:
            if not self._held:
                self._due = now() + self.renew_after
            self._held.add(lease)

    def discard(self, lease: SqliteLease) -> None:
        """Renew this lease no more, and let nothing be written under it."""
        lease.lost = True
        with self._mutex:
            self._held.discard(lease)

    def held(self) -> list[SqliteLease]:
        """The leases as they are now."""
        with self._mutex:
            return list(self._held)

    def forget(self) -> None:
        """In a forked child, where only this thread is left and a mutex may be held for ever: none is ours."""
        for lease in self._held:
            lease.lost = True

    def seconds_to_renewal(self) -> float:
        """How long until the next renewal; 0 or less when it is due, infinite when nothing is held."""
        return self._due - now() if self._held else float("inf")

    def renew(self, connection: sqlite3.Connection) -> None:
        """Renew all in the transaction that is open; `renewed` makes it count once that is committed."""
        self._began = now()
        until = time.time() + self.seconds
        self._answers = [
            (lease, connection.execute(sql.RENEW, (until, lease.number, lease.epoch)).rowcount == 1)
            for lease in self.held()
        ]

    def renewed(self) -> None:
        """The renewal is durable."""
        for lease, kept in self._answers:
            if kept:
                lease.ends = self._began + self.seconds
            else:
                self.discard(lease)
        self._answers = []
        self._due = self._began + self.renew_after
