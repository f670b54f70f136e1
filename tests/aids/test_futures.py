"""Work that begins at once, and work that is not left half done."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from planrunner.futures import begun, to_the_end


async def now(value: int) -> int:
    return value


class Waiting:
    """Work that waits for `gate`, once or twice, and notes how far it came."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.gate = asyncio.Event()

    async def once(self) -> int:
        self.notes.append("begun")
        await self.gate.wait()
        self.notes.append("ended")
        return 7

    async def twice(self) -> int:
        return await self.once() + await self.once()

    async def patient(self) -> int:
        with suppress(asyncio.CancelledError):
            await self.gate.wait()
        return await self.once()


def test_work_that_need_not_wait_is_done_without_a_turn_of_the_loop() -> None:
    async def carry() -> None:
        done = begun(now(3))
        assert done.done()
        assert await done == 3
        assert await to_the_end(begun(now(4))) == 4

    asyncio.run(carry())


def test_work_that_waits_has_begun_and_goes_on() -> None:
    async def carry() -> None:
        waiting = Waiting()
        work = begun(waiting.twice())
        assert (waiting.notes, work.done()) == (["begun"], False)
        asyncio.get_running_loop().call_later(0.01, waiting.gate.set)
        assert await work == 14
        assert waiting.notes == ["begun", "ended", "begun", "ended"]

    asyncio.run(carry())


def test_what_the_work_raises_is_raised_at_once_or_when_it_is_awaited() -> None:
    async def refuse(wait: bool) -> int:
        if wait:
            await asyncio.sleep(0)
        raise ValueError("no")

    async def carry() -> None:
        with pytest.raises(ValueError, match="no"):
            begun(refuse(wait=False))
        work = begun(refuse(wait=True))
        with pytest.raises(ValueError, match="no"):
            await to_the_end(work)

    asyncio.run(carry())


def test_work_that_is_cancelled_hears_of_it_and_may_go_on() -> None:
    async def carry() -> None:
        waiting = Waiting()
        stopped, going_on = begun(waiting.once()), begun(waiting.patient())
        await asyncio.sleep(0)
        stopped.cancel()
        going_on.cancel()
        await asyncio.sleep(0)
        assert (stopped.cancelled(), going_on.done()) == (True, False)
        waiting.gate.set()
        assert await going_on == 7

    asyncio.run(carry())


@pytest.mark.parametrize("leaving", [False, True])
def test_a_cancellation_waits_for_the_end(leaving: bool) -> None:
    async def carry() -> None:
        waiting = Waiting()
        task = asyncio.create_task(to_the_end(begun(waiting.once()), leaving=leaving))
        await asyncio.sleep(0)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        waiting.gate.set()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        assert waiting.notes == ["begun", "ended"]
        assert outcome == 7 if leaving else isinstance(outcome, asyncio.CancelledError)

    asyncio.run(carry())
