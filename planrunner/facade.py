"""The one bridge from sync callers into the async core."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end and return its value; also where an event loop runs already (then in a thread)."""
    outcome: list[T] = []

    async def carry() -> None:
        # The value does not leave through the task: asyncio.run makes a repr of it, which for a long record takes
        # longer than the run.
        outcome.append(await work)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(carry())
    else:
        _run_in_thread(carry())
    return outcome[0]


def _run_in_thread(work: Coroutine[Any, Any, None]) -> None:
    context = copy_context()
    failure: list[BaseException] = []

    def carry() -> None:
        try:
            context.run(asyncio.run, work)
        except BaseException as error:
            failure.append(error)

    thread = Thread(target=carry, name="planrunner-sync")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
