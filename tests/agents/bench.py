"""A plan whose tasks are worked on by the real litellm against a server of the tests' own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

import pytest

from planrunner import PlanRun, Runner, Tool, ToolHardError, ToolRunContext, ToolSoftError
from planrunner.document.load import load_document
from planrunner.events import Event
from planrunner.plan import Plan
from tests.servers.openai_server import OpenAIServer, Request, Script

KEY = "sk-Test/of+agents-0123456789abcdef"


class Look(Tool):
    """Reads, and counts its calls; fails as it is asked to."""

    id = "look"
    description = "Looks things up."
    effect = "read"
    args_schema = {
        "type": "object",
        "properties": {"q": {"type": "string"}},
        "required": ["q"],
        "additionalProperties": False,
    }

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.keys: Counter[str] = Counter()

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.calls.append(args["q"])
        self.keys[ctx.idempotency_key] += 1
        if args["q"] == "soft":
            raise ToolSoftError("busy")
        if args["q"] == "hard":
            raise ToolHardError("gone")
        return {"found": args["q"]}


class Pay(Look):
    """Can't be taken back."""

    id = "pay"
    effect = "irreversible"


@dataclass
class Bench:
    """Carries runs of one plan against a server, in fresh Runners over one store.

    stream  listeners hear text as it comes
    events  everything that listeners heard, of all tries
    """

    plan: Plan
    script: Script
    stream: bool = False
    store: Any = "memory"
    tools: list[Any] = field(default_factory=lambda: [Look(), Pay()])
    events: list[Event] = field(default_factory=list)
    hooks: Any = None

    def __post_init__(self) -> None:
        self.server = OpenAIServer(self.script)
        self._journals: dict[str, Any] = {}
        self.runner = self._runner()

    def __enter__(self) -> Bench:
        self.server.__enter__()
        self._patch = pytest.MonkeyPatch()
        self._patch.setenv("OPENAI_API_BASE", self.server.base_url)
        return self

    def __exit__(self, *error: object) -> None:
        self._patch.undo()
        self.server.__exit__(*error)
        self.runner.close()

    def _runner(self) -> Runner:
        runner = Runner(
            tools=self.tools, store=self.store, model="openai/x", stream=self.stream, execution_hooks=self.hooks
        )
        runner._journals = self._journals
        return runner

    def run(self, **given: Any) -> PlanRun:
        self.runner = self._runner()
        return self.runner.run(self.plan, on_event=self.events.append, **given)

    def resume(self, run: PlanRun | str, **given: Any) -> PlanRun:
        self.runner = self._runner()
        return self.runner.resume(run, on_event=self.events.append, **given)

    def timed(self, **given: Any) -> tuple[PlanRun, float]:
        began = time.monotonic()
        record = self.run(**given)
        return record, time.monotonic() - began

    @property
    def requests(self) -> list[Request]:
        return self.server.requests

    @property
    def models(self) -> list[str]:
        """The models that were asked, in order."""
        return [request.body["model"] for request in self.requests]

    def tool(self, name: str) -> Look:
        return next(tool for tool in self.tools if tool.id == name)

    @property
    def text(self) -> str:
        """All text that was heard."""
        return "".join(event.body["text"] for event in self.events if event.kind == "text")


def plan(text: str, **names: Any) -> Plan:
    """The plan; `planrunner` and `name` are put before it, and its tools are declared."""
    whole = "planrunner: 1\nname: agents\n" + dedent(text)
    if "\ntools:" not in whole:
        whole += "\ntools: {look: {}, pay: {}}\n"
    loaded = load_document(whole.encode(), "agents.yml", path=None, root=names.pop("root", "."))
    assert loaded.plan is not None, loaded.problems
    assert loaded.plan is not None
    return loaded.plan


def task(extra: str = "", agent: str = "tools: [look, pay]", more: str = "") -> Plan:
    """One task `work` for an agent, with quick retries."""
    return plan(f"""
        defaults: {{retry: {{delay: 10ms}}, timeout: 20s}}
        agents: {{it: {{{agent}}}}}
        steps: [{{id: work, task: "Go.", agent: it{extra}}}]
        {more}
    """)


def attempts(record: PlanRun, step: str = "work") -> list[str]:
    """Each LLM call of the step: the kinds of its failed attempts, then how it ended (`transient, COMPLETE`)."""
    told = next(each for each in record.steps if each.id == step)
    return [", ".join([*(a.error.kind for a in call.failed_attempts), call.state]) for call in told.llm_calls]


def kind_of(record: PlanRun) -> str | None:
    return record.error.kind if record.error else None


def by_model(answers: Mapping[str, Script]) -> Callable[[Request], Any]:
    """A script for each model; one answer alone serves for ever."""
    counts: Counter[str] = Counter()

    def answer(request: Request) -> Any:
        name = request.body["model"]
        counts[name] += 1
        script = answers[name]
        return script(request) if callable(script) else script[min(counts[name], len(script)) - 1]

    return answer
