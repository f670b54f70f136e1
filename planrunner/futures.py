"""Work that begins at once, and work that must come to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def begun(work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
    """As `asyncio.ensure_future`, but the work begins at once: where it need not wait, no turn of the loop is spent.

    Until its first wait it runs in the caller's task, and from then on in one of its own: it must hold nothing across
    that wait that belongs to a task, such as an `asyncio.timeout`.
    """
    try:
        awaited = work.send(None)
    except StopIteration as done:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        future.set_result(done.value)
        return future

    async def rest() -> T:
        return await _carried_on(work, awaited)

    return asyncio.ensure_future(rest())


@coroutine
def _carried_on(work: Coroutine[Any, Any, T], awaited: Any) -> Generator[Any, Any, T]:
    """The rest of a coroutine that waits."""
    try:
        while True:
            try:
                heard = yield awaited
            except BaseException as thrown:
                awaited = work.throw(thrown)
            else:
                awaited = work.send(heard)
    except StopIteration as done:
        value: T = done.value
        return value


async def to_the_end(work: asyncio.Future[T], *, leaving: bool = False) -> T:
    """Await something that must not be left half done.

    A cancellation meanwhile is raised when it is done; `leaving`: not even then, for callers on their way out.
    """
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:
            break  # the work's own; raised below
    if cancelled is not None and not leaving and not work.cancelled() and work.exception() is None:
        raise cancelled
    return work.result()
