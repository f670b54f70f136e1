"""How values and their differences are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import unified_diff
from itertools import islice
from typing import Any, Final

from planrunner.plan import MISSING
from planrunner.render.words import count

_SHOWN: Final = 200
_LONG: Final = 80
_LINES: Final = 40
_WHOLE: Final = 50_000
"""Longer texts are not compared line by line."""


def shown(value: Any) -> str:
    """A value as JSON in one line, cut where it is long; `nothing` for what is not there."""
    return "nothing" if value is MISSING else clipped(json.dumps(value, ensure_ascii=False))


def clipped(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def difference(expected: Any, got: Any) -> str:
    """`expected …, got …`; of long texts only what differs."""
    if isinstance(expected, str) and isinstance(got, str) and max(len(expected), len(got)) < _WHOLE:
        if "\n" in expected or "\n" in got:
            return "\n".join(("the text differs", *_by_lines(expected, got)))
        if max(len(expected), len(got)) > _LONG:
            return _around(expected, got)
    if isinstance(expected, list) and isinstance(got, list):
        return f"expected {count(len(expected), 'item')}, got {len(got)}: {shown(got)}"
    return f"expected {shown(expected)}, got {shown(got)}"


def _by_lines(expected: str, got: str) -> Iterator[str]:
    lines = unified_diff(expected.split("\n"), got.split("\n"), "expected", "got", lineterm="", n=1)
    yield from map(clipped, islice(lines, _LINES))
    if next(lines, None) is not None:
        yield "…"


def _around(expected: str, got: str) -> str:
    """What stands around the first character that differs."""
    pairs = zip(expected, got, strict=False)
    first = next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(expected), len(got)))
    begin = max(0, first - _LONG // 2)
    end = begin + _LONG
    windows = [f"{'…' if begin else ''}{text[begin:end]}{'…' if len(text) > end else ''}" for text in (expected, got)]
    return f"differs from character {first + 1} on: expected {shown(windows[0])}, got {shown(windows[1])}"
