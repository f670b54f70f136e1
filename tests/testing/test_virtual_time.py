"""Time that passes when nothing else can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from planrunner.testing.virtual_time import START, VirtualClock
from planrunner.times import REAL
from planrunner.tools.threads import in_thread

DAY = 86400.0


def in_virtual_time(work: Callable[[VirtualClock], Awaitable[Any]]) -> Any:
    clock = VirtualClock()
    begun = time.monotonic()

    async def carry() -> Any:
        return await work(clock)

    with asyncio.Runner(loop_factory=clock.new_loop) as runner:
        said = runner.run(carry())
    assert time.monotonic() - begun < 10
    return said


def test_a_long_sleep_is_over_at_once() -> None:
    async def work(clock: VirtualClock) -> list[float]:
        moments = [clock.now()]
        for seconds in (2 * DAY, 0.25, 0, -1):
            await clock.sleep(seconds)
            moments.append(clock.now())
        return [moment - START for moment in moments]

    assert in_virtual_time(work) == [0, 2 * DAY, 2 * DAY + 0.25, 2 * DAY + 0.25, 2 * DAY + 0.25]


def test_sleepers_wake_in_the_order_of_their_time_whatever_they_do_between() -> None:
    async def work(clock: VirtualClock) -> list[tuple[float, str]]:
        woken: list[tuple[float, str]] = []

        async def sleeper(name: str, seconds: float, times: int) -> None:
            for _ in range(times):
                for _ in range(20):
                    await asyncio.sleep(0)  # work that takes no time
                await clock.sleep(seconds)
                woken.append((clock.now() - START, name))

        await asyncio.gather(sleeper("a", 3, 2), sleeper("b", 2, 3), sleeper("c", 100, 1))
        return woken

    assert in_virtual_time(work) == [(2, "b"), (3, "a"), (4, "b"), (6, "a"), (6, "b"), (100, "c")]


def test_no_time_passes_while_a_thread_is_at_work() -> None:
    async def work(clock: VirtualClock) -> list[str]:
        order: list[str] = []

        async def in_a_thread() -> None:
            await in_thread(lambda: time.sleep(0.2))
            order.append(f"thread at {clock.now() - START}")

        async def asleep() -> None:
            await clock.sleep(60)
            order.append(f"sleeper at {clock.now() - START}")

        await asyncio.gather(asleep(), in_a_thread())
        return order

    assert in_virtual_time(work) == ["thread at 0.0", "sleeper at 60.0"]


def test_a_thread_that_nobody_waits_for_any_more_holds_nothing_up() -> None:
    async def work(clock: VirtualClock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await in_thread(lambda: time.sleep(3))
        await clock.sleep(60)
        return clock.now() - START

    begun = time.monotonic()
    assert in_virtual_time(work) == 60
    assert time.monotonic() - begun < 2


def test_a_cancelled_sleeper_moves_no_time() -> None:
    async def work(clock: VirtualClock) -> float:
        task = asyncio.ensure_future(clock.sleep(1000))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await clock.sleep(1)
        return clock.now() - START

    assert in_virtual_time(work) == 1


def test_the_clock_of_the_machine_keeps_its_promise() -> None:
    async def work() -> float:
        before = REAL.now()
        await REAL.sleep(0.05)
        return REAL.now() - before

    assert 0.04 < asyncio.run(work()) < 5
    assert abs(REAL.now() - time.time()) < 5
