"""Opening a SQLite store: its folder, its file, who may read them, and that it is ours and of our version."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from planrunner.errors import StoreUnusableError
from planrunner.journal import sqlite_sql as sql

T = TypeVar("T")

SYNCHRONOUS: Final = ("FULL", "NORMAL")
BUSY_SECONDS: Final = 0.025
"""How long SQLite itself waits for another process's write. Short: it may be the event loop that waits."""

_CHECKPOINT_PAGES: Final = 4000
"""So many pages, 16 MB, stand in the log beside the file before SQLite copies them into it: one that many runs write to
is copied once."""
_OPEN_SECONDS: Final = 10.0
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_OUTAGE: Final = (*_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM)
_OWN_FOLDER: Final = ".planrunner"


def code_of(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for errors of the Python module itself."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def is_outage(error: sqlite3.Error) -> bool:
    """Whether the same write may succeed later: the disk is full or failing, or another process holds the lock."""
    return code_of(error) in _OUTAGE


def open_for_writing(path: Path, synchronous: str) -> sqlite3.Connection:
    """A connection to the store, which is created when it is not there. Raises StoreUnusableError."""
    return _explained(path, lambda: _patiently(lambda: _connect(path, synchronous)))


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A second connection, that only reads, to a store that is open for writing."""
    return _explained(path, lambda: _reader(path))


def can_be_read(path: Path) -> bool:
    """Whether this is a store of ours that can at least be read; for one that can't be written."""
    try:
        connection = open_for_reading(path)
    except StoreUnusableError:
        return False
    try:
        _check_ours(connection, path)
        return bool(connection.execute("PRAGMA user_version").fetchone()[0])
    except (sqlite3.Error, StoreUnusableError):
        return False
    finally:
        connection.close()


def _reader(path: Path) -> sqlite3.Connection:
    try:
        return _read_by(path.as_uri())  # the last one to close tidies up, so it must be able to write where it may
    except sqlite3.OperationalError:
        # Readers in WAL mode write beside the file, which is not allowed here. Without a log the file is all there is.
        if os.path.exists(f"{path}-wal") or os.access(path.parent, os.W_OK):
            raise
        return _read_by(path.as_uri() + "?immutable=1")


def _read_by(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, timeout=_OPEN_SECONDS, isolation_level=None, check_same_thread=False, uri=True)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    _make_file(path)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _check_ours(connection, path)
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreUnusableError(
                f"the store {path} can't be used: its file system does not support SQLite's WAL mode;"
                " name a place on a local disk"
            )
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        _make_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_file(path: Path) -> None:
    """An empty file that only its owner can read; SQLite gives its side files the same permissions."""
    _make_folder(path.parent)
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except FileExistsError:
        return
    os.close(file)
    path.chmod(0o600)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileNotFoundError:
        if folder.parent.exists():  # /proc says so of every folder
            raise
        _make_folder(folder.parent)
        _make_folder(folder)
        return
    except FileExistsError:
        return
    folder.chmod(0o700)
    if folder.name == _OWN_FOLDER:
        (folder / ".gitignore").write_text("*\n")


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    # In this order: another process may be making the tables, and makes tables and mark in one transaction.
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    ours = connection.execute("PRAGMA application_id").fetchone()[0] == sql.APPLICATION_ID
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if not ours and not empty:
        raise StoreUnusableError(
            f"the store {path} can't be used: it is a SQLite file of some other program; name another path"
        )
    if ours and version > sql.VERSION:
        raise StoreUnusableError(
            f"the store {path} was written by a newer planrunner (layout {version}, this one knows {sql.VERSION});"
            " update planrunner or name another store"
        )


def _make_tables(connection: sqlite3.Connection) -> None:
    """The tables, if they are missing. Taking the write lock in any case shows at once whether writing is allowed."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in sql.SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {sql.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {sql.VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _patiently(opening: Callable[[], T]) -> T:
    """The first switch of a file to WAL mode ignores SQLite's own waiting when several processes open it at once."""
    deadline = time.monotonic() + _OPEN_SECONDS
    while True:
        try:
            return opening()
        except sqlite3.OperationalError as error:
            if code_of(error) not in _BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _explained(path: Path, opening: Callable[[], T]) -> T:
    try:
        return opening()
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError as error:
        reason = str(error)
    except sqlite3.Error as error:
        if code_of(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise StoreUnusableError(
                f"the store {path} can't be used: it is not a SQLite file, or it is damaged ({error});"
                " name another path, or move the file away"
            ) from error
        reason = str(error)
    is_folder = os.path.isdir(path)
    advice = (
        "it is a folder; name a file in it" if is_folder else "check that it can be written, or name another (--store)"
    )
    raise StoreUnusableError(f"the store {path} can't be opened ({reason}): {advice}")
