"""Questions that tools ask, answers that are refused, and what the record keeps of both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from planrunner import (
    ActionClarification,
    AnswerError,
    Clarification,
    CustomClarification,
    ExecutionHooks,
    InputClarification,
    InvalidPlanRunStateError,
    MultipleChoiceClarification,
    PlanRun,
    PlanRunNotFoundError,
    ReadOnlyPlanRun,
    Runner,
    ToolRunContext,
    UserVerificationClarification,
    ValueConfirmationClarification,
)
from planrunner.journal.base import Lease
from planrunner.journal.memory import MemoryJournal
from planrunner.tools.base import ReadyResponse
from tests.conftest import PlanOf
from tests.hooks.rig import Rig, Ring, kind_of

ONE = "tools: {ring: {}}\nsteps: [{id: a, tool: ring, args: {n: 1}}]"

SIX: list[tuple[Clarification, Any, Any]] = [
    (ActionClarification(plan_run_id="x", user_guidance="Sign in", action_url="https://e.org"), "done", "complete"),
    (InputClarification(plan_run_id="x", user_guidance="Colour?", argument_name="colour"), "red", "red"),
    (
        InputClarification(plan_run_id="x", user_guidance="How many?", answer_schema={"type": "integer"}),
        3,
        3,
    ),
    (MultipleChoiceClarification(plan_run_id="x", user_guidance="Which?", options=["a", 1, None]), 1, 1),
    (ValueConfirmationClarification(plan_run_id="x", user_guidance="Right?", value={"n": 1}), True, "yes"),
    (UserVerificationClarification(plan_run_id="x", user_guidance="Really?"), "N", "no"),
    (CustomClarification(plan_run_id="x", user_guidance="Hm?", name="chat", data=[1]), {"any": 1}, {"any": 1}),
]
REFUSED = ["later", float("nan"), "no such option", "x", "maybe", 1, "\ud800"]


class Asks(Ring):
    """Asks these questions, and when they are answered gives the answers back."""

    questions: list[Any]
    alone = False
    keys: list[str]

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self._rig.called.append(args)
        self.keys.append(ctx.idempotency_key)
        answered = ctx.clarifications
        if len(answered) < len(self.questions):
            return self.questions[len(answered)] if self.alone else self.questions
        return [(type(question).__name__, question.response) for question in answered]


def asking(plan_of: PlanOf, *questions: Any, alone: bool = False, plan: str = ONE) -> tuple[Rig, Asks]:
    rig = Rig(plan_of(plan))
    rig.hooks = ExecutionHooks()
    tool = Asks(rig)
    tool.questions, tool.alone, tool.keys = list(questions), alone, []
    rig.tools = [tool]
    return rig, tool


@pytest.mark.parametrize(
    ("question", "answer", "stored", "refused"),
    [(*row, refused) for row, refused in zip(SIX, REFUSED, strict=True)],
    ids=lambda value: type(value).__name__ if isinstance(value, Clarification) else None,
)
def test_each_kind_is_asked_checked_answered_and_read_again(
    plan_of: PlanOf, question: Clarification, answer: Any, stored: Any, refused: Any
) -> None:
    """A wrong answer changes nothing; a record reloads as the class it was."""
    rig, tool = asking(plan_of, question)
    record = rig.run()
    (asked,) = record.get_outstanding_clarifications()
    assert type(asked) is type(question)
    assert (asked.plan_run_id, asked.step, asked.path, asked.source) == (record.id, 0, "a", "tool")
    with pytest.raises(AnswerError):
        rig.runner.resolve_clarification(asked, refused, record)
    assert rig.runner.runs.get(record.id).state == "NEED_CLARIFICATION"
    ready = rig.runner.resolve_clarification(asked, answer, record)
    assert ready.state == "READY_TO_RESUME"
    assert ready.get_outstanding_clarifications() == []
    record = rig.resume(record)
    assert record.final_output is not None
    assert record.final_output.value == [[type(question).__name__, stored]]
    again = PlanRun.model_validate_json(record.model_dump_json())
    assert again == record
    (kept,) = again.clarifications
    assert type(kept) is type(question)
    assert kept.model_dump(exclude={"id", "plan_run_id", "step", "path", "source", "response", "resolved"}) == (
        question.model_dump(exclude={"id", "plan_run_id", "step", "path", "source", "response", "resolved"})
    )
    assert set(tool.keys) == {f"{record.id}/a!tool:0"}


def test_user_confirmed_is_a_bool() -> None:
    for kind in (ValueConfirmationClarification, UserVerificationClarification):
        for response, confirmed in (("yes", True), ("no", False), (None, False)):
            assert kind(plan_run_id="x", user_guidance="?", response=response).user_confirmed is confirmed


@pytest.mark.parametrize("word", ["y", "YES", "true", True, "Yes "])
def test_words_for_yes(plan_of: PlanOf, word: Any) -> None:
    assert _said(plan_of, word) == "yes"


@pytest.mark.parametrize("word", ["n", "No", "FALSE", False])
def test_words_for_no(plan_of: PlanOf, word: Any) -> None:
    assert _said(plan_of, word) == "no"


@pytest.mark.parametrize("word", ["", "ok", "yes please", 1, 0, None, ["yes"], {"yes": True}])
def test_everything_else_is_refused(plan_of: PlanOf, word: Any) -> None:
    with pytest.raises(AnswerError, match="yes or no"):
        _said(plan_of, word)


def _said(plan_of: PlanOf, word: Any) -> Any:
    rig, _ = asking(plan_of, UserVerificationClarification(plan_run_id="x", user_guidance="?"))
    record = rig.run()
    return rig.runner.resolve_clarification(record.clarifications[0], word, record).clarifications[0].response


def test_a_tool_that_asks_two_things_is_called_once_both_are_answered(plan_of: PlanOf) -> None:
    """And not while one is open: what it would be told is not there yet."""
    rig, _ = asking(plan_of, SIX[1][0], SIX[5][0])
    record = rig.run()
    first, second = record.get_outstanding_clarifications()
    assert len(rig.called) == 1
    rig.runner.resolve_clarification(second, "y", record)
    record = rig.resume(record)
    assert (record.state, len(rig.called)) == ("NEED_CLARIFICATION", 1)
    record = rig.resume(record)
    assert [question.id for question in record.get_outstanding_clarifications()] == [first.id]
    record = rig.answer(record, "red")
    assert record.final_output is not None
    assert record.final_output.value == [["InputClarification", "red"], ["UserVerificationClarification", "yes"]]
    assert len(rig.called) == 2
    assert record.usage.tool_calls == 1


def test_a_tool_may_ask_one_thing_after_the_other(plan_of: PlanOf) -> None:
    rig, _ = asking(plan_of, SIX[1][0], SIX[5][0], alone=True)
    record = rig.answer(rig.run(), "red")
    assert record.state == "NEED_CLARIFICATION"
    assert rig.answer(record, "no").state == "COMPLETE"
    assert len(rig.called) == 3


def test_a_tool_that_asks_what_can_not_be_recorded_fails(plan_of: PlanOf) -> None:
    rig, _ = asking(plan_of, CustomClarification(plan_run_id="x", user_guidance="?", data=object()))
    assert kind_of(rig.run()) == "schema_error"


def test_a_list_with_more_than_questions_is_no_question(plan_of: PlanOf) -> None:
    rig, tool = asking(plan_of, SIX[1][0])
    tool.questions = [SIX[1][0], "and a value"]
    assert kind_of(rig.run()) == "schema_error"


def test_a_question_that_a_tool_gives_an_end_expires(plan_of: PlanOf) -> None:
    soon = datetime.now(UTC) - timedelta(seconds=1)
    rig, _ = asking(plan_of, InputClarification(plan_run_id="x", user_guidance="?", expires_at=soon))
    record = rig.run()
    assert kind_of(rig.resume(record) if record.state == "NEED_CLARIFICATION" else record) == "timeout"


def test_one_answer_each(plan_of: PlanOf) -> None:
    rig, _ = asking(plan_of, SIX[1][0])
    record = rig.run()
    (question,) = record.clarifications
    rig.runner.resolve_clarification(question, "red", record, by="ada")
    with pytest.raises(InvalidPlanRunStateError, match="red"):
        rig.runner.resolve_clarification(question, "blue", record)
    record = rig.resume(record)
    with pytest.raises(InvalidPlanRunStateError):
        rig.runner.resolve_clarification(question, "blue", record)
    with pytest.raises(InvalidPlanRunStateError, match="clar-none"):
        rig.runner.resolve_clarification("clar-none", "blue", record)
    with pytest.raises(PlanRunNotFoundError):
        rig.runner.resolve_clarification(question, "blue", "prun-none")
    answered = [e for e in rig.runner.runs.events(record.id) if e.kind == "clarification_answered"]
    assert [(event.body["response"], event.body["by"]) for event in answered] == [("red", "ada")]


def test_questions_of_a_run_that_ends_otherwise_are_withdrawn(plan_of: PlanOf) -> None:
    rig, _ = asking(plan_of, SIX[1][0])
    record = rig.run()
    ended = rig.runner.cancel(record)
    assert (ended.state, kind_of(ended)) == ("FAILED", "cancelled")
    assert ended.get_outstanding_clarifications() == []
    with pytest.raises(InvalidPlanRunStateError, match="ended without it"):
        rig.runner.resolve_clarification(record.clarifications[0], "red", record)


def test_a_run_whose_carrier_ends_it_while_it_is_being_cancelled(
    plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The carrier, another process, has heard of it before this one asks for the run."""
    rig, _ = asking(plan_of, SIX[1][0])
    record = rig.run()
    claim = MemoryJournal.claim

    async def other_first(journal: MemoryJournal, run_id: str, *, failed: bool = False) -> Lease:
        monkeypatch.setattr(MemoryJournal, "claim", claim)
        await rig.runner.aresume(run_id)
        return await claim(journal, run_id, failed=failed)

    monkeypatch.setattr(MemoryJournal, "claim", other_first)
    ended = rig.runner.cancel(record)
    assert (ended.state, kind_of(ended)) == ("FAILED", "cancelled")


def test_raising_a_question_twice_is_raising_it_once(plan_of: PlanOf) -> None:
    rig, _ = asking(plan_of, SIX[1][0])
    record = rig.run()
    for _ in range(3):
        again = rig.resume(record)
        assert again.clarifications == record.clarifications
    assert len(rig.called) == 1


def test_sign_ins_of_another_user_are_asked_anew(plan_of: PlanOf) -> None:
    """A tool's open action belongs to the user who was asked; a question of the plan does not."""
    rig, _ = asking(
        plan_of,
        SIX[0][0],
        plan=(
            "tools: {ring: {}}\nsteps:\n  - {id: a, tool: ring}\n"
            "  - {id: b, needs: [], clarify: {type: action, guidance: Go there, action_url: 'https://e.org'}}"
        ),
    )
    record = rig.run(context={"end_user_id": "ada"})
    sign_in, step = record.get_outstanding_clarifications()
    record = rig.resume(record, context={"end_user_id": "bob"})
    asked = {question.path: question for question in record.get_outstanding_clarifications()}
    assert asked["b"].id == step.id
    assert asked["a"].id != sign_in.id
    assert rig.answer(record, *("done" for _ in asked)).state == "COMPLETE"


def test_ready_questions_are_asked_together_and_again(plan_of: PlanOf) -> None:
    ready = {"ring": False, "bell": False}

    class NotReady(Ring):
        def ready(self, ctx: ToolRunContext) -> ReadyResponse:
            if ready[self.id]:
                return ReadyResponse(True)
            return ReadyResponse(False, ActionClarification(
                plan_run_id=ctx.run_id, user_guidance=f"Plug {self.id} in", action_url="https://e.org"))  # fmt: skip

    class Bell(NotReady):
        id = "bell"

    rig = Rig(plan_of("tools: {ring: {}, bell: {}}\nsteps: [{id: a, tool: ring}, {id: b, tool: bell}]"))
    rig.tools = [NotReady(rig), Bell(rig)]
    record = rig.run()
    assert [q.user_guidance for q in record.get_outstanding_clarifications()] == ["Plug ring in", "Plug bell in"]
    ready["ring"] = True
    record = rig.resume(record)
    assert [q.user_guidance for q in record.get_outstanding_clarifications()] == ["Plug bell in"]
    assert record.clarifications[0].response == "complete"
    assert rig.log == ["before_plan_run", "resume"]
    ready["bell"] = True
    record = rig.resume(record)
    assert record.state == "COMPLETE"
    assert rig.log[3] == "before_step(a)"


def _everything(value: Any) -> list[tuple[Any, str]]:
    """Every list, mapping and model in a value, and how it may be changed."""
    found: list[tuple[Any, str]] = []
    if isinstance(value, list):
        found.append((value, "list"))
        children: list[Any] = list(value)
    elif isinstance(value, dict):
        found.append((value, "dict"))
        children = list(value.values())
    elif hasattr(type(value), "model_fields"):
        found.append((value, "model"))
        children = list(value.__dict__.values())
    else:
        children = []
    return found + [deep for child in children for deep in _everything(child)]


CHANGES: dict[str, list[Any]] = {
    "list": [
        lambda v: v.append(1), lambda v: v.extend([1]), lambda v: v.insert(0, 1), lambda v: v.clear(),
        lambda v: v.sort(), lambda v: v.reverse(), lambda v: v.pop(), lambda v: v.remove(1),
        lambda v: v.__setitem__(slice(0, 0), [1]), lambda v: v.__delitem__(slice(0, 9)), lambda v: v.__iadd__([1]),
        lambda v: v.__imul__(2),
    ],
    "dict": [
        lambda v: v.update(x=1), lambda v: v.setdefault("x", 1), lambda v: v.clear(), lambda v: v.popitem(),
        lambda v: v.pop("x"), lambda v: v.__setitem__("x", 1), lambda v: v.__delitem__("x"),
        lambda v: v.__ior__({"x": 1}),
    ],
    "model": [
        lambda v: setattr(v, next(iter(type(v).model_fields)), 1),
        lambda v: delattr(v, next(iter(type(v).model_fields))),
    ],
}  # fmt: skip


def test_the_view_of_a_hook_can_not_be_changed_at_any_depth(plan_of: PlanOf) -> None:
    seen: list[Any] = []
    rig, _ = asking(
        plan_of,
        CustomClarification(plan_run_id="x", user_guidance="?", data={"deep": [{"er": 1}]}),
        plan="""
            tools: {ring: {}}
            inputs: {order: {type: object}}
            steps: [{id: a, tool: ring, args: {n: 1}}, {id: b, set: {x: [{y: 1}]}}, {id: c, set: 1}]
        """,
    )
    rig.hooks = ExecutionHooks(
        before_step_execution=lambda _p, plan_run, step: seen.append(plan_run) if step.id == "c" else None
    )
    context = {"end_user_id": "u", "additional_data": {"deep": [{"er": 1}]}}
    record = rig.run(inputs={"order": {"lines": [{"n": 1}]}}, context=context)
    record = rig.answer(record, 1)
    assert record.state == "COMPLETE"
    (view,) = seen
    assert isinstance(view, ReadOnlyPlanRun)
    assert view.current_step_index == 2
    before = view.model_dump_json()
    parts = _everything(view._get())
    assert {kind for _, kind in parts} == {"list", "dict", "model"}
    assert len(parts) > 30
    for part, kind in parts:
        for change in CHANGES[kind]:
            with pytest.raises((TypeError, ValueError)):
                change(part)
    with pytest.raises((TypeError, ValueError)):
        view.state = "FAILED"
    assert view.model_dump_json() == before
    own = view.model_copy(deep=True)
    own.inputs["order"]["lines"].append(2)
    assert view.model_dump_json() == before


def test_freezing_makes_no_class_per_value() -> None:
    """It would cost a hook more than everything else together."""
    record = Runner(store="memory").run(_many_steps())
    kinds = {type(step) for _ in range(3) for step in ReadOnlyPlanRun.from_plan_run(record).steps}
    assert len(kinds) == 1


def _many_steps() -> Any:
    from planrunner.document.load import load_document

    text = "planrunner: 1\nname: many\nsteps: [{id: a, set: 1}, {id: b, set: 2}]\n"
    return load_document(text.encode(), "many.yml", path=None, root=".").plan
