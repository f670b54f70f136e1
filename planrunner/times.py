"""Moments as people and JSON read them, and the clock that runs go by."""

from __future__ import annotations

from datetime import UTC, datetime
from time import time
from typing import Final


class Clock:
    """Tells a run what time it is, and lets it wait. A test may put another in its place."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time()

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        from asyncio import sleep  # not at start-up: checking a plan needs no event loop

        await sleep(seconds)


REAL: Final = Clock()


def utc(seconds: float) -> str:
    """Seconds since 1970 as an ISO time in UTC, to the millisecond: `2026-01-02T03:04:05.678Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(duration: str | float) -> float:
    """A duration of a plan in seconds: a number of them, or a number with a unit (`250ms`, `30s`, `5m`, `2h`, `2d`)."""
    if not isinstance(duration, str):
        return float(duration)
    number = duration.rstrip("mshd")
    return float(number) * _UNITS[duration[len(number) :] or "s"]
