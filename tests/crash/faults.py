"""Disks that fail: a real connection to the store that breaks at its k-th write, and stays broken or does not."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from planrunner.journal import sqlite as store
from planrunner.journal.sqlite import SqliteJournal
from planrunner.journal.sqlite_file import open_for_writing

WRITES = ("BEGIN", "INSERT", "UPDATE", "COMMIT")


class Fault:
    """Strikes at the k-th statement that writes, in whichever connection; from then on always while it is `lasting`.

    k     0: never
    code  SQLite's result code; None: the process is killed
    """

    def __init__(self, k: int, code: int | None = sqlite3.SQLITE_FULL, *, lasting: bool = False) -> None:
        self.k = k
        self.code = code
        self.lasting = lasting
        self.writes = 0
        self.struck = False

    def strike(self) -> None:
        self.writes += 1
        if not self.k or self.writes < self.k or (self.struck and not self.lasting):
            return
        self.struck = True
        if self.code is None:
            os.kill(os.getpid(), signal.SIGKILL)
        error = sqlite3.OperationalError(f"write {self.writes} fails with code {self.code}")
        error.sqlite_errorcode = self.code or 0
        raise error

    def mend(self) -> None:
        self.k = 0


class Breaking:
    """A connection of the store, with the fault in it."""

    def __init__(self, connection: sqlite3.Connection, fault: Fault) -> None:
        self._connection = connection
        self._fault = fault

    def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
        if statement.split(maxsplit=1)[0] in WRITES:
            self._fault.strike()
        return self._connection.execute(statement, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def put_in(fault: Fault, patch: pytest.MonkeyPatch, lease_seconds: float = 15.0) -> None:
    """Let the fault strike every store that this process opens from now on."""

    def open_breaking(path: Path, synchronous: str) -> Any:
        return Breaking(open_for_writing(path, synchronous), fault)

    def open_journal(name: str, synchronous: str) -> SqliteJournal:
        return SqliteJournal(Path(name) / "runs.sqlite3", synchronous, lease_seconds)

    patch.setattr(store, "open_for_writing", open_breaking)
    patch.setattr("planrunner.wire.open_journal", open_journal)
