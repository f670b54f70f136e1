"""Many stored runs and long ones: listing one user's newest fifty, and what a step costs late in a run.

    python benchmarks/runs.py [--runs 20000] [--steps 2000]

The promise is for --runs 1000000: 5 ms. Rows are put into a real store by its own statements, many to a transaction;
the listing is `Runner.runs.list`. The steps are those of one run; each tenth of it is told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from steps import Double, plan_of

from planrunner.events import STEP_FINISHED, Event
from planrunner.ids import new_run_id
from planrunner.journal import sqlite_sql as sql
from planrunner.journal.base import NewRun, RunQuery
from planrunner.journal.sqlite import SqliteJournal
from planrunner.settings import Settings
from planrunner.wire import Runner

USERS = 1_000
STATES = ("COMPLETE", "COMPLETE", "COMPLETE", "FAILED", "NEED_CLARIFICATION")
BEGAN = 1_700_000_000.0
TIMES = 200


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--runs", type=int, default=20_000)
    options.add_argument("--steps", type=int, default=2_000)
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        listing(Path(folder) / "many.sqlite3", told.runs)
        growth(Path(folder) / "long.sqlite3", told.steps)


def listing(path: Path, runs: int) -> None:
    """Milliseconds of `runner.runs.list` for the newest fifty of one user."""
    began = perf_counter()
    fill(path, runs)
    print(f"{runs:,} runs of {USERS:,} users stored in {perf_counter() - began:.1f} s, {path.stat().st_size >> 20} MiB")
    queries = {
        "newest 50 of one user": RunQuery(end_user_id="user-7"),
        "newest 50 of one user that wait": RunQuery(end_user_id="user-7", state="NEED_CLARIFICATION"),
        "newest 50 of one user that ended": RunQuery(end_user_id="user-7", state="COMPLETE"),
        "newest 50 of one user, carried": RunQuery(end_user_id="user-7", state="IN_PROGRESS"),
        "newest 50 of all": RunQuery(),
    }
    with Runner(settings=Settings(store=str(path))) as runner:
        for name, query in queries.items():
            spent = []
            for _ in range(TIMES):
                start = perf_counter()
                found = runner.runs.list(query)
                spent.append((perf_counter() - start) * 1000)
            print(f"  {name:32} {len(found)} found   median {median(spent):6.2f} ms   worst {max(spent):6.2f} ms")


def fill(path: Path, runs: int) -> None:
    """A store with so many runs, each with one event."""
    journal = SqliteJournal(path)  # makes the tables
    asyncio.run(
        journal.create(NewRun(new_run_id(), None, "plan", "a" * 64, {}, BEGAN), [Event("decided", "", 0.0, {})])
    )
    journal.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")  # KiB: the indexes are filled in random order
    connection.execute("BEGIN")
    connection.executemany(sql.ADD_RUN, rows(runs - 1))
    connection.execute("INSERT INTO ev SELECT no << 32 | 1, 1, '[]' FROM run WHERE no > 1")
    connection.execute("COMMIT")
    connection.close()


def rows(number: int) -> Iterator[tuple[object, ...]]:
    """The columns of runs, of users and plans at random, begun one second after another."""
    chance = random.Random(1)
    for place in range(number):
        at, user = BEGAN + place, f"user-{chance.randrange(USERS)}"
        yield new_run_id(), user, f"plan-{chance.randrange(20)}", "a" * 64, chance.choice(STATES), at, at, None, 0.0


def growth(path: Path, steps: int) -> None:
    """CPU and bytes per step, in each tenth of one run from its tenth step on."""
    clock: list[float] = []

    def hear(event: Event) -> None:
        if event.kind == STEP_FINISHED:
            clock.append(process_time())

    with Runner(tools=[Double()], settings=Settings(store=str(path))) as runner:
        runner.run(plan_of(10))
        run = runner.run(plan_of(steps), on_event=hear)
    connection = sqlite3.connect(path)
    query = "SELECT length(body) FROM ev WHERE place >> 32 = (SELECT no FROM run WHERE id = ?) ORDER BY place"
    sizes = [row[0] for row in connection.execute(query, (run.id,))]
    connection.close()
    print(f"one run of {steps:,} steps:\n  steps          CPU µs/step   bytes/step")
    tenth = (steps - 10) // 10
    for start in range(10, 10 + 10 * tenth, tenth):
        spent = (clock[start + tenth - 1] - clock[start - 1]) / tenth * 1e6
        written = sum(sizes[start : start + tenth]) / tenth
        print(f"  {start:5} … {start + tenth:5}   {spent:10.1f}   {written:10.0f}")


if __name__ == "__main__":
    main()
