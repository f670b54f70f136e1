"""A name to a thing: a table of `module:attr` strings, then installed entry points, imported on first use."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

_PACKAGE: Final = re.compile(r"((?!\d)\w+(?:\.(?!\d)\w+)*):")


class UnknownNameError(KeyError):
    """No table and no entry point has this name. `name` is what was asked for, `group` whom we asked."""

    def __init__(self, name: str, group: str | None) -> None:
        super().__init__(name)
        self.name = name
        self.group = group

    def __str__(self) -> str:
        return f"nothing is registered under {self.name!r}"


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold ^C and SIGTERM back for a moment: a library in Rust that is interrupted while it is imported panics."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def load(reference: str) -> Any:
    """What `package.module:attr` (also `…:attr.attr`) names, its module imported if need be.

    Raises ValueError for a text of another form, ImportError when the module is not there or has no such attribute;
    whatever the module itself raises while it is imported goes through.
    """
    from importlib import import_module

    module_name, colon, attributes = reference.partition(":")
    names = attributes.split(".")
    if not colon or not all(part.isidentifier() for part in (*module_name.split("."), *names)):
        raise ValueError(f"{reference!r} is not of the form 'package.module:name'")
    thing: Any = import_module(module_name)
    for name in names:
        try:
            thing = getattr(thing, name)
        except AttributeError:
            known = [known for known in dir(thing) if not known.startswith("_")]
            raise ImportError(f"{reference!r}: there is no {name!r} in it{hint(name, known)}") from None
    return thing


def split_package(name: str) -> tuple[str, str]:
    """Of a file's name `package.module:path`, the package and the path below its folder; no package and the name
    itself for a file of the project."""
    match = _PACKAGE.match(name)
    return (match[1], name[match.end() :]) if match else ("", name)


class Registry:
    """The things of one room.

    table         name → `module:attr`
    entry_points  group of installed entry points that may add names; they can't take the place of the table's own
    """

    def __init__(self, table: Mapping[str, str], entry_points: str | None = None) -> None:
        self._table: Final = dict(table)
        self._group: Final = entry_points
        self._loaded: dict[str, Any] = {}

    def names(self) -> tuple[str, ...]:
        """The table's names in its order, then those of the entry points in alphabetical order."""
        return (*self._table, *sorted(self._points().keys() - self._table.keys()))

    def get(self, name: str) -> Any:
        """The thing of that name. UnknownNameError when there is none; see `load` for a thing that can't be had."""
        try:
            return self._loaded[name]
        except KeyError:
            thing = self._loaded[name] = self._find(name)
            return thing

    def _find(self, name: str) -> Any:
        if name in self._table:
            return load(self._table[name])
        try:
            reference = self._points()[name]
        except KeyError:
            raise UnknownNameError(name, self._group) from None
        return load(reference)

    def _points(self) -> dict[str, str]:
        if self._group is None:
            return {}
        # Reads the metadata of every installed package: tens of milliseconds, so only when nothing else has the name.
        from importlib.metadata import entry_points

        return {point.name: point.value.partition(" ")[0] for point in entry_points(group=self._group)}


_LONGEST: Final = 200
"""What is longer is no misspelt name, and dear to compare."""


def suggest(word: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, or None when none is near."""
    candidates = list(names)
    folded = word.casefold().replace("-", "_")
    for name in candidates:
        if name.casefold().replace("-", "_") == folded:
            return name
    if len(word) > _LONGEST:
        return None
    from difflib import get_close_matches

    near = get_close_matches(word, candidates, n=1, cutoff=0.6)
    return near[0] if near else None


def hint(word: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?`, to be hung on a message, or nothing when no name is near."""
    near = suggest(word, names)
    return f"; did you mean {near!r}?" if near is not None else ""
