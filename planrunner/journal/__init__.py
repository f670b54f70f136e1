"""Where runs are kept: the protocol (`base`), its stores, and the one way to open a store by its name."""

from __future__ import annotations

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


def open_journal(store: str | Path) -> Journal:
    """The store of that name, opened.

    store  `memory`; a path (one that ends in .db, .sqlite or .sqlite3 is the file itself, any other the folder that
           holds it); or a URL, `sqlite:///relative/file` or `sqlite:////absolute/file`

    Raises StoreUnusableError.
    """
    text = str(store)
    if text == "memory":
        return _opener("memory")("")
    scheme, mark, rest = text.partition("://")
    if not mark or isinstance(store, Path):
        return _opener("sqlite")(_file_of(text))
    if scheme not in STORES or not rest.startswith("/") or rest == "/":
        raise StoreUnusableError(_FORMS.format(store=text))
    return _opener(scheme)(rest[1:])


_FORMS = (
    "{store!r} does not name a store. Write `memory` (kept until the process ends), a path (a folder, or a file that"
    " ends in .db, .sqlite or .sqlite3), or a URL such as sqlite:///runs.db (relative) or sqlite:////srv/runs.db"
    " (absolute)"
)


def _file_of(path: str) -> str:
    if not path.strip():
        raise StoreUnusableError(_FORMS.format(store=path))
    expanded = Path(path).expanduser()
    return str(expanded if expanded.suffix in _FILE_ENDINGS else expanded / _FILE_NAME)


def _opener(scheme: str) -> Callable[[str], Journal]:
    module, _, name = STORES[scheme].partition(":")
    return cast("Callable[[str], Journal]", getattr(import_module(module), name))
