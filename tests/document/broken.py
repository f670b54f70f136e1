"""Right plans in which one thing is changed, everywhere and in many ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from planrunner.document.source import parse, plain

PLANS: Final = Path(__file__).parent.parent / "plans"
_VALUES: Final = (None, True, 0, -1, 2.0, 1.5, "", "word", "Big Word", [], ["word"], [1], {}, {"word": 1}, [{}])


def whole_plans() -> list[Any]:
    """Values of right plans, of today and later."""
    files = sorted((*PLANS.glob("ok/*.yml"), *PLANS.glob("later/*.yml")))
    return [plain(parse(file.read_bytes(), file.name).root) for file in files]


def broken_plans() -> Iterator[bytes]:
    """Each place of each plan with another value, without its key, or with a key too many."""
    for plan in whole_plans():
        for path in list(_paths(plan)):
            for change in _changes(plan, path):
                yield json.dumps(change).encode()


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, sub in items:
        yield from _paths(sub, (*path, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _changes(plan: Any, path: tuple[Any, ...]) -> Iterator[Any]:
    if path:
        for value in _VALUES:
            changed = deepcopy(plan)
            _at(changed, path[:-1])[path[-1]] = value
            yield changed
        changed = deepcopy(plan)
        del _at(changed, path[:-1])[path[-1]]
        yield changed
    if isinstance(_at(plan, path), dict):
        for key in ("word", "x-word", "Big Word", "tool"):
            changed = deepcopy(plan)
            _at(changed, path).setdefault(key, "word")
            yield changed
