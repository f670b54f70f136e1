"""What loops cost: steps side by side, the items of a foreach, steps one after another.

    python benchmarks/loops.py [--items 10000] [--steps 2000] [--rounds 3] [--synchronous FULL]

Items and steps stand beside a bare SQLite loop with as many commits of as many bytes in the same process; steps side
by side beside the one call that each of them makes.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from steps import Double, bare_loop, cpu, plan_of

from planrunner.document.load import load_document
from planrunner.plan import Plan
from planrunner.settings import Settings
from planrunner.tools.base import Tool, ToolRunContext
from planrunner.wire import Runner

ASIDE = 100
CALL_SECONDS = 0.1


class Wait(Tool):
    """A call that takes a while, as one over the network does."""

    id = "wait"
    description = "Waits."
    args_schema = {"type": "object", "properties": {}}
    effect = "read"

    async def arun(self, ctx: ToolRunContext, **args: Any) -> Any:
        await asyncio.sleep(CALL_SECONDS)


def loaded(text: str) -> Plan:
    """The plan of this text."""
    found = load_document(text.encode(), "loops.yml", path=None, root=".")
    if found.plan is None:
        raise SystemExit("\n".join(map(str, found.problems)))
    return found.plan


def plan_aside(steps: int) -> Plan:
    """Steps that need nothing."""
    lines = (f"  - {{id: s{n}, needs: [], tool: wait}}" for n in range(steps))
    return loaded("\n".join(["planrunner: 1", "name: aside", "tools: {wait: {}}", "steps:", *lines]))


def plan_of_items(most: int) -> Plan:
    """One step over so many items."""
    foreach = f"{{in: inputs.numbers, as: number, max_items: {most}}}"
    step = f'{{id: each, foreach: {foreach}, tool: double, args: {{n: "{{{{ number }}}}"}}}}'
    inputs = "inputs: {numbers: {type: array}}"
    return loaded(f"planrunner: 1\nname: items\ntools: {{double: {{}}}}\n{inputs}\nsteps:\n  - {step}\noutput: done\n")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--items", type=int, default=10_000)
    options.add_argument("--steps", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--synchronous", choices=["FULL", "NORMAL"], default="FULL")
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        aside(Path(folder), told.rounds, told.synchronous)
        print(f"synchronous={told.synchronous}, median of {told.rounds}, CPU ms:")
        print("                        planrunner   bare loop   ratio   commits ours / bare   ms per one")
        items, numbers = plan_of_items(told.items), list(range(told.items))
        beside_bare(Path(folder), f"{told.items:,} items", items, told, told.items, {"numbers": numbers})
        beside_bare(Path(folder), f"{told.steps:,} steps", plan_of(told.steps), told, told.steps, {})


def aside(folder: Path, rounds: int, synchronous: str) -> None:
    """Wall seconds of steps side by side, beside the one call that each makes."""
    plan, spent = plan_aside(ASIDE), []
    with Runner(tools=[Wait()], settings=Settings(store=str(folder / "aside.db"), synchronous=synchronous)) as runner:
        for _ in range(rounds + 1):  # the first one warms up
            start = perf_counter()
            runner.run(plan)
            spent.append(perf_counter() - start)
    wall = median(spent[1:])
    longer = wall / CALL_SECONDS
    print(f"{ASIDE} steps side by side, each a call of {CALL_SECONDS:g} s: {wall:.3f} s, {longer:.2f} times one call")


def beside_bare(
    folder: Path, name: str, plan: Plan, told: argparse.Namespace, size: int, inputs: dict[str, Any]
) -> None:
    """One row: CPU of a run and of a bare loop that commits once per item or step, in turn."""
    path = folder / f"{plan.name}.db"
    ours: list[float] = []
    bare: list[float] = []
    with Runner(tools=[Double()], settings=Settings(store=str(path), synchronous=told.synchronous)) as runner:
        run = partial(runner.run, plan, inputs)
        for turn in range(told.rounds):
            ours.append(cpu(run))
            batches, written = stored(path, turn + 1)
            other = folder / f"bare-{plan.name}{turn}.db"
            payload = "x" * (written // size)
            bare.append(cpu(lambda other=other, payload=payload: bare_loop(other, size, payload, told.synchronous)))
    per_one = (median(ours) - median(bare)) / size
    ratio = median(ours) / median(bare)
    commits = f"{batches:,} / {size:,}"
    print(f"  {name:20} {median(ours):11.0f} {median(bare):11.0f} {ratio:7.2f}   {commits:>19}   {per_one:10.3f}")


def stored(path: Path, runs: int) -> tuple[int, int]:
    """How many batches and bytes one of so many equal runs has written."""
    connection = sqlite3.connect(path)
    batches, written = connection.execute("SELECT count(*), sum(length(body)) FROM ev").fetchone()
    connection.close()
    return batches // runs, written // runs


if __name__ == "__main__":
    main()
