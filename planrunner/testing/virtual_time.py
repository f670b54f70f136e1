"""Time that passes only when nothing else can: a run that waits for two days is over in a moment.

The event loop asks its selector to wait exactly when no task can go on. That is when virtual time jumps to the next
sleeper, unless a thread is at work for somebody. What an asynchronous hook really waits for is not seen here: time may
pass meanwhile.
"""

from __future__ import annotations

import asyncio
import heapq
import selectors
from itertools import count
from typing import Any, Final

from planrunner.times import Clock
from planrunner.tools.threads import waits_for_thread

START: Final = 1767225600.0
"""2026-01-01T00:00:00Z: every case begins then."""


class VirtualClock(Clock):
    """The clock of the tasks in the loop that it makes."""

    def __init__(self, start: float = START) -> None:
        self._now = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> float:
        """Seconds since 1970, in virtual time."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of virtual time."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._numbers), woken))
        await woken

    def set(self, at: float) -> None:
        """Let it be this time now. Nobody may be asleep."""
        self._now = at
        self._sleepers.clear()

    def jump(self) -> bool:
        """Go to when the next sleeper wakes, and wake all that are due then; False when nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():  # cancelled
            heapq.heappop(self._sleepers)
        if not self._sleepers:
            return False
        self._now = self._sleepers[0][0]
        while self._sleepers and self._sleepers[0][0] <= self._now:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)
        return True

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """An event loop that lets this clock jump whenever nothing can move."""
        selector = _Selector(self)
        selector.loop = asyncio.SelectorEventLoop(selector)
        return selector.loop


class _Selector(selectors.DefaultSelector):
    """The machine's own selector. Before it would wait, the clock jumps."""

    loop: asyncio.AbstractEventLoop

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        """What is ready. As the loop has nothing to do when it lets us wait, the clock may jump instead."""
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if ready or (not waits_for_thread(self.loop) and self._clock.jump()):
            return ready
        return super().select(timeout)
