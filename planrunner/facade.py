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
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _in_thread(work)


def _in_thread(work: Coroutine[Any, Any, T]) -> T:
    context = copy_context()
    outcome: list[T] = []
    failure: list[BaseException] = []

    def carry() -> None:
        try:
            outcome.append(context.run(asyncio.run, work))
        except BaseException as error:
            failure.append(error)

    thread = Thread(target=carry, name="planrunner-sync")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
