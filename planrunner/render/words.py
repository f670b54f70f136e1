"""Small things that every reporter says the same way: colours, durations, numbers of things, widths on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO
from unicodedata import combining, east_asian_width

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
STATE_COLOURS = {"COMPLETE": "green", "FAILED": "red", "SKIPPED": "dim", "NOT_STARTED": "dim"}


@dataclass(frozen=True, slots=True)
class Style:
    """Colours a text, or leaves it as it is."""

    colour: bool = False

    def __call__(self, text: str, name: str) -> str:
        return f"\x1b[{_CODES[name]}m{text}\x1b[0m" if self.colour else text

    def state(self, state: str, text: str | None = None) -> str:
        """A state, or a text in the state's colour."""
        return self(text or state, STATE_COLOURS.get(state, "yellow"))


def wants_colour(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """NO_COLOR forbids, FORCE_COLOR demands, else a terminal that is not a dumb one gets colours."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sits in front of it."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def took(seconds: float) -> str:
    """`0.42s`, `12.3s`, `3m 05s`, `2h 00m`."""
    seconds = max(seconds, 0.0)
    if seconds < 10:
        return f"{seconds:.2f}s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    return f"{minutes // 60}h {minutes % 60:02d}m"


def count(number: int, thing: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def width(text: str) -> int:
    """Columns that a text without control characters takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def clip(text: str, columns: int) -> str:
    """The text, cut so that it takes at most so many columns."""
    if width(text) <= columns:
        return text
    kept, taken = [], 1
    for char in text:
        taken += width(char)
        if taken > columns:
            break
        kept.append(char)
    return "".join(kept) + "…"


def clip_start(text: str, columns: int) -> str:
    """The end of the text, cut so that it takes at most so many columns."""
    return text if width(text) <= columns else clip(text[::-1], columns)[::-1]


def pad(text: str, columns: int) -> str:
    """The text, filled up with spaces to so many columns."""
    return text + " " * (columns - width(text))
