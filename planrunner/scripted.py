"""What the scripted model, tools and people have in common: how a step is named in a script, and how answers are
used up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from planrunner.plan import MISSING

_MARK: Final = re.compile(r"\[\d+\]|\(\d+\)")
"""Of an item, of a round."""


def names_of(path: str) -> Iterator[str]:
    """The names by which a script may mean this step of a run, the nearest first.

    `looks[3]/write(2)` is also meant by `looks[3]/write`, a name for every round, and by `looks/write`, a name for
    every item and every round.
    """
    yield path
    for mark in reversed(list(_MARK.finditer(path))):
        path = path[: mark.start()] + path[mark.end() :]
        yield path


class Lines:
    """What a script has to say, by name. One answer alone serves every time; in a list each serves once, in order."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._alone = {name: entry for name, entry in entries.items() if not isinstance(entry, list)}
        self._left = {name: list(entry) for name, entry in entries.items() if isinstance(entry, list)}
        self._had = {name: len(left) for name, left in self._left.items()}

    def __iter__(self) -> Iterator[str]:
        yield from self._alone
        yield from self._left

    def name(self, names: Iterable[str]) -> str | None:
        """The first of these names that the script has something for."""
        return next((name for name in names if name in self._alone or name in self._left), None)

    def take(self, name: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """The first answer left under this name that fits; MISSING when there is none."""
        if name in self._alone:
            return self._alone[name] if fits(self._alone[name]) else MISSING
        left = self._left[name]
        place = next((place for place, answer in enumerate(left) if fits(answer)), None)
        return MISSING if place is None else left.pop(place)

    def upcoming(self, name: str) -> Any:
        """The answer that would be taken next; MISSING when there is none."""
        return self._alone[name] if name in self._alone else next(iter(self._left[name]), MISSING)

    def is_alone(self, name: str) -> bool:
        """Whether one answer stands for all."""
        return name in self._alone

    def used(self, name: str) -> int:
        """How many answers of a list were taken."""
        return self._had.get(name, 0) - len(self._left.get(name, ()))

    def is_used_up(self, name: str) -> bool:
        """Whether a list has nothing left."""
        return name in self._left and not self._left[name]
