"""100 tool steps, a commit each, against a bare SQLite loop with as many commits of as many bytes in the same process.

    python benchmarks/steps.py [--steps 100] [--rounds 7] [--synchronous FULL]

Prints CPU milliseconds of both, round by round in turn, and the ratio of their medians; then how time and bytes grow
from 20 to 2,000 steps.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from planrunner.document.load import load_document
from planrunner.plan import Plan
from planrunner.settings import Settings
from planrunner.tools.base import Tool, ToolRunContext
from planrunner.wire import Runner


class Double(Tool):
    """A tool that costs nothing, so that what is measured is the runner."""

    id = "double"
    description = "Twice the number."
    args_schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    effect = "read"
    inline = True

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        return args["n"] * 2


def plan_of(steps: int) -> Plan:
    """Each step reads the output of the one before it."""
    lines = [
        "planrunner: 1",
        "name: chain",
        "tools: {double: {}}",
        "steps:",
        "  - {id: s0, tool: double, args: {n: 1}}",
    ]
    lines += (
        f'  - {{id: s{n}, tool: double, args: {{n: "{{{{ (steps.s{n - 1}.output) % 1000 }}}}"}}}}'
        for n in range(1, steps)
    )
    loaded = load_document("\n".join(lines).encode(), "chain.yml", path=None, root=".")
    if loaded.plan is None:
        raise SystemExit("\n".join(map(str, loaded.problems)))
    return loaded.plan


def cpu(work: Callable[[], object]) -> float:
    """CPU milliseconds of one call."""
    start = process_time()
    work()
    return (process_time() - start) * 1000


def bare_loop(path: Path, commits: int, payload: str, synchronous: str) -> None:
    """What any program must do that keeps `commits` rows safe one by one."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("CREATE TABLE ev (run TEXT, seq INTEGER, body TEXT, PRIMARY KEY (run, seq)) WITHOUT ROWID")
    for seq in range(commits):
        connection.execute("INSERT INTO ev VALUES (?, ?, ?)", ("run", seq, payload))
    connection.close()


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--steps", type=int, default=100)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--synchronous", choices=["FULL", "NORMAL"], default="FULL")
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ratio_to_bare_loop(Path(folder), told.steps, told.rounds, told.synchronous)
        growth(Path(folder), told.synchronous)


def ratio_to_bare_loop(folder: Path, steps: int, rounds: int, synchronous: str) -> None:
    """One Runner, a warm-up, then both in turn."""
    plan, payload = plan_of(steps), "x" * 400
    settings = Settings(store=str(folder / "ratio.sqlite3"), synchronous=synchronous)
    ours, bare = [], []
    with Runner(tools=[Double()], settings=settings) as runner:
        runner.run(plan)
        for turn in range(rounds):
            ours.append(cpu(lambda: runner.run(plan)))
            path = folder / f"bare{turn}.sqlite3"
            bare.append(cpu(lambda path=path: bare_loop(path, steps + 1, payload, synchronous)))
    print(f"{steps} tool steps, synchronous={synchronous}, CPU ms, median of {rounds}:")
    print(
        f"  planrunner {median(ours):8.2f}   bare loop {median(bare):8.2f}   ratio {median(ours) / median(bare):5.2f}"
    )


def growth(folder: Path, synchronous: str) -> None:
    """Time and bytes per step must stay flat."""
    print("steps   CPU ms   CPU µs/step   bytes/step")
    for steps in (20, 200, 2000):
        plan = plan_of(steps)
        path = folder / f"grow{steps}.sqlite3"
        with Runner(tools=[Double()], settings=Settings(store=str(path), synchronous=synchronous)) as runner:
            spent = median(cpu(lambda runner=runner, plan=plan: runner.run(plan)) for _ in range(3))
            written = sum(len(row[0]) for row in sqlite3.connect(path).execute("SELECT body FROM ev")) / 3
        print(f"{steps:5}  {spent:7.1f}   {spent * 1000 / steps:11.1f}   {written / steps:10.0f}")


if __name__ == "__main__":
    main()
