"""Where runs are kept: the protocol (`base`), its stores, and the one way to open a store by its name."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from planrunner.errors import StoreUnusableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from planrunner.journal.base import Journal

STORES = {
    "memory": "planrunner.journal.memory:open_url",
    "sqlite": "planrunner.journal.sqlite:open_url",
}
"""URL scheme → the function that opens such a store, imported when it is asked for."""

_FILE_ENDINGS = (".db", ".sqlite", ".sqlite3")
_FILE_NAME = "runs.sqlite3"


def open_journal(store: str | Path, synchronous: str = "FULL") -> Journal:
    """The store of that name, opened.

    store        `memory`; a path (one that ends in .db, .sqlite or .sqlite3 is the file itself, any other the folder
                 that holds it); or a URL, `sqlite:///relative/file` or `sqlite:////absolute/file`
    synchronous  how SQLite writes: `FULL` survives a power cut, `NORMAL` a killed process

    Raises StoreUnusableError.
    """
    text = str(store)
    if "\0" in text:
        raise StoreUnusableError(f"the store {text!r} can't be opened: no file name holds a null byte")
    if text == "memory":
        return _opener("memory")("", synchronous)
    scheme, mark, rest = text.partition("://")
    if not mark or isinstance(store, Path):
        return _opener("sqlite")(_file_of(text), synchronous)
    if scheme not in STORES or not rest.startswith("/") or rest == "/":
        raise StoreUnusableError(_FORMS.format(store=text))
    return _opener(scheme)(rest[1:], synchronous)


def store_folder(store: str | Path) -> Path | None:
    """The folder that this store is, where records may lie beside it; None for every other kind of store."""
    text = str(store)
    if text == "memory" or ("://" in text and not isinstance(store, Path)):
        return None
    return _folder_at(_file_of(text))


def store_file(store: str | Path) -> Path | None:
    """The file in which this store is; None for `memory`, and for a name that `open_journal` refuses."""
    text = str(store)
    scheme, mark, rest = text.partition("://")
    if not mark or isinstance(store, Path):
        return None if text == "memory" else Path(_file_of(text))
    return Path(rest[1:]) if scheme == "sqlite" and rest[:1] == "/" and rest != "/" else None


_FORMS = (
    "{store!r} does not name a store. Write `memory` (kept until the process ends), a path (a folder, or a file that"
    " ends in .db, .sqlite or .sqlite3), or a URL such as sqlite:///runs.db (relative) or sqlite:////srv/runs.db"
    " (absolute)"
)


def _file_of(path: str) -> str:
    if not path.strip():
        raise StoreUnusableError(_FORMS.format(store=path))
    return _file_at(os.path.expanduser(path))


@lru_cache
def _file_at(path: str) -> str:
    place = Path(path)
    return str(place if place.suffix in _FILE_ENDINGS else place / _FILE_NAME)


@lru_cache
def _folder_at(file: str) -> Path | None:
    folder, name = os.path.split(file)
    return Path(folder) if name == _FILE_NAME else None


def _opener(scheme: str) -> Callable[[str, str], Journal]:
    module, _, name = STORES[scheme].partition(":")
    return cast("Callable[[str, str], Journal]", getattr(import_module(module), name))
