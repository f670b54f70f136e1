"""Work that goes on side by side: begun one by one, its outcomes taken as they come, none of it left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Self


class Crew:
    """Tasks by a number of the caller's. Whatever ends the `async with` block ends those that still run."""

    def __init__(self) -> None:
        self._numbers: dict[asyncio.Task[None], int] = {}

    def start(self, number: int, work: Coroutine[Any, Any, None]) -> None:
        """Let the work begin."""
        self._numbers[asyncio.create_task(work)] = number

    def __len__(self) -> int:
        """How many are at work."""
        return len(self._numbers)

    async def ended(self) -> list[tuple[int, BaseException | None]]:
        """Wait until at least one has ended; each that has, with what it raised, the smallest number first."""
        done, _ = await asyncio.wait(self._numbers, return_when=asyncio.FIRST_COMPLETED)
        outcomes = [(self._numbers.pop(task), _raised(task)) for task in done]
        return sorted(outcomes, key=lambda outcome: outcome[0])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        left, self._numbers = list(self._numbers), {}
        for task in left:
            task.cancel()
        if left:
            await asyncio.gather(*left, return_exceptions=True)


def _raised(task: asyncio.Task[None]) -> BaseException | None:
    return asyncio.CancelledError() if task.cancelled() else task.exception()
