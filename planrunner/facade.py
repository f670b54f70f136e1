"""The bridges to the async core: for sync callers, and for those who would rather loop than listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
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

    if _loop_is_running():
        _run_in_thread(carry())
    else:
        asyncio.run(carry())
    return outcome[0]


async def heard(work: Callable[[Callable[[T], None]], Awaitable[Any]]) -> AsyncIterator[T]:
    """What `work` tells the listener that it is given, while it goes on. Leaving the loop early cancels it."""
    queue: asyncio.Queue[T | None] = asyncio.Queue()
    running = asyncio.ensure_future(work(queue.put_nowait))
    running.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while (told := await queue.get()) is not None:
            yield told
        await running
    finally:
        if not running.done():
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_in_thread(work: Coroutine[Any, Any, None]) -> None:
    context = copy_context()
    failure: list[BaseException] = []
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def cancellable() -> None:
        task = asyncio.current_task()
        if task is not None:
            running.append((asyncio.get_running_loop(), task))
        await work

    def carry() -> None:
        try:
            context.run(asyncio.run, cancellable())
        except BaseException as error:
            failure.append(error)

    thread = Thread(target=carry, name="planrunner-sync")
    thread.start()
    try:
        thread.join()
    except BaseException:  # interrupted: so is the work, which is then waited for
        for loop, task in running:
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if failure:
        raise failure[0]
