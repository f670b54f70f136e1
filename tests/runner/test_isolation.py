"""Runs of different end users, side by side in one process, never see each other's data."""

from __future__ import annotations

import asyncio
import json
import logging
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from planrunner import PlanRun, Runner, Tool, ToolRunContext, execution_context
from planrunner.models.base import ModelRequest, Reply, ToolCall
from planrunner.plan import Plan
from tests.conftest import PlanOf

RUNS = 1000


class Vault(Tool):
    """Gives back whom it was called for, by every road that a tool has."""

    id = "vault"
    effect = "read"
    args_schema = {"type": "object"}

    async def arun(self, ctx: ToolRunContext, **args: Any) -> Any:
        await asyncio.sleep(0)
        return [ctx.end_user_id, ctx.execution_context.additional_data["name"], args, ctx.idempotency_key]


class Echo:
    """A model that calls the tool once and then repeats all it was told."""

    async def ready(self) -> None:
        """It always is."""

    async def complete(self, request: ModelRequest) -> Reply:
        await asyncio.sleep(0)
        if request.turn == 0:
            return Reply(None, (ToolCall("c", "vault", "{}"),))
        return Reply(json.dumps(list(request.messages), ensure_ascii=False))


@pytest.fixture
def plan(plan_of: PlanOf) -> Plan:
    return plan_of("""
        tools: {vault: {}}
        inputs: {token: {type: string}}
        context: {end_user_id: required, additional_data: {name: {type: string}}}
        agents: {a: {tools: [vault], instructions: "For {{ context.additional_data.name }}"}}
        steps:
          - {id: own, tool: vault, args: {token: "{{ inputs.token }}", who: "{{ context.end_user_id }}"}}
          - {id: said, task: "{{ steps.own.output }} {{ context.additional_data.name }}", agent: a}
          - {id: all, set: ["{{ steps.own.output }}", "{{ steps.said.output }}"]}
    """)


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Runner, "_model", lambda *_: Echo())
    with Runner(tools=[Vault()], store=tmp_path / "runs.sqlite3", model="m") as made:
        yield made


def foreign_values(n: int, record: PlanRun) -> int:
    """How many marks of other users stand anywhere in this user's record, which has its own in many places."""
    told = record.model_dump_json()
    assert record.state == "COMPLETE", record.error
    assert told.count(f"user-{n:04}-") > 5
    return sum(word[:4] != f"{n:04}" for word in told.split("user-")[1:])


def marks(n: int) -> dict[str, Any]:
    return {"end_user_id": f"user-{n:04}-id", "additional_data": {"name": f"user-{n:04}-name"}}


def in_tasks(runner: Runner, plan: Plan, numbers: range) -> list[PlanRun]:
    async def one(n: int) -> PlanRun:
        with execution_context(marks(n)):
            return await runner.arun(plan, {"token": f"user-{n:04}-token"})

    async def all_of_them() -> list[PlanRun]:
        return list(await asyncio.gather(*map(one, numbers)))

    return asyncio.run(all_of_them())


def one_by_one(runner: Runner, plan: Plan, n: int) -> PlanRun:
    with execution_context(marks(n)):
        return runner.run(plan, {"token": f"user-{n:04}-token"})


def in_threads(runner: Runner, plan: Plan, numbers: range) -> list[PlanRun]:
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda n: one_by_one(runner, plan, n), numbers))


def from_a_queue(runner: Runner, plan: Plan, numbers: range) -> list[PlanRun]:
    """Workers that live on from run to run, as in a service."""
    jobs: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    done: dict[int, PlanRun] = {}

    def worker() -> None:
        while (n := jobs.get()) is not None:
            done[n] = one_by_one(runner, plan, n)

    workers = [Thread(target=worker) for _ in range(8)]
    for n in numbers:
        jobs.put(n)
    for thread in workers:
        jobs.put(None)
        thread.start()
    for thread in workers:
        thread.join()
    return [done[n] for n in numbers]


@pytest.mark.parametrize(
    ("carry", "numbers"),
    [
        (in_tasks, range(400)),
        (in_threads, range(400, 700)),
        (from_a_queue, range(700, RUNS)),
    ],
)
def test_no_foreign_values(
    runner: Runner,
    plan: Plan,
    caplog: pytest.LogCaptureFixture,
    carry: Callable[[Runner, Plan, range], list[PlanRun]],
    numbers: range,
) -> None:
    caplog.set_level(logging.DEBUG, "planrunner")
    records = carry(runner, plan, numbers)
    assert len({record.id for record in records}) == len(numbers)
    assert sum(foreign_values(n, record) for n, record in zip(numbers, records, strict=True)) == 0
    for n, record in list(zip(numbers, records, strict=True))[::37]:
        assert foreign_values(n, runner.runs.get(record.id)) == 0
