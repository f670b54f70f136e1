"""Hooks around tool calls: args, approvals, questions, failures."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from planrunner import (
    Clarification,
    InputClarification,
    PlanRun,
    ToolHardError,
    ToolSoftError,
    UserVerificationClarification,
    clarify_on_all_tool_calls,
)
from planrunner.clarification import CustomClarification
from planrunner.errors import RunCancelledError
from planrunner.events import HOOK_FIRED
from planrunner.models.base import Reply
from planrunner.plan import Plan
from tests.conftest import PlanOf
from tests.hooks.cases import AGENT, TWO, ask_and_obey
from tests.hooks.rig import Replies, Rig, calls, kind_of, raises, verify

NUMBER = "tools: {ring: {}}\nsteps: [{id: a, tool: ring, args: {n: 1}}]"


def rig_with(plan: Plan, **hooks: Any) -> Rig:
    """A rig with these hooks in place of its recorders."""
    rig = Rig(plan)
    rig.hooks = rig.hooks.model_copy(update=hooks)
    return rig


def changes(**args: Any) -> Any:
    def hook(_tool: Any, given: dict[str, Any], *_: Any) -> None:
        given.update(args)

    return hook


def test_args_may_be_changed_and_the_next_hook_sees_them(plan_of: PlanOf) -> None:
    seen = []
    rig = rig_with(plan_of(NUMBER), before_tool_call=[changes(n=2), lambda _t, args, *_: seen.append(args["n"])])
    record = rig.run()
    assert (seen, rig.called) == ([2], [{"n": 2}])
    assert record.steps[0].tool_calls[0].args == {"n": 2}


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"n": "two"}, "schema_error"),
        ({"n": True}, "schema_error"),
        ({"n": object()}, "hook_error"),
        ({"n": float("nan")}, "hook_error"),
    ],
)
def test_changed_args_are_checked_again(plan_of: PlanOf, wrong: dict[str, Any], kind: str) -> None:
    rig = rig_with(plan_of(NUMBER), before_tool_call=changes(**wrong))
    assert kind_of(rig.run()) == kind
    assert rig.called == []


def test_args_changed_after_an_approval_fail_the_call(plan_of: PlanOf) -> None:
    """Also when the hook that changes them stands before the built-in that asks: what was shown is what is called."""

    def asks_once(tool: Any, args: dict[str, Any], plan_run: PlanRun, step: Any) -> Any:
        return ask_and_obey(tool, args, plan_run, step)

    rig = rig_with(plan_of(NUMBER), before_tool_call=[asks_once, changes(n=100)])
    record = rig.answer(rig.run(), "yes")
    assert kind_of(record) == "hook_error"
    assert "changed after they had been approved" in str(record.error)
    assert rig.called == []


def test_a_hook_that_changes_what_it_was_told_yes_to_makes_no_call(plan_of: PlanOf) -> None:
    def grows(tool: Any, args: dict[str, Any], plan_run: PlanRun, step: Any) -> Any:
        said = ask_and_obey(tool, args, plan_run, step)
        args["n"] += 1
        return said

    rig = rig_with(plan_of(NUMBER), before_tool_call=grows)
    record = rig.run()
    assert record.clarifications[0].call is not None
    assert record.clarifications[0].call["args"] == {"n": 2}
    record = rig.answer(record, "yes")
    assert kind_of(record) == "hook_error"
    assert rig.called == []


def test_the_built_in_that_asks_sees_the_args_as_they_are_sent(plan_of: PlanOf) -> None:
    rig = rig_with(plan_of(NUMBER), before_tool_call=[clarify_on_all_tool_calls, changes(n=7)])
    record = rig.run()
    assert '{"n":7}' in record.clarifications[0].user_guidance.replace(" ", "")
    rig.answer(record, "yes")
    assert rig.called == [{"n": 7}]


def test_a_hook_that_asks_is_shown_the_args_that_were_approved(plan_of: PlanOf) -> None:
    """After the answer it sees the very args it saw, although by then they would be rendered otherwise."""
    seen: list[Any] = []

    def asks(tool: Any, args: dict[str, Any], plan_run: PlanRun, step: Any) -> Any:
        seen.append(dict(args))
        return ask_and_obey(tool, args, plan_run, step)

    plan = plan_of("tools: {ring: {}}\nsteps: [{id: a, tool: ring, args: {n: '{{ context.additional_data.n }}'}}]")
    rig = rig_with(plan, before_tool_call=asks)
    record = rig.run(context={"end_user_id": "u", "additional_data": {"n": 1}})
    rig.runner.resolve_clarification(record.clarifications[0], "yes", record)
    rig.resume(record, context={"end_user_id": "u", "additional_data": {"n": 2}})
    assert seen == [{"n": 1}, {"n": 1}]
    assert rig.called == [{"n": 1}]


def test_two_identical_calls_in_one_turn_are_two_approvals(plan_of: PlanOf) -> None:
    rig = rig_with(plan_of(AGENT), before_tool_call=clarify_on_all_tool_calls)
    rig.model = Replies(calls(("ring", '{"n": 1}'), ("ring", '{"n": 1}')), Reply("done"))
    record = rig.run()
    first, second = record.get_outstanding_clarifications()
    assert first.id != second.id
    rig.runner.resolve_clarification(first, "yes", record)
    record = rig.resume(record)
    assert (record.state, rig.called) == ("NEED_CLARIFICATION", [{"n": 1}])
    record = rig.answer(record, "yes")
    assert (record.state, rig.called) == ("COMPLETE", [{"n": 1}] * 2)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("approved", [0, 1])
def test_of_two_parallel_calls_exactly_the_approved_one_runs(
    plan_of: PlanOf, order: tuple[int, int], approved: int
) -> None:
    """Whichever is answered first, and also when the run is carried on between the two answers."""
    rig = rig_with(plan_of(AGENT), before_tool_call=ask_and_obey)
    rig.model = Replies(calls(("ring", '{"n": 0}'), ("ring", '{"n": 1}')), Reply("done"))
    record = rig.run()
    questions = record.get_outstanding_clarifications()
    for place in order:
        rig.runner.resolve_clarification(questions[place], "yes" if place == approved else "no", record)
        record = rig.resume(record)
    assert rig.called == [{"n": approved}]
    assert kind_of(record) == "rejected"


def test_approvals_hold_for_one_hook_each(plan_of: PlanOf) -> None:
    """Two hooks that ask about one call: the yes to the first is none to the second."""
    rig = rig_with(plan_of(NUMBER), before_tool_call=[ask_and_obey, clarify_on_all_tool_calls])
    record = rig.answer(rig.run(), "yes")
    assert (record.state, rig.called) == ("NEED_CLARIFICATION", [])
    record = rig.answer(record, "no")
    assert (kind_of(record), rig.called) == ("rejected", [])


def test_the_view_of_a_hook_holds_no_other_calls_of_its_step(plan_of: PlanOf) -> None:
    seen: dict[int, list[int]] = {0: [], 1: []}

    def looks(tool: Any, args: dict[str, Any], plan_run: PlanRun, step: Any) -> Any:
        own = plan_run.get_clarifications_for_step()
        seen[args["n"]].append(len(own))
        assert all(question.call is not None and question.call["args"] == args for question in own)
        return ask_and_obey(tool, args, plan_run, step)

    rig = rig_with(plan_of(AGENT), before_tool_call=looks)
    rig.model = Replies(calls(("ring", '{"n": 0}'), ("ring", '{"n": 1}')), Reply("done"))
    rig.answer(rig.run(), "yes", "yes")
    assert seen == {0: [0, 1], 1: [0, 1]}


def test_another_user_carries_on_and_is_asked_anew(plan_of: PlanOf) -> None:
    """Also twice: an answer of the new user counts, in the Runner that carries on later."""
    rig = rig_with(plan_of(NUMBER), before_tool_call=ask_and_obey)
    record = rig.run(context={"end_user_id": "ada"})
    old = record.get_outstanding_clarifications()[0]
    record = rig.resume(record, context={"end_user_id": "bob"})
    (new,) = record.get_outstanding_clarifications()
    assert new.id != old.id
    assert rig.called == []
    record = rig.resume(record)
    assert [question.id for question in record.get_outstanding_clarifications()] == [new.id]
    record = rig.answer(record, "yes")
    assert (record.state, rig.called) == ("COMPLETE", [{"n": 1}])


def test_another_user_is_asked_anew_by_every_hook_that_asked(plan_of: PlanOf) -> None:
    """Also by one that has let the call pass already: its yes was the other user's."""
    rig = rig_with(plan_of(NUMBER), before_tool_call=[ask_and_obey, clarify_on_all_tool_calls])
    record = rig.answer(rig.run(context={"end_user_id": "ada"}), "yes")
    record = rig.resume(record, context={"end_user_id": "bob"})
    for _ in range(2):
        assert (record.state, rig.called) == ("NEED_CLARIFICATION", [])
        record = rig.answer(record, "yes")
    assert (record.state, rig.called) == ("COMPLETE", [{"n": 1}])


def test_the_same_user_with_other_data_keeps_approvals(plan_of: PlanOf) -> None:
    rig = rig_with(plan_of(NUMBER), before_tool_call=ask_and_obey)
    record = rig.run(context={"end_user_id": "ada"})
    rig.runner.resolve_clarification(record.clarifications[0], "yes", record)
    record = rig.resume(record, context={"end_user_id": "ada", "additional_data": {"x": 1}})
    assert (record.state, rig.called) == ("COMPLETE", [{"n": 1}])


def test_a_hook_after_a_call_that_asks_does_not_repeat_the_call(plan_of: PlanOf) -> None:
    outputs = []

    def asks(tool: Any, output: Any, plan_run: PlanRun, step: Any) -> Any:
        outputs.append(output)
        return ask_and_obey(tool, {"output": output}, plan_run, step)

    plan = plan_of("tools: {ring: {}}\nsteps: [{id: a, tool: ring, args: {n: 1}}, {id: b, tool: ring, args: {n: 2}}]")
    rig = rig_with(plan, after_tool_call=asks)
    record = rig.answer(rig.run(), "yes")
    assert rig.called == [{"n": 1}, {"n": 2}]
    record = rig.answer(record, "no")
    assert outputs == [1, 1, 2, 2]
    assert rig.called == [{"n": 1}, {"n": 2}]
    assert record.state == "FAILED"


def test_a_hook_after_a_call_in_an_agent_is_asked_before_the_model_goes_on(plan_of: PlanOf) -> None:
    rig = rig_with(plan_of(AGENT), after_tool_call=ask_and_obey_output)
    rig.model = Replies(calls(("ring", '{"n": 1}')), calls(("ring", '{"n": 2}')), Reply("done"))
    record = rig.run()
    assert rig.called == [{"n": 1}]
    record = rig.answer(record, "yes")
    assert rig.called == [{"n": 1}, {"n": 2}]
    assert rig.answer(record, "yes").state == "COMPLETE"
    assert rig.called == [{"n": 1}, {"n": 2}]


def ask_and_obey_output(tool: Any, output: Any, plan_run: PlanRun, step: Any) -> Any:
    return ask_and_obey(tool, {"output": output}, plan_run, step)


def test_a_hook_before_calls_asks_for_more_than_a_yes(plan_of: PlanOf) -> None:
    """It may ask several times; the answers stand in its view, newest last."""

    def asks(_tool: Any, _args: Any, plan_run: PlanRun, _step: Any) -> Any:
        asked = plan_run.get_clarifications_for_step()
        if len(asked) < 2:
            return InputClarification(plan_run_id=plan_run.id, user_guidance=f"Question {len(asked)}?")
        assert [question.response for question in asked] == ["one", "two"]
        return None

    rig = rig_with(plan_of(NUMBER), before_tool_call=asks)
    record = rig.answer(rig.run(), "one")
    assert rig.called == []
    assert rig.answer(record, "two").state == "COMPLETE"


def test_a_hook_that_never_stops_asking_fails_the_call(plan_of: PlanOf) -> None:
    from planrunner import ClarificationHandler, ExecutionHooks

    class Yes(ClarificationHandler):
        def handle_user_verification_clarification(self, clarification: Any, on_resolution: Any, on_error: Any) -> None:
            on_resolution(clarification, True)

    rig = Rig(plan_of(NUMBER))
    rig.hooks = ExecutionHooks(before_tool_call=verify, clarification_handler=Yes())
    record = rig.run()
    assert kind_of(record) == "hook_error"
    assert "again and again" in str(record.error)
    assert rig.called == []


class _Odd(CustomClarification):
    shape: str = "odd"


def _odd(what: Any) -> Any:
    return lambda *_: what


@pytest.mark.parametrize(
    "what",
    [
        False,
        "no",
        [UserVerificationClarification(plan_run_id="x", user_guidance="?")],
        _Odd(plan_run_id="x", user_guidance="?"),
        CustomClarification(plan_run_id="x", user_guidance="?", data={"x": object()}),
        CustomClarification(plan_run_id="x", user_guidance="?", data="\ud800"),
        Clarification(plan_run_id="x", user_guidance="?", category="Multiple Choice"),  # type: ignore[arg-type]
    ],
    ids=["False", "text", "list", "own field", "object", "surrogate", "no options"],
)
@pytest.mark.parametrize("point", ["before_tool_call", "after_tool_call"])
def test_what_a_tool_hook_can_not_return_fails_the_step(plan_of: PlanOf, point: str, what: Any) -> None:
    """A guard that says something nobody understands must not pass for one that says nothing."""
    rig = rig_with(plan_of(NUMBER), **{point: _odd(what)})
    record = rig.run()
    assert kind_of(record) in ("hook_error", "schema_error")
    assert len(rig.called) == (point == "after_tool_call")


def test_what_a_step_hook_can_not_return_fails_the_step(plan_of: PlanOf) -> None:
    rig = rig_with(
        plan_of(NUMBER), before_step_execution=_odd(UserVerificationClarification(plan_run_id="x", user_guidance="?"))
    )
    record = rig.run()
    assert kind_of(record) == "hook_error"
    assert "BeforeStepExecutionOutcome" in str(record.error)
    assert rig.called == []


@pytest.mark.parametrize(
    "error",
    [TimeoutError("of its own"), StopIteration(), SystemExit(3), asyncio.CancelledError(), ToolSoftError("again"),
     RunCancelledError("not for hooks"), RecursionError(), KeyError("\ud800")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
@pytest.mark.parametrize("point", ["before_plan_run", "before_step_execution", "before_tool_call", "after_tool_call",
                                   "after_step_execution", "after_plan_run"])  # fmt: skip
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_hook_that_raises_anything_never_leaves_a_run_unsettled(
    plan_of: PlanOf, point: str, error: BaseException, asynchronous: bool
) -> None:
    if asynchronous and isinstance(error, StopIteration):
        pytest.skip("no coroutine can raise StopIteration")

    def hook(*_: Any) -> None:
        raise error

    async def ahook(*_: Any) -> None:
        raise error

    rig = rig_with(plan_of(NUMBER), **{point: ahook if asynchronous else hook})
    record = rig.run()
    assert record.state == ("COMPLETE" if point == "after_plan_run" else "FAILED")
    assert kind_of(record) == (None if point == "after_plan_run" else "hook_error")
    assert rig.runner.runs.get(record.id).state == record.state
    fired = [event.body for event in rig.runner.runs.events(record.id) if event.kind == HOOK_FIRED]
    assert sum(body["outcome"] == "failed" for body in fired) == 1


def test_async_hooks_are_awaited_and_others_leave_the_loop_free(plan_of: PlanOf) -> None:
    import threading

    threads = []

    async def waits(*_: Any) -> None:
        await asyncio.sleep(0)
        threads.append(threading.current_thread())

    class Object:
        async def __call__(self, *_: Any) -> None:
            await asyncio.sleep(0)
            threads.append(None)

    rig = rig_with(
        plan_of(NUMBER), before_tool_call=[waits, lambda *_: threads.append(threading.current_thread()), Object()]
    )
    loop_thread = threading.current_thread()
    assert rig.run().state == "COMPLETE"
    assert threads[0] is loop_thread or threads[0] is not threads[1]
    assert threads[2] is None
    assert len(threads) == 3


def test_hooks_of_a_failed_call_and_a_waiting_one_fire_once(plan_of: PlanOf) -> None:
    """Waiting wins over failing; the hook that failed meanwhile is not fired again when the run is carried on."""
    fired: list[int] = []

    def hook(tool: Any, args: dict[str, Any], plan_run: PlanRun, step: Any) -> Any:
        fired.append(args["n"])
        if args["n"] == 0:
            raise ValueError("boom")
        return ask_and_obey(tool, args, plan_run, step)

    rig = rig_with(plan_of(AGENT), before_tool_call=hook)
    rig.model = Replies(calls(("ring", '{"n": 0}'), ("ring", '{"n": 1}')), Reply("done"))
    record = rig.answer(rig.run(), "yes")
    assert sorted(fired) == [0, 1, 1]  # the calls of one turn run side by side
    assert rig.called == [{"n": 1}]
    assert kind_of(record) == "hook_error"


def test_a_step_hook_that_failed_beside_a_waiting_step_fires_once(plan_of: PlanOf) -> None:
    fired: list[str] = []

    def fails(plan: Any, plan_run: PlanRun, step: Any, output: Any) -> None:
        fired.append(f"{step.id}={output.value}")
        if step.id == "b":
            raise ValueError("boom")

    plan = plan_of("""
        steps:
          - {id: a, clarify: {type: input, guidance: What?}}
          - {id: b, needs: [], set: 1}
    """)
    rig = rig_with(plan, after_step_execution=fails)
    record = rig.run()
    assert record.state == "NEED_CLARIFICATION"
    record = rig.answer(record, "x")
    assert fired == ["b=1", "a=x"]
    assert kind_of(record) == "hook_error"


def test_hooks_keep_their_numbers_whatever_stands_in_other_lists(plan_of: PlanOf) -> None:
    """A run begun without hooks of the Runner is carried on by one that has some: the plan's approval still counts."""
    plan = plan_of("""
        tools: {ring: {}}
        hooks: {before_tool_call: [{use: clarify_on_tool_calls, with: {tools: [ring]}}]}
        steps: [{id: a, tool: ring, args: {n: 1}}]
    """)
    rig = Rig(plan)
    recorders, rig.hooks = rig.hooks, type(rig.hooks)()
    record = rig.run()
    rig.hooks = recorders
    record = rig.answer(record, "yes")
    assert len(record.clarifications) == 1
    assert (record.state, rig.called) == ("COMPLETE", [{"n": 1}])


def test_what_hooks_are_given_is_their_own(plan_of: PlanOf) -> None:
    """Output, step and args may be scribbled on: only `args` before a call reaches the run."""

    def scribbles(plan: Any, plan_run: PlanRun, step: Any, output: Any = None) -> None:
        if output is not None:
            output.value["n"] = "scribbled"
        if isinstance(step.value, dict):
            step.value["n"] = "scribbled"

    def scribbles_after(tool: Any, output: Any, plan_run: PlanRun, step: Any) -> None:
        output["n"] = "scribbled"
        step.options["args"]["n"] = "scribbled"

    plan = plan_of("""
        tools: {ring: {}}
        steps:
          - {id: a, set: {n: 1}}
          - {id: b, tool: ring, args: {n: "{{ steps.a.output.n }}"}}
    """)
    rig = rig_with(
        plan, before_step_execution=scribbles, after_step_execution=scribbles, after_tool_call=scribbles_after
    )
    rig.deeds["tool(b)"] = lambda *_: {"n": 5}
    record = rig.run()
    assert record.step_outputs["$a"].value == {"n": 1}
    assert record.step_outputs["$b"].value == {"n": 5}
    assert plan.steps[0].value == {"n": 1}


def test_a_step_hook_sees_the_task_as_the_model_does(plan_of: PlanOf) -> None:
    plan = plan_of("inputs: {who: {type: string}}\nsteps: [{id: a, task: 'Greet {{ inputs.who }}.'}, {id: b, set: 1}]")
    tasks = []
    rig = rig_with(
        plan, before_step_execution=lambda _p, _r, step: tasks.append((step.task, step.tool_id, step.output))
    )
    rig.model = Replies(Reply("Hi"))
    rig.run(inputs={"who": "{{ 7*7 }}"})
    assert tasks == [("Greet {{ 7*7 }}.", None, "$a"), ("b", None, "$b")]


def test_the_output_after_an_error_is_its_message(plan_of: PlanOf) -> None:
    told = []
    rig = rig_with(
        plan_of(TWO),
        after_step_execution=lambda _p, _r, _s, output: told.append(output.value),
        after_plan_run=lambda _p, plan_run, output: told.append((plan_run.state, output.value)),
    )
    rig.deeds["tool(a)"] = raises(ToolHardError("broken"))
    rig.run()
    assert told == ["broken", ("FAILED", "broken")]


def test_after_plan_run_sees_the_settled_run_also_when_its_output_is_null(plan_of: PlanOf) -> None:
    told = []
    rig = rig_with(
        plan_of("steps: [{id: a, set: null}]"),
        after_plan_run=lambda _p, plan_run, output: told.append((plan_run.state, output.value, plan_run.final_output)),
    )
    record = rig.run()
    assert [(state, value) for state, value, _ in told] == [("COMPLETE", None)]
    assert told[0][2].value is None
    assert record.state == "COMPLETE"


def test_every_firing_is_an_event(plan_of: PlanOf) -> None:
    rig = Rig(plan_of(NUMBER))
    record = rig.run()
    fired = [event for event in rig.runner.runs.events(record.id) if event.kind == HOOK_FIRED]
    assert [event.body["point"] for event in fired] == [
        "before_plan_run", "before_step_execution", "before_tool_call", "after_tool_call", "after_step_execution",
        "after_plan_run",
    ]  # fmt: skip
    assert all(event.body["outcome"] == "passed" for event in fired)
    assert fired[2].body["args"] == {"n": 1}
