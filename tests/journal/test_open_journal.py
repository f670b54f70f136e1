"""Names of stores, and stores that can't be opened."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from planrunner.errors import StoreUnusableError
from planrunner.journal import open_journal, store_folder
from planrunner.journal.memory import MemoryJournal
from planrunner.journal.sqlite import SqliteJournal
from tests.journal.conftest import Start, event, new_run


@pytest.mark.parametrize(
    ("store", "file"),
    [
        ("here", "here/runs.sqlite3"),
        ("a/b/.planrunner", "a/b/.planrunner/runs.sqlite3"),
        ("one.db", "one.db"),
        ("x/two.sqlite", "x/two.sqlite"),
        ("three.sqlite3", "three.sqlite3"),
        ("with ? # %20 and spaces.db", "with ? # %20 and spaces.db"),
        (":memory:", ":memory:/runs.sqlite3"),
        ("~/mine", "{home}/mine/runs.sqlite3"),
        (Path("p"), "p/runs.sqlite3"),
        ("sqlite:///rel.data", "rel.data"),
        ("sqlite:///{cwd}/abs.db", "abs.db"),
    ],
)
def test_a_store_is_named_by_path_or_url(
    store: str | Path, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    journal = open_journal(store if isinstance(store, Path) else store.format(cwd=tmp_path))
    assert isinstance(journal, SqliteJournal)
    journal.close()
    expected = tmp_path / file.format(home=tmp_path / "home")
    assert journal.path == expected
    assert expected.read_bytes().startswith(b"SQLite format 3")


def test_memory_is_a_store_that_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_journal("memory"), MemoryJournal)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "store", ["", "  ", "postgres://host/db", "sqlite://", "sqlite:///", "sqlite://x.db", "http:///x", "SQLITE:///x"]
)
def test_another_name_is_refused_with_the_forms_there_are(store: str) -> None:
    with pytest.raises(StoreUnusableError, match=r"memory.*sqlite:///") as refusal:
        open_journal(store)
    assert repr(store) in str(refusal.value)


def test_memory_has_no_place() -> None:
    with pytest.raises(StoreUnusableError, match="write just `memory`"):
        open_journal("memory:///x")


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_only_the_owner_can_read_the_store(umask: int, tmp_path: Path) -> None:
    old = os.umask(umask)
    try:
        journal = open_journal(tmp_path / ".planrunner")
        asyncio.run(journal.create(new_run(), [event(0)]))
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / ".planrunner").glob("runs*")}
    assert modes == dict.fromkeys(("runs.sqlite3", "runs.sqlite3-wal", "runs.sqlite3-shm"), 0o600)
    assert stat.S_IMODE((tmp_path / ".planrunner").stat().st_mode) == 0o700
    assert (tmp_path / ".planrunner" / ".gitignore").read_text() == "*\n"
    journal.close()


def test_a_folder_that_was_there_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    open_journal(folder).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert {path.name for path in folder.iterdir()} == {"runs.sqlite3"}


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    with pytest.raises(StoreUnusableError, match=r"x\.db can't be opened .*it is a folder"):
        open_journal(tmp_path / "x.db")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnusableError, match="Not a directory"):
        open_journal(tmp_path / "file" / "x.db")


def test_a_name_no_file_can_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreUnusableError, match="null byte"):
        open_journal("a\0b.db")
    assert list(tmp_path.iterdir()) == []


def test_any_other_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("buy milk\n" * 200)
    with pytest.raises(StoreUnusableError, match="not a SQLite file"):
        open_journal(path)
    assert path.read_text() == "buy milk\n" * 200


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusableError, match="some other program"):
        open_journal(path)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    open_journal(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreUnusableError, match=r"newer planrunner \(layout 999.*update planrunner"):
        open_journal(path)


@pytest.fixture
def foreign_ground() -> Iterator[Path]:
    """A folder in which this process, root or not, can read but not write."""
    folder = Path(tempfile.mkdtemp())
    open_journal(folder / "x.db").close()
    (folder / "x.db").chmod(0o444)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o700)
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["x.db", "new.db", "new/x.db"])
def test_a_place_that_cannot_be_written_is_refused(foreign_ground: Path, name: str) -> None:
    with pytest.raises(StoreUnusableError, match=r"can't be opened \(.*check that it can be written"):
        open_journal(foreign_ground / name)


def test_the_setting_of_synchronous_is_checked(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusableError, match="FULL or NORMAL"):
        SqliteJournal(tmp_path / "x.db", "OFF; DROP TABLE run")
    assert list(tmp_path.iterdir()) == []


def test_eight_processes_may_open_a_new_store_at_once(tmp_path: Path, start: Start) -> None:
    for attempt in range(3):
        path = tmp_path / f"{attempt}.db"
        moment = time.time() + 1.5
        processes = [start("open", path, moment, wait=False) for _ in range(8)]
        assert [process.popen.wait(60) for process in processes] == [0] * 8
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (8,)
        connection.close()


@pytest.mark.parametrize(("synchronous", "number"), [("FULL", 2), ("NORMAL", 1)])
def test_the_setting_of_synchronous_reaches_sqlite(tmp_path: Path, synchronous: str, number: int) -> None:
    journal = open_journal(tmp_path, synchronous)
    assert isinstance(journal, SqliteJournal)
    assert journal._connection is not None
    assert journal._connection.execute("PRAGMA synchronous").fetchone() == (number,)
    journal.close()


@pytest.mark.parametrize(
    ("store", "folder"),
    [("a/b", "a/b"), (Path("p"), "p"), ("x/one.db", None), ("memory", None), ("sqlite:///a/b.db", None)],
)
def test_records_lie_beside_a_store_that_is_a_folder(store: str | Path, folder: str | None) -> None:
    assert store_folder(store) == (None if folder is None else Path(folder))
