"""The other side of `agents.py`: the same agent steps by hand, with litellm and SQLite alone. Knows no planrunner.

    python benchmarks/plain_litellm.py WORK.json

As a program it does this work once: `{api_base, store, synchronous, tasks, runs}`, where `tasks` are bodies of chat
completions, the first request of every agent step, and `runs` says how often all of them are done side by side.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def in_stock(sku: str) -> str:
    """The trivial tool; `agents.py` gives the same one to planrunner."""
    return f"{sku}: 12 in stock"


class Plain:
    """Agent steps as one writes them without a runner: a loop of calls, and a commit after each step."""

    def __init__(self, api_base: str, store: str | Path, synchronous: str) -> None:
        import litellm

        self._litellm = litellm
        self._settled = {"api_base": api_base, "api_key": "none", "num_retries": 0, "max_retries": 0, "timeout": 600.0}
        self._connection = sqlite3.connect(store, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA synchronous = {synchronous}")
        self._connection.execute("CREATE TABLE IF NOT EXISTS step (no INTEGER PRIMARY KEY, body TEXT)")

    async def run(self, tasks: Sequence[dict[str, Any]]) -> None:
        """All steps of one run, one after another."""
        for task in tasks:
            await self.step(task)

    async def step(self, task: dict[str, Any]) -> None:
        """One step: the model is asked until it calls no tool any more."""
        messages = list(task["messages"])
        asked = {**task, **self._settled, "model": f"openai/{task['model']}"}
        while True:
            message = (await self._litellm.acompletion(**{**asked, "messages": messages})).choices[0].message
            if not message.tool_calls:
                break
            messages.append({"role": "assistant", "content": message.content, "tool_calls": _told(message.tool_calls)})
            for call in message.tool_calls:
                value = in_stock(**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": value})
        body = json.dumps([*messages[len(task["messages"]) :], message.content])
        self._connection.execute("INSERT INTO step (body) VALUES (?)", (body,))

    def close(self) -> None:
        """Let go of the store."""
        self._connection.close()


def _told(calls: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in calls
    ]


async def main(work: dict[str, Any]) -> None:
    """Do the work once."""
    plain = Plain(work["api_base"], work["store"], work["synchronous"])
    await asyncio.gather(*(plain.run(work["tasks"]) for _ in range(work["runs"])))
    plain.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
