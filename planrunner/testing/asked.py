"""Questions of a run in the words of test files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from planrunner import scripted_answers
from planrunner.run_state import QuestionState
from planrunner.scripted import names_of
from planrunner.steps.clarify import CATEGORIES

TYPES: Final = tuple(CATEGORIES)
"""The kinds of questions, as plans and test files call them."""

_TYPE_OF: Final = {category: type_ for type_, category in CATEGORIES.items()}


def told(question: QuestionState) -> dict[str, Any]:
    """`{path, type, guidance, to, source, answer}`, and what questions of its kind have besides."""
    body = question.body
    call = body.get("call")
    own: dict[str, Any] = {key: body[key] for key in ("options", "value", "action_url", "data") if key in body}
    return {
        "path": question.path,
        "type": _TYPE_OF[body["category"]],
        "guidance": body["user_guidance"],
        "to": body.get("to", "end_user"),
        "source": body.get("source"),
        **own,
        **({"tool": call["tool"], "args": call["args"]} if call else {}),
        "answer": question.response,
    }


def name(asked: dict[str, Any]) -> str:
    """By what `answers` means it: the path of the step, or STEP/TOOL."""
    return next(_names(asked))


def is_meant(name_: str | None, asked: dict[str, Any]) -> bool:
    """Whether a name of `answers` means this question."""
    return any(name_ == known for known in _names(asked))


def is_of(path: str | None, asked: dict[str, Any]) -> bool:
    """Whether the step of this path asks, with or without item and round."""
    return any(path == known for known in names_of(asked["path"]))


def _names(asked: dict[str, Any]) -> Iterator[str]:
    return scripted_answers.names({"path": asked["path"], "call": asked if "tool" in asked else None})
