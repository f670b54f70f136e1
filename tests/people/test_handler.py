"""The clarification handler: who answers while the run goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from planrunner import ClarificationHandler, ExecutionHooks, PlanRun
from planrunner.clarification_handler import ClarificationHandler as Handler
from tests.conftest import PlanOf
from tests.hooks.rig import Rig, kind_of
from tests.people.test_questions import SIX, asking

ASK = """
    steps:
      - {id: a, clarify: {type: multiple_choice, guidance: Which?, options: [red, blue]}}
      - {id: b, set: "{{ steps.a.output }}"}
"""


class Choice(ClarificationHandler):
    """Answers multiple choices with what `say` does."""

    def __init__(self, say: Callable[[Any, Any, Any], Any]) -> None:
        self.say = say
        self.asked: list[str] = []

    def handle_multiple_choice_clarification(self, clarification: Any, on_resolution: Any, on_error: Any) -> Any:
        self.asked.append(clarification.user_guidance)
        return self.say(clarification, on_resolution, on_error)


def run(plan_of: PlanOf, handler: Handler, plan: str = ASK) -> tuple[PlanRun, Rig]:
    rig = Rig(plan_of(plan))
    rig.hooks = ExecutionHooks(clarification_handler=handler)
    return rig.run(), rig


def test_an_answer_is_taken_while_the_run_goes_on(plan_of: PlanOf) -> None:
    record, _ = run(plan_of, Choice(lambda question, done, _: done(question, "red")))
    assert (record.state, record.final_output.value) == ("COMPLETE", "red")
    assert record.clarifications[0].response == "red"


def test_a_handler_may_be_async(plan_of: PlanOf) -> None:
    class Async(ClarificationHandler):
        async def handle_multiple_choice_clarification(
            self, clarification: Any, on_resolution: Any, on_error: Any
        ) -> None:
            await asyncio.sleep(0)
            on_resolution(clarification, "blue")

    assert run(plan_of, Async())[0].final_output.value == "blue"


def test_an_answer_may_come_from_another_thread(plan_of: PlanOf) -> None:
    def say(question: Any, done: Any, _: Any) -> None:
        thread = threading.Thread(target=done, args=(question, "red"))
        thread.start()
        thread.join()

    assert run(plan_of, Choice(say))[0].state == "COMPLETE"


def test_a_sync_handler_does_not_stand_in_the_event_loop(plan_of: PlanOf) -> None:
    idents = []
    record, _ = run(plan_of, Choice(lambda q, done, _: (idents.append(threading.current_thread()), done(q, "red"))))
    assert record.state == "COMPLETE"
    assert all(thread.daemon for thread in idents), "a handler that waits for ever must not keep the process alive"


@pytest.mark.parametrize(
    "say",
    [lambda question, _, failed: failed(question, "the person is gone"), lambda *_: {}["the person is gone"]],
    ids=["on_error", "raises"],
)
def test_an_error_fails_the_step(plan_of: PlanOf, say: Any) -> None:
    record, rig = run(plan_of, Choice(say))
    assert kind_of(record) == "hook_error"
    assert "the person is gone" in str(record.error)
    assert record.get_outstanding_clarifications() == []
    assert rig.runner.runs.get(record.id).state == "FAILED"


def test_an_error_told_by_an_exception_object(plan_of: PlanOf) -> None:
    record, _ = run(plan_of, Choice(lambda question, _, failed: failed(question, OSError("line is dead"))))
    assert "line is dead" in str(record.error)


def test_what_is_left_open_waits_and_is_answered_later(plan_of: PlanOf) -> None:
    handler = Choice(lambda *_: None)
    record, rig = run(plan_of, handler)
    assert record.state == "NEED_CLARIFICATION"
    assert handler.asked == ["Which?"]
    assert rig.answer(record, "blue").state == "COMPLETE"


def test_a_kind_without_a_method_is_left_open(plan_of: PlanOf) -> None:
    assert run(plan_of, ClarificationHandler())[0].state == "NEED_CLARIFICATION"


def test_a_refused_answer_is_asked_for_again_three_times(plan_of: PlanOf) -> None:
    answers = iter(["green", "pink", "red"])
    handler = Choice(lambda question, done, _: done(question, next(answers)))
    record, _ = run(plan_of, handler)
    assert (record.state, len(handler.asked)) == ("COMPLETE", 3)
    handler = Choice(lambda question, done, _: done(question, "green"))
    record, rig = run(plan_of, handler)
    assert (record.state, len(handler.asked)) == ("NEED_CLARIFICATION", 3)
    assert rig.runner.runs.get(record.id).clarifications[0].response is None


def test_the_first_word_of_a_handler_counts(plan_of: PlanOf) -> None:
    def says_both(question: Any, done: Any, failed: Any) -> None:
        done(question, "red")
        failed(question, "too late")
        done(question, "blue")

    assert run(plan_of, Choice(says_both))[0].final_output.value == "red"


def test_a_question_is_on_record_before_anybody_is_asked(plan_of: PlanOf) -> None:
    """Looked up before the event loop has had another turn in which it might be written."""
    seen: list[str] = []

    class Looks(ClarificationHandler):
        async def handle_multiple_choice_clarification(self, clarification: Any, on_resolution: Any, _: Any) -> None:
            stored = await rig.runner._journals["memory"].load(clarification.plan_run_id)
            seen.append(stored.events[-1].kind)
            on_resolution(clarification, "red")

    rig = Rig(plan_of(ASK))
    rig.hooks = ExecutionHooks(clarification_handler=Looks())
    assert rig.run().state == "COMPLETE"
    assert seen == ["clarification_raised"]


def test_all_questions_of_a_tool_are_put_also_when_one_is_left_open(plan_of: PlanOf) -> None:
    rig, _ = asking(plan_of, SIX[1][0], SIX[3][0])
    handler = Choice(lambda question, done, _: done(question, "a"))  # inputs are left open
    rig.hooks = ExecutionHooks(clarification_handler=handler)
    record = rig.run()
    assert [question.resolved for question in record.clarifications] == [False, True]
    assert handler.asked == ["Which?"]
    assert rig.answer(record, "red").state == "COMPLETE"


def test_a_handler_is_asked_one_question_at_a_time(plan_of: PlanOf) -> None:
    now: list[str] = []

    def say(question: Any, done: Any, _: Any) -> None:
        now.append(question.user_guidance)
        assert len(now) == 1
        now.clear()
        done(question, question.options[0])

    steps = ", ".join(
        f"{{id: s{n}, needs: [], clarify: {{type: multiple_choice, guidance: q{n}, options: [1]}}}}" for n in range(4)
    )
    record, _ = run(plan_of, Choice(say), f"steps: [{steps}]")
    assert record.state == "COMPLETE"


def test_six_methods_for_six_kinds() -> None:
    methods = [name for name in vars(ClarificationHandler) if name.startswith("handle_")]
    assert methods == [
        "handle_action_clarification", "handle_input_clarification", "handle_multiple_choice_clarification",
        "handle_value_confirmation_clarification", "handle_user_verification_clarification",
        "handle_custom_clarification",
    ]  # fmt: skip
