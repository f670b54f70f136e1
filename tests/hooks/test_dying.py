"""A run with hooks and questions that dies at any write, and is carried on: as if nothing had happened."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from planrunner import InputClarification, PlanRun, Tool, ToolRunContext, UserVerificationClarification
from planrunner.clarification_handler import ClarificationHandler
from planrunner.events import CLARIFICATION_RAISED, HOOK_FIRED
from planrunner.models.base import ModelRequest, Reply
from planrunner.plan import Plan
from tests.conftest import PlanOf
from tests.hooks.cases import ask_and_obey
from tests.hooks.rig import Rig, calls
from tests.runner.test_carried_on import DyingJournal, Killed, masked, newest

PLAN = """
    tools: {ring: {}, asks: {}}
    agents: {it: {tools: [ring]}}
    hooks:
      before_tool_call: [{use: clarify_on_tool_calls, with: {tools: [ring]}, match: {step: work}}]
      after_step_execution: [{use: log_step_outputs, on_error: log}]
    steps:
      - {id: one, tool: ring, args: {n: 1}}
      - {id: two, tool: asks}
      - {id: which, clarify: {type: input, guidance: Which?}}
      - {id: work, task: Go, agent: it}
      - {id: left, set: "{{ steps.which.output }}"}
      - {id: three, tool: ring, args: {n: 3}}
"""


class Asks(Tool):
    id = "asks"
    effect = "write"
    args_schema = {"type": "object"}

    def __init__(self, seen: Counter[str]) -> None:
        self.seen = seen

    def run(self, ctx: ToolRunContext) -> Any:
        self.seen[f"tool two {len(ctx.clarifications)}"] += 1
        if ctx.clarifications:
            return ctx.clarifications[0].response
        return InputClarification(plan_run_id=ctx.run_id, user_guidance="Colour?")


class Model:
    """Calls the tool twice in its first reply, once in its second."""

    def __init__(self, seen: Counter[str]) -> None:
        self.seen = seen

    async def ready(self) -> None:
        """It always is."""

    async def complete(self, request: ModelRequest) -> Reply:
        self.seen[f"model {request.turn}"] += 1
        if request.turn == 2:
            return Reply("done")
        return calls(*(("ring", f'{{"n": {10 * request.turn + place}}}') for place in range(2 - request.turn)))


class Counting(Rig):
    """Counts each firing of each hook and each call by what it was told; some hooks ask."""

    def __init__(self, plan: Plan, journal: DyingJournal, handler: ClarificationHandler | None) -> None:
        super().__init__(plan)
        self.journal = journal
        self.seen: Counter[str] = Counter()
        self.tools = [*self.tools, Asks(self.seen)]
        self.model = Model(self.seen)
        self.runner._journals["memory"] = journal
        self.hooks = self.hooks.model_copy(update={"clarification_handler": handler})

    def note(self, word: str, *arguments: Any) -> Any:
        if word.startswith("tool("):
            word += f" {arguments[-1]}"
        elif word.startswith(("before_call", "after_call")):
            word += f" {arguments[1]} {[q.response for q in arguments[2].get_clarifications_for_step()]}"
        self.seen[word] += 1
        if word.startswith("before_call(three)"):
            return ask_and_obey(*arguments)
        if word.startswith("after_call(one)") and word.endswith("[]"):
            return UserVerificationClarification(plan_run_id=arguments[2].id, user_guidance="Good?")
        return None

    def to_the_end(self) -> PlanRun:
        """Run, carry on after the death, which comes once, and answer whatever is asked."""
        record: PlanRun | None = None
        while record is None or self.runner.runs.list()[0].state not in ("COMPLETE", "FAILED"):
            try:
                record = self._carry_on(record)
            except Killed:
                self.journal.live_again()
                record = newest(self.runner)
        return record

    def _carry_on(self, record: PlanRun | None) -> PlanRun:
        if record is None:
            return self.run()
        for question in record.get_outstanding_clarifications():
            self.runner.resolve_clarification(question, "yes", record)
        return self.resume(record)


class Present(ClarificationHandler):
    """Says yes at once."""

    def _yes(self, clarification: Any, on_resolution: Any, on_error: Any) -> None:
        on_resolution(clarification, "yes")

    handle_input_clarification = handle_user_verification_clarification = _yes


def told(record: PlanRun) -> Any:
    return json.loads(json.dumps(masked(record)).replace(record.id, "RUN"))


@pytest.mark.parametrize("handler", [None, Present()], ids=["answered later", "answered at once"])
@pytest.mark.parametrize("after", [False, True])
def test_dying_at_every_write_changes_nothing(
    plan_of: PlanOf, after: bool, handler: ClarificationHandler | None
) -> None:
    plan = plan_of(PLAN)
    undisturbed = Counting(plan, DyingJournal(0, after=after), handler)
    whole = undisturbed.to_the_end()
    assert whole.state == "COMPLETE", whole.error
    assert len(whole.clarifications) == 7
    assert set(undisturbed.seen.values()) == {1}, undisturbed.seen
    k, died = 0, True
    while died:
        k += 1
        rig = Counting(plan, DyingJournal(k, after=after), handler)
        record = rig.to_the_end()
        died = rig.journal.died
        assert told(record) == told(whole), k
        more = rig.seen - undisturbed.seen
        assert not undisturbed.seen - rig.seen, "something did not happen"
        assert set(more.values()) <= {1}, f"write {k}: {more}"
        assert sum(more.values()) <= 2, f"write {k}: {more}"  # so many calls run side by side in one turn
        history = rig.runner.runs.events(record.id)
        for kind in (HOOK_FIRED, CLARIFICATION_RAISED):
            keys = [event.key for event in history if event.kind == kind]
            assert len(keys) == len(set(keys))
    assert k > 40
