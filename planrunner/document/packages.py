"""Finds the folders of an importable package without importing it: no code of a package runs to check a plan."""

from __future__ import annotations

import os
from contextlib import suppress

from planrunner.document.file_names import UnreadableFileError
from planrunner.tools.search_path import search_path


def package_folders(package: str, root: str) -> list[str]:
    """The folders of a package, found as an import would find it; several where it is spread over many places.

    Raises UnreadableFileError when there is none.
    """
    from importlib.machinery import PathFinder

    folders = _real(search_path(root))
    parts = package.split(".")
    for number, part in enumerate(parts, 1):
        spec = PathFinder.find_spec(part, folders)  # by its part alone: a dotted name would ask for its parent
        name = ".".join(parts[:number])
        if spec is None:
            where = f" in {name.rpartition('.')[0]!r}" if number > 1 else ", neither installed nor in the project"
            raise UnreadableFileError(f"there is no package {name!r}{where}: correct what stands before the colon")
        if spec.submodule_search_locations is None:
            raise UnreadableFileError(f"{name!r} is a module and no package: name the package that holds the plan")
        folders = list(spec.submodule_search_locations)
    return folders


def _real(entries: list[str]) -> list[str]:
    """The folders to search, each by its one true path; the working folder may be gone."""
    found = []
    for entry in entries:
        with suppress(OSError):
            found.append(os.path.realpath(entry or os.curdir))
    return found
