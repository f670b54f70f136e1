"""The files that stand beside a plan and belong to it: read from disk, or from the snapshot that a run keeps."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from planrunner.document.words import shorten
from planrunner.errors import ToolHardError

_MAX_NAME: Final = 500
_DRIVE = re.compile(r"[A-Za-z]:")
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class UnreadableFileError(Exception):
    """A name leads to no file that can be read. The text says why, and what to do."""


class Beside(Protocol):
    """The files beside one plan, by the names that `name_of` gives."""

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a file, never many more than `limit`. Raises UnreadableFileError."""
        ...

    def shown(self, name: str) -> str:
        """What the file is called in problems."""
        ...


def name_of(written: str) -> str:
    """The one name of a file, relative to the plan's folder, however it is written. Raises UnreadableFileError."""
    if len(written) > _MAX_NAME or _UNWANTED.search(written):
        raise UnreadableFileError(f"a file can't be called {shorten(written)!r}: correct the path")
    if written.startswith("/") or "\\" in written or _DRIVE.match(written):
        wanted = "write a path relative to the folder of the plan, with / between folders"
        raise UnreadableFileError(f"{written!r} is no path inside the project: {wanted}")
    if written.endswith("/"):
        raise UnreadableFileError(f"{written!r} is a folder: name the file in it")
    return posixpath.normpath(written)


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Files below the project root; nothing outside of it is read, wherever `..` or a link may lead.

    name  the plan's name as the user gave it
    path  where the plan stands; None for a text, and then names are relative to the root
    """

    name: str
    path: str | None
    root: str

    def read(self, name: str, limit: int) -> bytes:
        """See Beside."""
        from planrunner.tools.project_files import open_file

        place = self._below_root(name)
        try:
            with open(open_file(self.root, place), "rb") as file:
                return file.read(limit + 1)
        except ToolHardError as refused:
            raise UnreadableFileError(str(refused)) from None
        except OSError as error:
            raise UnreadableFileError(self._in_words(error, place)) from None

    def shown(self, name: str) -> str:
        """See Beside: as it can be opened from where the user stands."""
        return name if self.path is None else os.path.normpath(os.path.join(os.path.dirname(self.name), name))

    def _below_root(self, name: str) -> str:
        if self.path is None:
            return name
        folder = os.path.relpath(os.path.dirname(os.path.abspath(self.path)), os.path.abspath(self.root))
        return posixpath.normpath(posixpath.join(folder, name))

    def _in_words(self, error: OSError, place: str) -> str:
        if isinstance(error, FileNotFoundError):
            base = "the project root" if self.path is None else "the folder of the plan"
            return f"there is no file {place!r} in the project: add it, or correct the path (relative to {base})"
        if isinstance(error, IsADirectoryError):
            return f"{place!r} is a folder: name the file in it"
        if isinstance(error, NotADirectoryError):
            return f"a part of {place!r} is a file and no folder: correct the path"
        return f"{place!r} can't be read: {error.strerror or error}"


@dataclass(frozen=True, slots=True)
class InSnapshot:
    """Files as they were when a run began: name → text."""

    files: Mapping[str, str] = field(repr=False)

    def read(self, name: str, limit: int) -> bytes:
        """See Beside."""
        text = self.files.get(name)
        if text is None:
            raise UnreadableFileError(f"the run keeps no file {name!r}")
        return text.encode("utf-8")

    def shown(self, name: str) -> str:
        """See Beside."""
        return name
