"""Questions as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from planrunner.clarification import (
    ActionClarification,
    AnyClarification,
    CustomClarification,
    InputClarification,
    MultipleChoiceClarification,
    UserVerificationClarification,
    ValueConfirmationClarification,
)
from planrunner.render import questions
from planrunner.render.words import Style

PLAIN = Style()
_ASKED = {"plan_run_id": "prun-1", "id": "clar-1", "path": "ask", "source": "step", "user_guidance": "Well?"}


@pytest.mark.parametrize(
    ("question", "lines", "terms"),
    [
        (UserVerificationClarification(**_ASKED), [], "takes yes or no"),
        (ValueConfirmationClarification(**_ASKED, value=[1]), ["value: [1]"], "takes yes or no"),
        (MultipleChoiceClarification(**_ASKED, options=["a", 2]), [], "takes one of: a, 2"),
        (InputClarification(**_ASKED), [], "takes a text"),
        (
            ActionClarification(**_ASKED, action_url="https://a.b"),
            ["at: https://a.b"],
            "takes complete, once it is done",
        ),
        (CustomClarification(**_ASKED, name="fax", data={"a": "ö"}), ["name: fax", 'data: {"a": "ö"}'], "takes a text"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind(question: AnyClarification, lines: list[str], terms: str) -> None:
    assert list(questions.body(question)) == ["Well?", *lines]
    assert questions.terms(question) == terms


def test_until_when() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (
        questions.terms(InputClarification(**_ASKED, expires_at=moment))
        == "takes a text, until 2026-01-02 03:04:05 UTC"
    )


@pytest.mark.parametrize(
    ("fields", "user", "heading"),
    [
        ({}, None, "ask asks the end user"),
        ({}, "u1", "ask asks the end user u1"),
        ({"to": {"role": "finance"}}, "u1", "ask asks finance"),
        ({"source": "hook"}, None, "ask asks the end user (hook)"),
        ({"source": None, "path": None}, None, "- asks the end user (unknown source)"),
    ],
)
def test_who_asks_whom(fields: dict[str, object], user: str | None, heading: str) -> None:
    question = InputClarification(**{**_ASKED, **fields})
    assert questions.heading(question, user, PLAIN) == heading


def test_an_approval_shows_the_whole_call() -> None:
    args = {"to": "x" * 5000}
    call = {"tool": "pay", "args": args, "key": "ask!tool:0", "digest": "0"}
    question = UserVerificationClarification(**{**_ASKED, "source": "hook"}, call=call)
    assert list(questions.body(question))[1] == f'call: pay {{"to": "{"x" * 5000}"}}'


def test_what_became_of_it() -> None:
    assert questions.outcome(InputClarification(**_ASKED)) == "open"
    assert questions.outcome(InputClarification(**_ASKED, resolved=True)) == "closed without an answer"
    assert questions.outcome(InputClarification(**_ASKED, resolved=True, response=["a"])) == 'answered: ["a"]'


def test_nothing_of_it_steers_the_terminal() -> None:
    hostile = "x\x1b[2J\r\u202e"
    fields = {**_ASKED, "user_guidance": f"a\n{hostile}", "path": hostile, "source": hostile, "to": {"role": hostile}}
    call = {"tool": hostile, "args": {hostile: hostile}}
    for question in (
        MultipleChoiceClarification(**fields, options=[hostile, [hostile]], call=call),
        CustomClarification(**fields, name=hostile, data=hostile, answer_schema={"const": hostile}),
        ActionClarification(**fields, action_url=hostile),
        InputClarification(**fields, resolved=True, response=hostile),
    ):
        text = "\n".join([questions.terms(question), *questions.told(question, hostile, PLAIN)])
        assert not set("\x1b\r\u202e") & set(text)
        assert "    a\n    x\\x1b[2J\\r\\u202e" in text
