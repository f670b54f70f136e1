"""What the files of a plan are called: in the plan that names them, and in the snapshot of all of them.

A snapshot names files relative to the folder of the plan at its top, and those of a package `package.module:path`.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from planrunner.document.words import shorten
from planrunner.registry import split_package

_MAX_NAME: Final = 500
_DRIVE = re.compile(r"[A-Za-z]:")
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class UnreadableFileError(Exception):
    """A name leads to no file that can be used. The text says why, and what to do."""


def path_of(written: str) -> str:
    """The one name of a file, relative to the plan's folder, however it is written. Raises UnreadableFileError."""
    if len(written) > _MAX_NAME or _UNWANTED.search(written):
        raise UnreadableFileError(f"a file can't be called {shorten(written)!r}: correct the path")
    if written.startswith("/") or "\\" in written or _DRIVE.match(written):
        wanted = "write a path relative to the folder of the plan, with / between folders"
        raise UnreadableFileError(f"{written!r} is no path inside the project: {wanted}")
    if written.endswith("/"):
        raise UnreadableFileError(f"{written!r} is a folder: name the file in it")
    return _no_package(posixpath.normpath(written))


def plan_of(written: str) -> str:
    """The one name of a plan: relative to the plan's folder, or `package.module:path`. Raises UnreadableFileError."""
    package, path = split_package(written)
    if not package:
        return path_of(written)
    if len(written) > _MAX_NAME or not path:
        raise UnreadableFileError(f"{shorten(written)!r} names no file: write one after the colon, package:file.yml")
    if path.startswith("/"):
        wanted = "after the colon write a path relative to the folder of the package"
        raise UnreadableFileError(f"{written!r} is no path inside a package: {wanted}")
    return _in_package(package, posixpath.normpath(path_of(path)))


def base_name(path: str) -> str:
    """What the plan under this path is called in its own snapshot."""
    return _no_package(posixpath.basename(path))


def joined(own: str, name: str) -> str:
    """What the plan at the top calls the file that its sub-plan `own` calls `name`. Raises UnreadableFileError."""
    if split_package(name)[0]:
        return name
    package, path = split_package(own)
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    return _in_package(package, whole) if package else _no_package(whole)


def _in_package(package: str, path: str) -> str:
    if path == ".." or path.startswith("../"):
        raise UnreadableFileError(f"{path!r} leaves the folder of the package {package!r}: name a file inside of it")
    return f"{package}:{path}"


def _no_package(path: str) -> str:
    """A path of the project whose beginning looks like a package's is kept apart from those."""
    return f"./{path}" if split_package(path)[0] else path
