"""Whether a value has at least what another one says, and where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from planrunner.plan import MISSING

Path = tuple[str | int, ...]


class Unlike(NamedTuple):
    """The smallest part that differs: where it stands, what was expected there, what is there (MISSING: nothing)."""

    path: Path
    expected: Any
    got: Any


def contains(given: Any, part: Any) -> bool:
    """Whether a value has at least this: maps may hold more keys, everything else is the same."""
    return next(unlike(part, given), None) is None


def unlike(expected: Any, got: Any, *, exact: bool = False, path: Path = ()) -> Iterator[Unlike]:
    """Every part in which `got` is not what is expected. `exact`: its maps may hold no more keys either."""
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        for key, part in expected.items():
            if key in got:
                yield from unlike(part, got[key], exact=exact, path=(*path, key))
            else:
                yield Unlike((*path, key), part, MISSING)
        if exact:
            yield from (Unlike((*path, key), MISSING, got[key]) for key in got if key not in expected)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, part in enumerate(expected):
            yield from unlike(part, got[index], exact=exact, path=(*path, index))
    elif expected != got or isinstance(expected, bool) != isinstance(got, bool):
        yield Unlike(path, expected, got)
