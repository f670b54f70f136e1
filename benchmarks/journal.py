"""What the journal adds to a bare SQLite loop: CPU of inline appends against as many single inserts and commits.

    python benchmarks/journal.py [batches]

Both loops run in this process, on the same disk, with the same `synchronous` setting and a commit per batch. The bare
loop is given its text ready-made; the journal makes its own of four events, checks the lease and fences the write.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from planrunner.events import EFFECT_FINISHED, EFFECT_STARTED, STEP_FINISHED, STEP_STARTED, Event
from planrunner.ids import new_run_id
from planrunner.journal.base import NewRun
from planrunner.journal.packing import pack_events
from planrunner.journal.sqlite import SqliteJournal

ROUNDS = 5
BATCH = (
    Event(STEP_FINISHED, "order", 1763708400.123456, {"state": "COMPLETE", "output": {"value": {"id": "A-1"}}}),
    Event(STEP_STARTED, "pay", 1763708400.2, {"index": 3}),
    Event(EFFECT_STARTED, "pay!tool:0", 1763708400.3, {"attempt": 1, "tool": "refund", "args": {"amount": 30}}),
    Event(EFFECT_FINISHED, "pay!tool:0", 1763708400.4, {"output": {"ok": True, "id": "r-1"}}),
)


def bare(path: Path, synchronous: str, batches: int) -> float:
    """CPU seconds of the bare loop."""
    text = pack_events(BATCH)
    return _loop(path, synchronous, batches, lambda: text)


def with_json(path: Path, synchronous: str, batches: int) -> float:
    """CPU seconds of the loop that makes its text itself."""
    return _loop(path, synchronous, batches, lambda: pack_events(BATCH))


def _loop(path: Path, synchronous: str, batches: int, text: Callable[[], str]) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE batch (number INTEGER PRIMARY KEY, body TEXT)")
    began = time.process_time()
    for number in range(batches):
        connection.execute("INSERT INTO batch VALUES (?, ?)", (number, text()))
    spent = time.process_time() - began
    connection.close()
    return spent


def journaled(path: Path, synchronous: str, batches: int) -> float:
    """CPU seconds of the same through the journal."""

    async def run() -> float:
        journal = SqliteJournal(path, synchronous)
        lease = await journal.create(NewRun(new_run_id(), "u1", "plan", "a" * 64, {}, time.time()), BATCH)
        began = time.process_time()
        for _ in range(batches):
            if journal.append(lease, BATCH) is not None:
                raise RuntimeError("an append was not inline")
        spent = time.process_time() - began
        await journal.release(lease, "COMPLETE", 0)
        journal.close()
        return spent

    return asyncio.run(run())


def measure(loop: Callable[[Path, str, int], float], synchronous: str, batches: int) -> float:
    """CPU seconds of one loop in a new file."""
    with tempfile.TemporaryDirectory() as folder:
        return loop(Path(folder) / "runs.db", synchronous, batches)


def main() -> None:
    """Print the table."""
    batches = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    loops = {"bare": bare, "with JSON": with_json, "journal": journaled}
    print(f"{batches} batches of {len(BATCH)} events, median of {ROUNDS} rounds: CPU per batch, ratio to bare")
    print(f"{'synchronous':12}" + "".join(f"{name:>22}" for name in loops))
    for synchronous in ("FULL", "NORMAL"):
        rounds = [[measure(loop, synchronous, batches) for loop in loops.values()] for _ in range(ROUNDS)]
        spent = [statistics.median(column) / batches * 1e6 for column in zip(*rounds, strict=True)]
        print(f"{synchronous:12}" + "".join(f"{each:11.1f} us {each / spent[0]:6.2f} x" for each in spent))


if __name__ == "__main__":
    main()
