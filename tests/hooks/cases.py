"""The runs of the table in docs/hooks.md: one function for each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner import (
    BeforeStepExecutionOutcome,
    InputClarification,
    PlanRun,
    ToolHardError,
    UserVerificationClarification,
    clarify_on_all_tool_calls,
)
from planrunner.models.base import Reply
from planrunner.tools.base import ReadyResponse
from tests.conftest import PlanOf
from tests.hooks.rig import Replies, Rig, Ring, calls, raises, verify

Case = Callable[[PlanOf], tuple[Rig, PlanRun]]
CASES: dict[str, Case] = {}

TWO = """
    tools: {ring: {}}
    steps:
      - {id: a, tool: ring}
      - {id: b, set: 1}
"""
AGENT = """
    tools: {ring: {}}
    agents: {it: {tools: [ring]}}
    steps: [{id: a, task: Go, agent: it}]
"""


def case(name: str) -> Callable[[Case], Case]:
    def add(function: Case) -> Case:
        CASES[name] = function
        return function

    return add


def simple(name: str, word: str | None = None, deed: Any = None, plan: str = TWO) -> None:
    """A case of one run, in which something is done at one word."""

    def run(plan_of: PlanOf) -> tuple[Rig, PlanRun]:
        rig = Rig(plan_of(plan))
        if word is not None:
            rig.deeds[word] = deed
        return rig, rig.run()

    CASES[name] = run


def paused(name: str, word: str, deed: Any, *answers: Any, plan: str = TWO, always: bool = False) -> None:
    """A case that pauses once, is answered and carried on."""

    def run(plan_of: PlanOf) -> tuple[Rig, PlanRun]:
        rig = Rig(plan_of(plan))
        (rig.always if always else rig.deeds)[word] = deed
        return rig, rig.answer(rig.run(), *answers)

    CASES[name] = run


def ask_and_obey(tool: Any, args: dict[str, Any], plan_run: PlanRun, step: Any) -> Any:
    return clarify_on_all_tool_calls(tool, args, plan_run, step)


def asks_for_input(ctx: Any, _args: Any) -> Any:
    return InputClarification(plan_run_id=ctx.run_id, user_guidance="What colour?")


def skip(*_: Any) -> BeforeStepExecutionOutcome:
    return BeforeStepExecutionOutcome.SKIP


BOOM = raises(ValueError("boom"))

simple("a plain run")
simple("the tool fails", "tool(a)", raises(ToolHardError("broken")))
simple("`before_plan_run` fails", "before_plan_run", BOOM)
simple("`before_step_execution` fails", "before_step(a)", BOOM)
simple("`before_tool_call` fails", "before_call(a)", BOOM)
simple("`before_tool_call` raises ToolHardError", "before_call(a)", raises(ToolHardError("never")))
simple("`after_tool_call` fails", "after_call(a)", BOOM)
simple("`after_step_execution` fails", "after_step(a)", BOOM)
simple("`after_plan_run` fails", "after_plan_run", BOOM)
simple("a hook skips a step", "before_step(a)", skip)
simple("every step is skipped by `when`", plan="steps: [{id: a, when: 1 == 2, set: 1}, {id: b, when: 1 == 2, set: 1}]")
simple("the final output is null", plan="steps: [{id: a, set: null}]")
simple("an `exit` ends the plan", plan="steps: [{id: a, exit: {state: FAILED}}, {id: b, set: 1}]")
paused("a hook asks before a call of the first step", "before_call(a)", verify, "yes")
paused(
    "a hook asks before a call of a later step", "before_call(c)", verify, "yes",
    plan="tools: {ring: {}}\nsteps: [{id: a, tool: ring}, {id: c, tool: ring}]",
)  # fmt: skip
paused("the answer is no", "before_call(a)", ask_and_obey, "no", always=True)
paused("a hook asks after a call", "after_call(a)", verify, "yes")
paused("the tool itself asks", "tool(a)", asks_for_input, "red")
paused(
    "a `clarify` step asks", "", None, "red",
    plan="steps: [{id: a, clarify: {type: input, guidance: What colour?}}, {id: b, set: 1}]",
)  # fmt: skip


@case("every step is skipped by a hook")
def all_skipped(plan_of: PlanOf) -> tuple[Rig, PlanRun]:
    rig = Rig(plan_of(TWO))
    rig.deeds = {"before_step(a)": skip, "before_step(b)": skip}
    return rig, rig.run()


@case("carried on while the question is still open")
def still_open(plan_of: PlanOf) -> tuple[Rig, PlanRun]:
    rig = Rig(plan_of(TWO))
    rig.deeds["before_call(a)"] = verify
    return rig, rig.resume(rig.run())


@case("a tool is not ready at first")
def not_ready(plan_of: PlanOf) -> tuple[Rig, PlanRun]:
    class Late(Ring):
        asked = False

        def ready(self, ctx: Any) -> ReadyResponse:
            if Late.asked:
                return ReadyResponse(True)
            Late.asked = True
            question = UserVerificationClarification(plan_run_id=ctx.run_id, user_guidance="Is it plugged in?")
            return ReadyResponse(False, question)

    rig = Rig(plan_of(TWO))
    rig.tools = [Late(rig)]
    return rig, rig.answer(rig.run(), "yes")


@case("a new try of a step whose tool failed")
def retried(plan_of: PlanOf) -> tuple[Rig, PlanRun]:
    rig = Rig(plan_of(TWO))
    rig.deeds["tool(a)"] = raises(ToolHardError("broken"))
    return rig, rig.resume(rig.run(), retry=True)


@case("a new try after a hook failed")
def retried_hook(plan_of: PlanOf) -> tuple[Rig, PlanRun]:
    rig = Rig(plan_of(TWO))
    rig.deeds["before_step(a)"] = BOOM
    return rig, rig.resume(rig.run(), retry=True)


@case("carried on by another end user before the approved call was made")
def other_user(plan_of: PlanOf) -> tuple[Rig, PlanRun]:
    rig = Rig(plan_of(TWO))
    rig.always["before_call(a)"] = ask_and_obey
    record = rig.run(context={"end_user_id": "ada"})
    (question,) = record.get_outstanding_clarifications()
    rig.runner.resolve_clarification(question, "yes", record)
    record = rig.resume(record, context={"end_user_id": "bob"})
    return rig, rig.answer(record, "yes")


def turn(plan_of: PlanOf, *replies: Reply) -> Rig:
    rig = Rig(plan_of(AGENT))
    rig.model = Replies(*replies, Reply("done"))
    return rig


def two_in_a_turn(name: str, *answers: str) -> None:
    def run(plan_of: PlanOf) -> tuple[Rig, PlanRun]:
        rig = turn(plan_of, calls(("ring", '{"n": 1}'), ("ring", '{"n": 2}')))
        rig.always["before_call(a)"] = ask_and_obey
        return rig, rig.answer(rig.run(), *answers)

    CASES[name] = run


two_in_a_turn("an agent makes two calls in one turn, both approved", "yes", "yes")
two_in_a_turn("the first of two calls in one turn is approved, the second rejected", "yes", "no")
two_in_a_turn("the first of two calls in one turn is rejected, the second approved", "no", "yes")


@case("an approval in a later turn of an agent")
def later_turn(plan_of: PlanOf) -> tuple[Rig, PlanRun]:
    rig = turn(plan_of, calls(("ring", '{"n": 1}')), calls(("ring", '{"n": 2}')))

    def asks_about_two(tool: Any, args: dict[str, Any], plan_run: PlanRun, step: Any) -> Any:
        return ask_and_obey(tool, args, plan_run, step) if args["n"] == 2 else None

    rig.always["before_call(a)"] = asks_about_two
    return rig, rig.answer(rig.run(), "yes")
