"""Measuring two sides in turn, so that what disturbs the one disturbs the other: A B, B A, A B, …"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

SETTLE_SECONDS = 0.05


@dataclass(frozen=True)
class Spent:
    """Milliseconds of CPU (all threads) and of the clock, and of a process the most memory it held, in MB."""

    cpu: float
    wall: float
    memory: float = 0.0


Pair = tuple[Spent, Spent]
"""Ours, and the plain side's beside it."""


async def pairs(rounds: int, ours: Callable[[], Awaitable[Any]], plain: Callable[[], Awaitable[Any]]) -> list[Pair]:
    """Both sides so many times, each beginning every other round."""
    found: list[Pair] = []
    for turn in range(rounds):
        if turn % 2:
            second = await plain()
            found.append((await ours(), second))
        else:
            found.append((await ours(), await plain()))
    return found


async def spent_here(work: Callable[[], Awaitable[Any]], batch: int) -> Spent:
    """What it costs in this process to do the work, one after another, `batch` times; the mean of one."""
    gc.collect()
    cpu, wall = process_time(), perf_counter()
    for _ in range(batch):
        await work()
    wall = perf_counter() - wall
    await asyncio.sleep(SETTLE_SECONDS)  # litellm does some of its work after it has answered
    return Spent((process_time() - cpu) * 1000 / batch, wall * 1000 / batch)


def spent_there(command: Sequence[str], environ: Mapping[str, str]) -> Spent:
    """What a process costs from its start to its end. Ends this program when it fails."""
    wall = perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - wall
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.read()}")
    per_mb = 2**20 if sys.platform == "darwin" else 2**10
    return Spent((usage.ru_utime + usage.ru_stime) * 1000, wall * 1000, usage.ru_maxrss / per_mb)


HEAD = f"{'':53}{'planrunner':>10}  {'plain':>10}   {'ratio (middle half)':22}must reach"


def line(told: str, clock: str, found: Sequence[Pair], target: str = "") -> str:
    """One line of the table: the medians, and the median of the ratios of pairs with its middle half."""
    ours, plain = ([getattr(side, clock) for side in sides] for sides in zip(*found, strict=True))
    ratios = [mine / theirs for mine, theirs in zip(ours, plain, strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    times = f"{_amount(median(ours))}  {_amount(median(plain))}"
    ratio = f"{median(ratios):.3f} ({low:.2f} … {high:.2f})"
    return f"{told:48}{clock:5}{times}   {ratio:22}{target}"


def _amount(milliseconds: float) -> str:
    return f"{milliseconds:7.2f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:7.2f} s "
