"""A plan of eight steps whose every touch of the outside stands in a ledger file, and the parts that carry it out."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planrunner import PlanRun, Runner, Tool, ToolRunContext
from planrunner.document.load import load_document
from planrunner.models.base import Model, ModelRequest, Reply, ToolCall
from planrunner.plan import Plan

PLAN = """
planrunner: 1
name: eight
tools: {note: {}, quick: {}, pay: {}}
agents: {clerk: {tools: [note, quick]}}
steps:
  - {id: order, tool: note, args: {text: order}}
  - {id: stock, tool: quick, args: {text: "{{ steps.order.output }}, in stock"}}
  - {id: work, task: "Pack: {{ steps.stock.output }}", agent: clerk}
  - {id: ask, clarify: {type: multiple_choice, guidance: "Pay?", options: [now, later]}}
  - {id: pay, tool: pay, args: {how: "{{ steps.ask.output }}"}}
  - {id: sum, set: {packed: "{{ steps.work.output }}", paid: "{{ steps.ask.output }}"}}
  - {id: letter, tool: note, args: {text: "{{ steps.sum.output.packed }}, paid {{ steps.sum.output.paid }}"}}
  - {id: close, tool: quick, args: {text: "{{ steps.letter.output }}, closed"}}
"""
TOUCHES = 11
"""How often an undisturbed run touches the outside: eight tool calls and three LLM calls."""

DWELL = 0.004
"""How long a touch takes, in seconds: long enough to be hit in its middle."""


@dataclass(frozen=True)
class Line:
    """One line of the ledger: which process did what. `key` is the idempotency key, `what` is start or end."""

    pid: int
    what: str
    key: str


class Book:
    """The ledger, a file outside of the store. A line stands in it for good before anything else happens."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger"

    def write(self, what: str, key: str) -> None:
        line = json.dumps([os.getpid(), what, key]) + "\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
            os.fsync(file)
        finally:
            os.close(file)

    def touch(self, key: str, seconds: float = DWELL) -> None:
        """Something that takes a while."""
        self.write("start", key)
        time.sleep(seconds)
        self.write("end", key)

    def lines(self) -> list[Line]:
        if not self.path.exists():
            return []
        return [Line(*json.loads(line)) for line in self.path.read_text().splitlines()]

    def happened(self, key: str) -> bool:
        return any(line.what == "end" and line.key == key for line in self.lines())


class Note(Tool):
    """Waits in a thread."""

    id = "note"
    effect = "write"
    args_schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}

    def __init__(self, book: Book) -> None:
        super().__init__()
        self.book = book

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.book.touch(ctx.idempotency_key)
        return args["text"]


class Quick(Note):
    """Runs in the thread of the event loop."""

    id = "quick"
    inline = True


class Pay(Note):
    """Nobody can take it back, and it says nothing that only it could know."""

    id = "pay"
    effect = "irreversible"
    args_schema = {"type": "object", "properties": {"how": {"type": "string"}}, "required": ["how"]}

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.book.touch(ctx.idempotency_key, 10 * DWELL)


class Clerk:
    """The model: two calls in its first turn, one in its second, then the answer."""

    def __init__(self, book: Book) -> None:
        self.book = book

    async def ready(self) -> None:
        """It always is."""

    async def complete(self, request: ModelRequest) -> Reply:
        self.book.touch(f"model/{request.path}!llm:{request.turn}")
        if request.turn == 0:
            return Reply(None, (_call("a", "note", "box"), _call("b", "quick", "tape")))
        if request.turn == 1:
            return Reply(None, (_call("c", "note", "label"),))
        return Reply("packed")


def _call(name: str, tool: str, text: str) -> ToolCall:
    return ToolCall(name, tool, json.dumps({"text": text}))


class Workshop(Runner):
    """A Runner with the tools and the model of the plan, its store in the folder."""

    def __init__(self, folder: Path, store: str | None = None) -> None:
        self.book = Book(folder)
        tools = [Note(self.book), Quick(self.book), Pay(self.book)]
        super().__init__(tools=tools, store=store or folder / "store", model="clerk")

    def _model(self, plan: Plan) -> Model:
        return Clerk(self.book)


def load(text: str = PLAN, root: str = ".") -> Plan:
    loaded = load_document(text.encode(), "plan.yml", path=None, root=root)
    assert loaded.plan is not None, loaded.problems
    return loaded.plan


def answered(runner: Workshop, run: PlanRun) -> PlanRun:
    """Every open question answered: how to pay, and whether a payment happened, which the ledger knows."""
    for question in run.get_outstanding_clarifications():
        if question.source == "doubt":
            key = f"{run.id}/{question.path}!tool:0"
            answer = "it happened" if runner.book.happened(key) else "it did not"
        else:
            answer = "now"
        run = runner.resolve_clarification(question, answer, run)
    return run


def masked(run: PlanRun) -> Any:
    """The record without what may differ: ids, times, how often a call was tried, and what was asked about doubt."""
    record = run.model_dump(mode="json")
    record["clarifications"] = [each for each in record["clarifications"] if each.get("source") != "doubt"]
    return _masked(record)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items() if not _differs(key)}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _differs(key: str) -> bool:
    return key in {"id", "plan_run_id", "attempt", "attempts", "idempotency_key"} or key.endswith("_at")


def effect_keys(lines: list[Line], run_id: str) -> Iterator[str]:
    """The keys of the effects in these lines, as the journal has them."""
    for line in lines:
        yield line.key.removeprefix(f"{run_id}/").removeprefix("model/")
