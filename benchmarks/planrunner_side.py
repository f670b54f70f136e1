"""This side of `agents.py`: the plans that are measured, run by planrunner as a program in Python runs them.

    python benchmarks/planrunner_side.py WORK.json

As a program it runs one of them once: `{name, api_base, store, synchronous}`, where `name` is one of WORKS.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from plain_litellm import in_stock

from planrunner import Plan, Runner, tool
from planrunner.document.load import load_document
from planrunner.plan_run import PlanRun
from planrunner.settings import Settings

_HEAD = """\
planrunner: 1
name: stock
models:
  stub: {{model: openai/stub, api_base: "{api_base}"}}
agents:
  clerk:
    model: stub
    instructions: You answer questions about what is in stock, in one sentence.
    tools: [{tools}]
tools: {{in_stock: {{}}}}
steps:
"""


@dataclass(frozen=True)
class Work:
    """What is measured.

    tasks         agent steps of one run
    tool          whether each step calls a tool: LLM → tool → LLM
    side_by_side  the steps of a run, as far as the runner lets them
    runs          runs side by side
    wait          milliseconds that the model takes
    batch         how often it is done in one measurement
    """

    told: str
    tasks: int = 1
    tool: bool = False
    side_by_side: bool = False
    runs: int = 1
    wait: int = 0
    batch: int = 1

    @property
    def llm_calls(self) -> int:
        """LLM calls of the whole, done once."""
        return self.runs * self.tasks * (2 if self.tool else 1)

    def text(self, api_base: str) -> str:
        """The plan of one run."""
        needs = ", needs: []" if self.side_by_side else ""
        return _HEAD.format(api_base=api_base, tools="in_stock" if self.tool else "") + "".join(
            f'  - {{id: s{place}, task: "Is A-{place} in stock?", agent: clerk{needs}}}\n'
            for place in range(self.tasks)
        )

    def plan(self, api_base: str) -> Plan:
        """The same, checked."""
        loaded = load_document(self.text(api_base).encode(), "stock.yml", path=None, root=".")
        if loaded.plan is None:
            raise SystemExit("\n".join(map(str, loaded.problems)))
        return loaded.plan


WORKS: Final = {
    "W1": Work("one agent step, one LLM call", batch=10),
    "W2": Work("10 agent steps, each LLM → tool → LLM", tasks=10, tool=True),
    "W4": Work("50 runs of W2 side by side, 100 ms model", tasks=10, tool=True, runs=50, wait=100),
    "W5": Work("100 agent steps side by side, 100 ms model", tasks=100, side_by_side=True, wait=100),
}


def runner_for(store: str | Path, synchronous: str) -> Runner:
    """A Runner as a service has one: made once, for many runs."""
    return Runner(tools=[tool(effect="read")(in_stock)], settings=Settings(store=str(store), synchronous=synchronous))


async def carry(runner: Runner, plan: Plan, runs: int) -> None:
    """So many runs side by side, every one of which must come to its end."""
    records = await asyncio.gather(*(runner.arun(plan) for _ in range(runs)))
    if wrong := [told for told in map(_trouble, records) if told]:
        raise SystemExit(f"{len(wrong)} of {runs} runs went wrong; the first: {wrong[0]}")


def _trouble(record: PlanRun) -> str:
    return "" if record.state == "COMPLETE" else str(record.error or record.state)


async def main(told: dict[str, Any]) -> None:
    """Do the work once."""
    work = WORKS[told["name"]]
    with runner_for(told["store"], told["synchronous"]) as runner:
        await carry(runner, work.plan(told["api_base"]), work.runs)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
