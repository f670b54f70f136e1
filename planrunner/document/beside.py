"""The files that belong to a plan: read from disk, or from the snapshot that a run keeps."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from planrunner.document.file_names import UnreadableFileError
from planrunner.document.packages import package_folders
from planrunner.errors import ToolHardError
from planrunner.registry import split_package


class Beside(Protocol):
    """The files of a plan and of its sub-plans, by the names they have in the snapshot (see `file_names`)."""

    def read(self, name: str, limit: int, by: str) -> bytes:
        """The bytes of a file that the plan `by` names, never many more than `limit`. Raises UnreadableFileError."""
        ...

    def shown(self, name: str) -> str:
        """What the file is called in problems. Raises UnreadableFileError for a package there is not."""
        ...

    def place(self, name: str) -> str | None:
        """Where it stands on disk; None when it is not read from there. Raises UnreadableFileError likewise."""
        ...


class _Spot(NamedTuple):
    """A file as a way below a folder that it may not leave."""

    root: str
    way: str


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Files below the project root, and those of packages; nothing else is read, wherever `..` or a link may lead.

    name  the plan's name as the user gave it
    path  where the plan stands; None for a text, and then names are relative to the root
    root  the project root
    """

    name: str
    path: str | None
    root: str

    def read(self, name: str, limit: int, by: str) -> bytes:
        """See Beside."""
        from planrunner.tools.project_files import open_file

        spot = self._spot(name)
        try:
            with open(open_file(spot.root, spot.way), "rb") as file:
                return file.read(limit + 1)
        except ToolHardError as refused:
            raise UnreadableFileError(str(refused)) from None
        except OSError as error:
            raise UnreadableFileError(self._in_words(error, name, spot.way, by)) from None

    def shown(self, name: str) -> str:
        """See Beside: as it can be opened from where the user stands."""
        if split_package(name)[0]:
            spot = self._spot(name)
            if spot.root != self.root:
                return os.path.join(*spot)
            name = os.path.relpath(os.path.join(*spot), self._folder())
        return name if self.path is None else os.path.normpath(os.path.join(os.path.dirname(self.name), name))

    def place(self, name: str) -> str | None:
        """See Beside."""
        return os.path.abspath(os.path.join(*self._spot(name)))

    def _folder(self) -> str:
        """Where the plan stands, or what stands for it."""
        return self.root if self.path is None else os.path.dirname(os.path.abspath(self.path))

    def _spot(self, name: str) -> _Spot:
        package, way = split_package(name)
        if package:
            return self._in_package(package, way)
        folder = os.path.relpath(self._folder(), os.path.abspath(self.root))
        return _Spot(self.root, posixpath.normpath(posixpath.join(folder, name)))

    def _in_package(self, package: str, way: str) -> _Spot:
        """Packages in the project are part of it: no link in them leads out of it."""
        folders = package_folders(package, self.root)
        folder = next((each for each in folders if os.path.lexists(os.path.join(each, way))), folders[0])
        root = os.path.realpath(self.root)
        if os.path.commonpath((root, folder)) == root:
            return _Spot(self.root, posixpath.normpath(posixpath.join(os.path.relpath(folder, root), way)))
        return _Spot(folder, way)

    def _in_words(self, error: OSError, name: str, way: str, by: str) -> str:
        package, inside = split_package(name)
        if package and isinstance(error, FileNotFoundError):
            return f"the package {package!r} has no file {inside!r}: correct what stands after the colon"
        if isinstance(error, FileNotFoundError):
            base = "the project root" if self.path is None and "/" not in by else "the folder of the plan"
            return f"there is no file {way!r} in the project: add it, or correct the path (relative to {base})"
        if isinstance(error, IsADirectoryError):
            return f"{way!r} is a folder: name the file in it"
        if isinstance(error, NotADirectoryError):
            return f"a part of {way!r} is a file and no folder: correct the path"
        return f"{way!r} can't be read: {error.strerror or error}"


@dataclass(frozen=True, slots=True)
class InSnapshot:
    """Files as they were when a run began: name → text."""

    files: Mapping[str, str] = field(repr=False)

    def read(self, name: str, limit: int, by: str) -> bytes:
        """See Beside."""
        text = self.files.get(name)
        if text is None:
            raise UnreadableFileError(f"the run keeps no file {name!r}")
        return text.encode("utf-8")

    def shown(self, name: str) -> str:
        """See Beside."""
        return name

    def place(self, name: str) -> str | None:
        """See Beside."""
        return None
