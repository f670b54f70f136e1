"""Answers of a script, in place of people."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from planrunner.errors import NotScriptedError
from planrunner.events import Event
from planrunner.plan import MISSING
from planrunner.run_state import QuestionState
from planrunner.scripted import Lines, names_of
from planrunner.scripted_answers import ScriptedAnswers


def question(path: str = "decide", number: int = 0, tool: str | None = None, **more: Any) -> dict[str, Any]:
    call = None if tool is None else {"tool": tool, "args": {}}
    asked = {"category": "Multiple Choice", "user_guidance": "Which?", "options": ["a", "b"]}
    return {"id": f"clar-{path}-{number}", "path": path, "call": call, **asked, **more}


def on_record(body: dict[str, Any], by: str | None = None, open_: bool = False) -> QuestionState:
    state = QuestionState(Event("clarification_raised", f"{body['path']}!ask", 0.0, body))
    state.resolved, state.by = not open_, by
    return state


def said(answers: ScriptedAnswers, *questions: dict[str, Any]) -> list[Any]:
    async def ask() -> list[Any]:
        return [await answers(each) for each in questions]

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("triage", ["triage"]),
        ("looks[3]", ["looks[3]", "looks"]),
        ("looks[3](2)", ["looks[3](2)", "looks[3]", "looks"]),
        ("a[1]/b(2)", ["a[1]/b(2)", "a[1]/b", "a/b"]),
        ("a(1)/b/c[12]/d", ["a(1)/b/c[12]/d", "a(1)/b/c/d", "a/b/c/d"]),
        ("odd]", ["odd]"]),
        ("looks[x]", ["looks[x]"]),
    ],
)
def test_names_of_a_step(path: str, names: list[str]) -> None:
    assert list(names_of(path)) == names


def test_lines_of_one_name() -> None:
    lines = Lines({"a": 1, "b": [2, 3]})
    assert [lines.name(names) for names in (["x", "b"], ["a"], ["x"])] == ["b", "a", None]
    assert [lines.take("a"), lines.take("a"), lines.take("b", lambda line: line > 2)] == [1, 1, 3]
    assert [lines.upcoming("a"), lines.upcoming("b"), lines.used("b"), lines.used("a")] == [1, 2, 1, 0]
    assert [lines.take("b"), lines.take("b"), lines.upcoming("b"), lines.is_used_up("b")] == [2, MISSING, MISSING, True]
    assert list(lines) == ["a", "b"]


def test_one_answer_serves_every_asking_and_a_list_each_in_turn() -> None:
    answers = ScriptedAnswers({"decide": "a", "looks/ask": ["b", "a"], "pay/refund": "yes"})
    asked = [
        question(),
        question(number=1),
        question("looks[0]/ask"),
        question("looks[1]/ask"),
        question("looks[2]/ask"),
    ]
    assert said(answers, *asked) == ["a", "a", "b", "a", MISSING]
    assert said(answers, question("pay", tool="refund"), question("pay")) == ["yes", MISSING]


def test_nobody_answers_a_question_however_often_it_is_put() -> None:
    answers = ScriptedAnswers({"decide": [{"never": True}, "b"]})
    asked = [question(), question(), question(number=1), question()]
    assert said(answers, *asked) == [MISSING, MISSING, "b", MISSING]


def test_a_map_that_is_more_than_never_is_an_answer() -> None:
    assert said(ScriptedAnswers({"decide": {"never": True, "a": 1}}), question()) == [{"never": True, "a": 1}]


def test_what_is_on_record_is_used_up() -> None:
    script = {"decide": ["a", {"never": True}, "b"]}
    record = [on_record(question()), on_record(question(number=1), by="timeout")]
    assert said(ScriptedAnswers(script, None, record), question(number=2)) == ["b"]
    record = [on_record(question()), on_record(question(number=1), open_=True)]
    assert said(ScriptedAnswers(script, None, record), question(number=1), question(number=2)) == [MISSING, "b"]
    record = [on_record(question(), open_=True)]  # a process died before it could be answered
    assert said(ScriptedAnswers(script, None, record), question()) == ["a"]


def test_a_refused_answer_is_not_given_again() -> None:
    refused = question(refusal="'c' was not offered")
    assert said(ScriptedAnswers({"decide": "c"}), question(), refused) == ["c", MISSING]
    assert said(ScriptedAnswers({"decide": ["c", "a"]}), question(), refused) == ["c", "a"]


def test_others_are_asked_what_the_script_does_not_know() -> None:
    async def person(asked: Any) -> str:
        return f"a person on {asked['path']}"

    answers = ScriptedAnswers({"decide": ["a"]}, person)
    assert said(answers, question("other"), question(), question(number=1)) == ["a person on other", "a", MISSING]


@pytest.mark.parametrize(
    ("script", "asked", "told"),
    [
        (
            {"decied": "a"},
            question(),
            "decide asks 'Which?', which takes one of: a, b, and no answer is scripted; did you mean 'decied'? Add "
            "under `answers`:\n  decide: THE ANSWER    # or {never: true}: nobody answers",
        ),
        (
            {"pay": "a"},
            question("pay[2]", tool="crm.refund"),
            "pay[2]/crm.refund asks 'Which?', which takes one of: a, b, and no answer is scripted. Add under "
            "`answers`:\n  pay[2]/crm.refund: THE ANSWER    # or {never: true}: nobody answers",
        ),
        (
            {"decide": []},
            question(),
            "decide asks 'Which?', which takes one of: a, b, and no answer is left. Add under `answers`:\n"
            "  decide: THE ANSWER    # or {never: true}: nobody answers",
        ),
        (
            {"decide": "c"},
            question(refusal="c was not offered"),
            "decide asks 'Which?', which takes one of: a, b. The answer under `answers`, decide, is refused: c was not "
            "offered",
        ),
    ],
)
def test_under_a_strict_script_a_lack_says_what_to_add(script: Any, asked: Any, told: str) -> None:
    with pytest.raises(NotScriptedError) as caught:
        said(ScriptedAnswers(script, strict=True), asked)
    assert str(caught.value) == told
