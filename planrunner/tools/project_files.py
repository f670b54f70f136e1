"""Reads and writes files below the project root, and nothing outside of it, whatever a path or a link says.

A path is walked folder by folder with descriptors (`openat`), never following a link unseen: a link is read and its
parts are walked in its place. So nothing can be swapped between a check and the use of what was checked.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

from planrunner.errors import ToolHardError, ToolSoftError

MAX_BYTES: Final = 4 * 1024 * 1024
PRIVATE: Final = frozenset((".git", ".planrunner"))
"""Folders that are entered for no plan: the store holds other end users' runs, `.git` holds hooks that run."""

_MAX_LINKS: Final = 40
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DRIVE = re.compile(r"[A-Za-z]:")


def read_bytes(root: str, path: str) -> bytes:
    """The bytes of a file of at most MAX_BYTES.

    ToolHardError for a path that leaves the root or names no ordinary file, ToolSoftError where there is none.
    """
    with _in_words(path):
        file = open_file(root, path)
        try:
            return _read_all(file, path)
        finally:
            os.close(file)


def open_file(root: str, path: str) -> int:
    """A descriptor, to be read from and closed by the caller, of an ordinary file.

    ToolHardError for a path that leaves the root or names no ordinary file, OSError where there is none.
    """
    with _place(root, path) as (folder, name):
        file = os.open(name, os.O_RDONLY | _FILE, dir_fd=folder)
    try:
        _must_be_file(os.fstat(file), path)
    except BaseException:
        os.close(file)
        raise
    return file


def replace_file(root: str, path: str, content: bytes) -> None:
    """Put the content in the place of the file, at once and for good; missing folders are made.

    It is written beside the file and then renamed: a reader sees the old file or the new one, never a part.
    """
    with _in_words(path), _place(root, path, make_folders=True) as (folder, name):
        mode = _mode_of_replaceable(folder, name, path)
        beside = f".planrunner-{secrets.token_hex(8)}.tmp"
        try:
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, 0o666, dir_fd=folder)
            try:
                if mode is not None:
                    os.fchmod(file, mode)
                _write_all(file, content)
            finally:
                os.close(file)
            os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside, dir_fd=folder)
            raise
        os.fsync(folder)


def append_to_file(root: str, path: str, content: bytes) -> None:
    """Add the content to the end of the file; the file and missing folders are made."""
    with _in_words(path), _place(root, path, make_folders=True) as (folder, name):
        file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _FILE, 0o666, dir_fd=folder)
        try:
            _must_be_file(os.fstat(file), path)
            _write_all(file, content)
        finally:
            os.close(file)


@contextmanager
def _place(root: str, path: str, make_folders: bool = False) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder that holds the file, and the file's name in it."""
    walk = _Walk(root, path, make_folders)
    try:
        yield walk.to_file()
    finally:
        walk.close()


class _Walk:
    """One way from the root to a file. `folders` holds open descriptors, the root's first."""

    def __init__(self, root: str, path: str, make_folders: bool) -> None:
        self.path = path
        self.make_folders = make_folders
        self.root = os.path.realpath(root)
        self.rest = deque(_parts(path))
        self.folders: list[int] = []
        self.links = 0

    def to_file(self) -> tuple[int, str]:
        self.folders.append(os.open(self.root, _FOLDER))
        while self.rest:
            part = self.rest.popleft()
            if part == "..":
                self.up()
                continue
            self.refuse_private(part)
            target = _link_target(self.folders[-1], part)
            if target is not None:
                self.follow(target)
            elif self.rest:
                self.folders.append(self.enter(part))
            else:
                return self.folders[-1], part
        raise IsADirectoryError(errno.EISDIR, "is a folder")

    def up(self) -> None:
        if len(self.folders) == 1:
            self.leaves()
        os.close(self.folders.pop())

    def refuse_private(self, part: str) -> None:
        if len(self.folders) == 1 and part.casefold() in PRIVATE:
            raise ToolHardError(f"{self.path!r} is refused: no file in {part} is read or written for a plan")

    def follow(self, target: str) -> None:
        """Go on where a link points to: from its own folder, or from the root for an absolute path below the root."""
        self.links += 1
        if self.links > _MAX_LINKS:
            raise ToolHardError(f"{self.path!r} is refused: more than {_MAX_LINKS} links on the way")
        if os.path.isabs(target):
            inside = os.path.join(self.root, "")
            if not target.startswith(inside):
                self.leaves()
            while len(self.folders) > 1:
                os.close(self.folders.pop())
            target = target.removeprefix(inside)
        self.rest.extendleft(reversed(_split(target)))

    def enter(self, part: str) -> int:
        try:
            return os.open(part, _FOLDER, dir_fd=self.folders[-1])
        except FileNotFoundError:
            if not self.make_folders:
                raise
        with suppress(FileExistsError):
            os.mkdir(part, dir_fd=self.folders[-1])
        return os.open(part, _FOLDER, dir_fd=self.folders[-1])

    def leaves(self) -> NoReturn:
        raise ToolHardError(f"{self.path!r} is refused: it leaves the project root; expected a file inside of it")

    def close(self) -> None:
        for folder in self.folders:
            os.close(folder)


def _parts(path: str) -> list[str]:
    """The parts of a path that a plan or a model wrote. Only relative paths with `/` are taken."""
    expected = "expected a path relative to the project root, with / between folders"
    if not path or path.endswith("/"):
        raise ToolHardError(f"{path!r} names no file; {expected}")
    if path.startswith("/") or "\\" in path or _DRIVE.match(path):
        raise ToolHardError(f"{path!r} is refused; {expected}")
    if "\0" in path or not _is_text(path):
        raise ToolHardError(f"{path!r} is refused: it holds characters that no file name has")
    return _split(path)


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _is_text(path: str) -> bool:
    return path.encode("utf-8", "ignore").decode() == path


def _link_target(folder: int, name: str) -> str | None:
    """Where the link points to; None when there is no link of that name."""
    try:
        return os.readlink(name, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise


def _must_be_file(found: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise ToolHardError(f"{path!r} is refused: it is no ordinary file but a pipe, a socket or a device")


def _mode_of_replaceable(folder: int, name: str, path: str) -> int | None:
    """The permission bits of the file that is to be replaced; None when there is none."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _must_be_file(found, path)
    if not os.access(name, os.W_OK, dir_fd=folder):
        raise PermissionError(errno.EACCES, "is write-protected")
    return stat.S_IMODE(found.st_mode)


def _read_all(file: int, path: str) -> bytes:
    chunks, size = [], 0
    while chunk := os.read(file, 1024 * 1024):
        size += len(chunk)
        if size > MAX_BYTES:
            raise ToolSoftError(f"{path!r} is larger than {MAX_BYTES // 1024 // 1024} MiB, the most that is read")
        chunks.append(chunk)
    return b"".join(chunks)


def _write_all(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


@contextmanager
def _in_words(path: str) -> Iterator[None]:
    """What the system refuses, in our words."""
    try:
        yield
    except OSError as error:
        raise _as_tool_error(error, path) from error


def _as_tool_error(error: OSError, path: str) -> ToolSoftError | ToolHardError:
    """Soft where another path, or the same one later, may do."""
    if isinstance(error, FileNotFoundError):
        return ToolSoftError(f"there is no file {path!r} in the project")
    if isinstance(error, IsADirectoryError):
        return ToolSoftError(f"{path!r} is a folder; expected a file")
    if isinstance(error, NotADirectoryError):
        return ToolSoftError(f"a part of {path!r} is a file, where a folder was expected")
    return ToolHardError(f"{path!r}: {error.strerror or error}")
