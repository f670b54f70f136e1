"""Threads for tools that are not asynchronous: as many side by side as there are calls, none of them keeps the process
alive, and one that hangs takes nothing from the others.

Not `asyncio.to_thread`: its executor has few threads, and the interpreter waits for every one of them when it ends.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Final
from weakref import WeakKeyDictionary

IDLE_SECONDS: Final = 10.0
"""How long a thread waits for another call before it ends."""

Outcome = tuple[Any, BaseException | None]
"""What was returned, and what was raised, else None."""

_numbers = count(1)
_idle: list[_Worker] = []
_awaited: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = WeakKeyDictionary()
"""How many calls of `in_thread` each loop waits for. Every loop changes its own number alone."""
_lock = threading.Lock()


async def in_thread(work: Callable[[], Any]) -> Outcome:
    """What the work returned and what it raised, carried out in a thread that sees the caller's context variables.

    The error is handed back and not raised: no coroutine can raise StopIteration, and a tool can. When this call is
    cancelled the thread goes on alone, and what it comes to is dropped.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Outcome] = loop.create_future()
    context = copy_context()

    def settle(outcome: Outcome) -> None:
        if not done.done():
            done.set_result(outcome)

    def tell(outcome: Outcome) -> None:
        with suppress(RuntimeError):  # The loop is closed: nobody waits for this call any more.
            loop.call_soon_threadsafe(settle, outcome)

    _worker().jobs.put((lambda: context.run(work), tell))
    _awaited[loop] = _awaited.get(loop, 0) + 1
    try:
        return await done
    finally:
        _awaited[loop] -= 1


def waits_for_thread(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a task of this loop waits for what a thread does."""
    return _awaited.get(loop, 0) > 0


class _Worker(threading.Thread):
    """A thread that carries out one job after the other, and is idle in between."""

    def __init__(self) -> None:
        super().__init__(name=f"planrunner-tool-{next(_numbers)}", daemon=True)
        self.jobs: SimpleQueue[tuple[Callable[[], Any], Callable[[Outcome], None]]] = SimpleQueue()
        self.start()

    def run(self) -> None:
        while self._one():
            pass

    def _one(self) -> bool:
        """Carry out the next job. False when none came for so long that this thread may end."""
        try:
            work, tell = self.jobs.get(timeout=IDLE_SECONDS)
        except Empty:
            return not self._retire()
        outcome: Outcome
        try:
            outcome = (work(), None)
        except BaseException as error:
            outcome = (None, error)
        with _lock:
            _idle.append(self)
        tell(outcome)
        return True

    def _retire(self) -> bool:
        """Leave the idle ones. False when a job was promised to this thread in the meantime."""
        with _lock:
            if self not in _idle:
                return False
            _idle.remove(self)
            return True


def _worker() -> _Worker:
    with _lock:
        return _idle.pop() if _idle else _Worker()


def _forget_threads() -> None:
    """In a forked child no thread goes on, and the lock may be held by one that is gone."""
    global _lock
    _lock = threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
