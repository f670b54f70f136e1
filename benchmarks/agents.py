"""Agent work against the same by hand with litellm and SQLite: the same requests, in the same process, in turn.

    python benchmarks/agents.py [--only W1 W2 W4 W5 fresh memory] [--rounds N] [--synchronous FULL]

The model is `stub_server.py`, a process of its own. Both sides share one import of litellm, one event loop, one disk
and one setting of `synchronous`; plain litellm commits once per step. What they send is compared, body by body. CPU is
that of this process with all its threads. `fresh` and `memory` measure whole processes: `planrunner run` of one task
against a script that imports litellm and calls it once, and the most memory that W4 takes on either side. What is
timed is done once before. POSIX only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Self
from urllib.request import urlopen

from paired import HEAD, Pair, Spent, line, pairs, spent_here, spent_there
from plain_litellm import Plain
from planrunner_side import WORKS, Work, carry, runner_for

HERE = Path(__file__).parent
ENVIRONMENT = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "NO_PROXY": "127.0.0.1",
}
"""So litellm fetches nothing, and the model is reached at once; for both sides."""

ROUNDS = {"W1": 31, "W2": 21, "W4": 3, "W5": 7, "fresh": 5, "memory": 1}
TARGETS = {"W1": "≤ 1.15 x CPU", "W2": "≤ 1.15 x CPU", "W4": "≤ 1.1 x wall", "W5": "≤ 1.1 x wall"}


class Stub:
    """The model server, while the `with` block lasts."""

    def __enter__(self) -> Self:
        command = [sys.executable, str(HERE / "stub_server.py")]
        pipe = subprocess.PIPE
        # In a session of its own: ^C is for this program, and with it the server's standard input ends.
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)
        assert self._process.stdout is not None
        self._url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def api_base(self, wait: int) -> str:
        """Where a model answers that takes so many milliseconds."""
        return f"{self._url}/wait/{wait}/v1"

    def heard(self) -> tuple[int, list[dict[str, Any]]]:
        """What was asked since this was called last: the most requests at one time, and their bodies."""
        with urlopen(f"{self._url}/heard") as answer:
            told = json.load(answer)
        return told["at_once"], [json.loads(body) for body in told["bodies"]]


class Bench:
    """One go at the table."""

    def __init__(self, stub: Stub, folder: Path, synchronous: str, rounds: int | None) -> None:
        self._stub = stub
        self._folder = folder
        self._synchronous = synchronous
        self._rounds = rounds
        self._environ = dict(os.environ)

    def _rounds_of(self, name: str) -> int:
        return self._rounds or ROUNDS[name]

    async def here(self, names: Sequence[str]) -> None:
        """The works that are measured in this process."""
        with runner_for(self._folder / "ours", self._synchronous) as runner:
            for name in names:
                work = WORKS[name]
                api_base = self._stub.api_base(work.wait)
                plan = work.plan(api_base)
                plain = Plain(api_base, self._folder / f"plain-{name}.sqlite3", self._synchronous)
                await self._compare(name, partial(carry, runner, plan, work.runs), plain)
                plain.close()

    async def _compare(self, name: str, ours: Callable[[], Awaitable[None]], plain: Plain) -> None:
        work, rounds = WORKS[name], self._rounds_of(name)
        self._stub.heard()
        await ours()  # the first one also imports litellm
        at_once, sent = self._stub.heard()
        tasks = _first_requests(sent)

        async def by_hand() -> None:
            groups = [[task] for task in tasks] if work.side_by_side else [tasks] * work.runs
            await asyncio.gather(*map(plain.run, groups))

        await by_hand()
        _check_same(name, sent, self._stub.heard()[1])
        in_turn = work.side_by_side and at_once == 1
        found = await pairs(
            1 if in_turn else rounds,
            lambda: spent_here(ours, work.batch),
            lambda: spent_here(by_hand, work.batch),
        )
        self._tell(name, work, found)
        if in_turn:
            print("     this version of planrunner runs the steps of a plan one after another: no comparison")

    def _tell(self, name: str, work: Work, found: Sequence[Pair]) -> None:
        target = TARGETS[name]
        for clock in ("wall", "cpu") if work.wait else ("cpu",):
            print(line(f"{name}  {work.told}", clock, found, target if clock in target.lower() else ""))
        added = median((ours.cpu - plain.cpu) * 1000 / work.llm_calls for ours, plain in found)
        print(f"     planrunner adds {added:.0f} µs of CPU per LLM call")
        if work.runs > 1:
            print(f"     {work.runs * (len(found) + 1)} runs, all COMPLETE: no lock errors")

    async def fresh(self) -> None:
        """`planrunner run` of one task against a script."""
        work = WORKS["W1"]
        plan = self._folder / "stock.yml"
        plan.write_text(work.text(self._stub.api_base(0)))
        command = [sys.executable, "-m", "planrunner", "run", str(plan), "--store", str(self._folder / "fresh"), "-q"]
        self._stub.heard()
        spent_there(command, self._environ)
        sent = self._stub.heard()[1]
        script = self._script("fresh", _first_requests(sent), work)

        async def ours() -> Spent:
            return spent_there(command, self._environ)

        async def by_hand() -> Spent:
            return spent_there(script, self._environ)

        await by_hand()
        _check_same("fresh", sent, self._stub.heard()[1])
        found = await pairs(self._rounds_of("fresh"), ours, by_hand)
        for clock in ("cpu", "wall"):
            print(line("     agent plan, fresh process", clock, found, f"≤ 1.1 x {clock}"))

    async def memory(self) -> None:
        """The most memory that W4 takes in a process of its own."""
        work = WORKS["W4"]
        told = {"name": "W4", "api_base": self._stub.api_base(work.wait), "store": str(self._folder / "memory")}
        ours = self._program("planrunner_side.py", {**told, "synchronous": self._synchronous})
        rounds = range(self._rounds_of("memory"))
        self._stub.heard()
        mine = median(spent_there(ours, self._environ).memory for _ in rounds)
        sent = self._stub.heard()[1]
        by_hand = self._script("memory-plain", _first_requests(sent), work)
        theirs = median(spent_there(by_hand, self._environ).memory for _ in rounds)
        _check_same("memory", sent, self._stub.heard()[1])
        print(f"{'     memory of W4, fresh process':48}peak {mine:7.1f} MB  {theirs:7.1f} MB", end="")
        print(f"   {mine - theirs:+.1f} MB{'':14}≤ +60 MB")

    def _script(self, name: str, tasks: Sequence[dict[str, Any]], work: Work) -> list[str]:
        """The command that does the work by hand."""
        told = {"api_base": self._stub.api_base(work.wait), "synchronous": self._synchronous, "runs": work.runs}
        store = str(self._folder / f"{name}.sqlite3")
        return self._program("plain_litellm.py", {**told, "store": store, "tasks": list(tasks)})

    def _program(self, name: str, told: dict[str, Any]) -> list[str]:
        file = self._folder / f"{name}.json"
        file.write_text(json.dumps(told))
        return [sys.executable, str(HERE / name), str(file)]


def _first_requests(sent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The requests that begin an agent step of one run; those of runs side by side are the same."""
    first = (body for body in sent if body["messages"][-1]["role"] == "user")
    return list({str(body): body for body in first}.values())


def _check_same(name: str, ours: Sequence[dict[str, Any]], plain: Sequence[dict[str, Any]]) -> None:
    """A ratio means something only where both sides ask the same."""
    if sorted(map(str, ours)) != sorted(map(str, plain)):
        told = f"planrunner sent {len(ours)} requests, as {ours[0]}; by hand {len(plain)} were sent, as {plain[0]}"
        raise SystemExit(f"{name}: the two sides do not send the same requests. {told}")


def _tidy_environment() -> None:
    """What is set here for other work changes nothing."""
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "PLANRUNNER_"))]:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--only", nargs="+", choices=ROUNDS, default=list(ROUNDS))
    options.add_argument("--rounds", type=int, help="of each work, in place of its own number")
    options.add_argument("--synchronous", choices=["FULL", "NORMAL"], default="FULL")
    told = options.parse_args()
    if told.rounds is not None and told.rounds < 1:
        options.error("--rounds must be at least 1")
    _tidy_environment()
    with tempfile.TemporaryDirectory() as folder, Stub() as stub:
        bench = Bench(stub, Path(folder), told.synchronous, told.rounds)
        print(f"medians, synchronous={told.synchronous}; plain: litellm and SQLite by hand\n{HEAD}")
        # Whole processes first: the peak of a child's memory counts from what this process holds when it begins.
        for name in ("memory", "fresh"):
            if name in told.only:
                asyncio.run(getattr(bench, name)())
        asyncio.run(bench.here([name for name in WORKS if name in told.only]))
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores:
        print(f"The machine is busy (load {load:.1f} on {cores} cores): what stands after `wall` tells little.")


if __name__ == "__main__":
    main()
