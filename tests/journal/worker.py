"""A process of its own that uses a store, told what to do line by line: `worker.py STORE LEASE_SECONDS`.

Each line in is `COMMAND ARGUMENTS…`, each line out one answer.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time

from planrunner.errors import LeaseLostError, RunBusyError
from planrunner.events import STEP_STARTED, Event
from planrunner.journal.base import Lease, NewRun
from planrunner.journal.sqlite import SqliteJournal


def say(*words: object) -> None:
    print(*words, flush=True)


def event(number: int) -> Event:
    return Event(STEP_STARTED, "step", time.time(), {"n": number, "by": "worker"})


class Worker:
    def __init__(self, path: str, lease_seconds: float) -> None:
        self.journal = SqliteJournal(path, lease_seconds=lease_seconds)
        self.leases: list[Lease] = []

    async def create(self, *run_ids: str) -> None:
        for run_id in run_ids:
            run = NewRun(run_id, "worker", "plan", "b" * 64, {}, time.time())
            self.leases.append(await self.journal.create(run, [event(0)]))
        say("created")

    async def race(self, run_id: str, start: str) -> None:
        """Claim at the given moment and write, whatever came of it."""
        while time.time() < float(start):
            pass
        try:
            lease = await self.journal.claim(run_id)
        except RunBusyError:
            say("busy")
            return
        await self.write(lease, 1)
        self.leases.append(lease)
        say("won", lease.epoch)

    async def let_go(self) -> None:
        """Release the run that was won last."""
        await self.journal.release(self.leases.pop(), "COMPLETE", 0)
        say("let go")

    async def carry(self) -> None:
        """Write for ever, and say what is acknowledged."""
        number = 0
        while True:
            number += 1
            for lease in self.leases:
                await self.write(lease, number)
            say(number)

    async def try_to_write(self) -> None:
        """One batch to each run, all handed over before any is awaited."""
        answers = await asyncio.gather(*(self.write(lease, 666) for lease in self.leases), return_exceptions=True)
        margins = [lease.has_margin() for lease in self.leases]
        say(*("refused" if isinstance(each, LeaseLostError) else repr(each) for each in answers), *margins)

    async def write(self, lease: Lease, number: int) -> None:
        written = self.journal.append(lease, [event(number)])
        if written is not None:
            await written


async def main(path: str, lease_seconds: str) -> None:
    worker = Worker(path, float(lease_seconds))
    say("ready")
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, *arguments = line.split()
        await getattr(worker, command)(*arguments)
    worker.journal.close()


def hold_the_lock(path: str) -> None:
    """Keep the file's write lock until standard input says something."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    say("locked")
    sys.stdin.readline()
    connection.execute("ROLLBACK")
    connection.close()
    say("free")


def open_at(path: str, start: str) -> None:
    """Open the store at the given moment, together with others, and put a run into it."""
    while time.time() < float(start):
        pass
    journal = SqliteJournal(path)
    run = NewRun(f"prun-{time.time_ns()}", None, "plan", "c" * 64, {}, time.time())
    asyncio.run(journal.create(run, [event(0)]))
    journal.close()


if __name__ == "__main__":
    if sys.argv[1] == "lock":
        hold_the_lock(sys.argv[2])
    elif sys.argv[1] == "open":
        open_at(sys.argv[2], sys.argv[3])
    else:
        asyncio.run(main(*sys.argv[1:]))
