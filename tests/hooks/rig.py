"""Hooks at all six points and tools, all of which write down that they were there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from planrunner import (
    Clarification,
    ExecutionHooks,
    PlanRun,
    Runner,
    Tool,
    ToolRunContext,
    UserVerificationClarification,
)
from planrunner.models.base import ModelRequest, Reply, ToolCall
from planrunner.plan import Plan

Deed = Callable[..., Any]


class Replies:
    """A model that gives these replies, one per turn."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = replies

    async def ready(self) -> None:
        """It always is."""

    async def complete(self, request: ModelRequest) -> Reply:
        return self.replies[min(request.turn, len(self.replies) - 1)]


def calls(*made: tuple[str, str]) -> Reply:
    return Reply(None, tuple(ToolCall(f"c{n}", name, args) for n, (name, args) in enumerate(made)))


class Ring(Tool):
    """A tool that notes its call, and does what the rig has for it."""

    id = "ring"
    effect = "write"
    args_schema = {"type": "object", "properties": {"n": {"type": "integer"}}}

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self._rig.called.append(args)
        return self._rig.note(f"tool({ctx.step.id})", ctx, args) or args.get("n", "rung")


class Rig:
    """One run, or several tries of it.

    log    what fired, in order
    deeds  what is done, once, at a word of the log: raise, or return something
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.log: list[str] = []
        self.called: list[dict[str, Any]] = []
        self.deeds: dict[str, Deed] = {}
        self.always: dict[str, Deed] = {}
        self.tools: list[Tool] = [Ring(self)]
        self.model: Any = None
        self.hooks = self.recorders()
        self.runner = Runner(store="memory")

    def note(self, word: str, *arguments: Any) -> Any:
        self.log.append(word)
        deed = self.deeds.pop(word, None) or self.always.get(word)
        return None if deed is None else deed(*arguments)

    def recorders(self, mark: str = "") -> ExecutionHooks:
        """A hook at each point."""
        return ExecutionHooks(
            before_plan_run=lambda *a: self.note(f"before_plan_run{mark}", *a),
            before_step_execution=lambda *a: self.note(f"before_step{mark}({a[2].id})", *a),
            before_tool_call=lambda *a: self.note(f"before_call{mark}({a[3].id})", *a),
            after_tool_call=lambda *a: self.note(f"after_call{mark}({a[3].id})", *a),
            after_step_execution=lambda *a: self.note(f"after_step{mark}({a[2].id})", *a),
            after_plan_run=lambda *a: self.note(f"after_plan_run{mark}", *a),
        )

    def _runner(self) -> Runner:
        """A fresh Runner over the same store, as another process would have."""
        journals = self.runner._journals
        self.runner = Runner(store="memory", tools=self.tools, execution_hooks=self.hooks, model="m")
        self.runner._journals = journals
        return self.runner

    def run(self, **given: Any) -> PlanRun:
        return self._carry(lambda: self._runner().run(self.plan, **given))

    def resume(self, record: PlanRun, **given: Any) -> PlanRun:
        self.log.append("retry" if given.get("retry") else "resume")
        return self._carry(lambda: self._runner().resume(record.id, **given))

    def answer(self, record: PlanRun, *answers: Any) -> PlanRun:
        """Answer the open questions, in the order in which they were raised, and carry the run on."""
        for question, answer in zip(record.get_outstanding_clarifications(), answers, strict=True):
            self.runner.resolve_clarification(question, answer, record)
        return self.resume(record)

    def _carry(self, carry: Callable[[], PlanRun]) -> PlanRun:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Runner, "_model", lambda *_: self.model)
            return carry()


def raises(error: Exception) -> Deed:
    def deed(*_: Any) -> None:
        raise error

    return deed


def verify(_tool: Tool, args: dict[str, Any], plan_run: PlanRun, _step: Any) -> Clarification:
    """A hook, before or after a call, that asks."""
    return UserVerificationClarification(plan_run_id=plan_run.id, user_guidance=f"Really, with {args}?")


def kind_of(record: PlanRun) -> str | None:
    return record.error.kind if record.error else None


def counted(log: Sequence[str], word: str) -> int:
    return sum(entry == word for entry in log)
