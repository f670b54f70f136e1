"""Time that passes only when nothing else can: two seconds take no time, and the same comes first each time."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

from planrunner.times import Clock
from planrunner.tools.threads import waits_for_thread

START = 1767225600.0


class PlayedTime(Clock):
    """The clock of a run and of the loops that carry it, from the first of them to the last."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return START + self.passed

    def new_loop(self, patience: float) -> asyncio.AbstractEventLoop:
        """A loop in which this time passes. `patience`: real seconds in which threads of a store may have a word."""
        return _Loop(self, patience)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, played: PlayedTime, patience: float) -> None:
        self._played = played
        super().__init__(_Selector(played, patience, self))

    def time(self) -> float:
        return self._played.passed


class _Selector(selectors.DefaultSelector):
    """The machine's own selector. Where it would wait for the time to pass, the time passes."""

    def __init__(self, played: PlayedTime, patience: float, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._played = played
        self._patience = patience
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if timeout is None or waits_for_thread(self._loop):
            return super().select(None)
        ready = super().select(self._patience)
        if not ready:
            self._played.passed += timeout
        return ready
