"""Which answers a question takes. A question is plain data here: the fields of a Clarification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from planrunner.errors import AnswerError, SchemaError
from planrunner.json_schema import compile_schema
from planrunner.jsonsafe import dumps, loads, to_json_safe

ACTION: Final = "Action"
INPUT: Final = "Input"
MULTIPLE_CHOICE: Final = "Multiple Choice"
VALUE_CONFIRMATION: Final = "Value Confirmation"
USER_VERIFICATION: Final = "User Verification"
CUSTOM: Final = "Custom"

_YES: Final = frozenset(("y", "yes", "true"))
_NO: Final = frozenset(("n", "no", "false"))
_DONE: Final = frozenset(("complete", "completed", "done"))
COMPLETE: Final = "complete"
"""The answer to an action that was carried out."""
_AS_JSON: Final = {"object": "a JSON object", "array": "a JSON list"}
"""Type → what a person is to type, where a plain word will not do."""


def checked_answer(question: Mapping[str, Any], answer: Any) -> Any:
    """The answer as it is recorded. AnswerError says what the question takes; the question then stays open."""
    try:
        safe = to_json_safe(answer, "the answer")
    except SchemaError as error:
        raise AnswerError(str(error)) from None
    category = question["category"]
    if category in (VALUE_CONFIRMATION, USER_VERIFICATION):
        return _yes_or_no(safe)
    if category == MULTIPLE_CHOICE:
        return _option(question["options"], safe)
    if category == ACTION:
        return _done(safe)
    return _value(question.get("answer_schema"), safe)


def answer_of_text(question: Mapping[str, Any], text: str) -> Any:
    """What a person means who typed this: the option of that name, JSON where no text is asked for, else the text."""
    if question["category"] == MULTIPLE_CHOICE:
        named = (option for option in question["options"] if text in (option, dumps(option)))
        return next(named, text)
    schema = question.get("answer_schema")
    if schema is None or compile_schema(schema).valid(text):
        return text
    try:
        return loads(text)
    except ValueError:
        return text


def takes(question: Mapping[str, Any]) -> str:
    """In a few words, what may be answered."""
    category = question["category"]
    if category in (VALUE_CONFIRMATION, USER_VERIFICATION):
        return "yes or no"
    if category == MULTIPLE_CHOICE:
        return "one of: " + ", ".join(map(_shown, question["options"]))
    if category == ACTION:
        return f"{COMPLETE}, once it is done"
    schema = question.get("answer_schema")
    if schema is None:
        return "a text"
    return f"{_AS_JSON.get(str(schema.get('type')), 'a value')} that meets {dumps(schema)}"


def _yes_or_no(answer: Any) -> str:
    word = str(answer).strip().lower()
    if word in _YES:
        return "yes"
    if word in _NO:
        return "no"
    raise AnswerError(f"expected yes or no, and got {_shown(answer)}")


def _option(options: list[Any], answer: Any) -> Any:
    for option in options:
        if type(option) is type(answer) and option == answer:
            return option
    raise AnswerError(f"{_shown(answer)} was not offered; expected one of: {', '.join(map(_shown, options))}")


def _done(answer: Any) -> str:
    if str(answer).strip().lower() in _DONE | _YES:
        return COMPLETE
    raise AnswerError(f"expected {COMPLETE} once the action is done, and got {_shown(answer)}")


def _value(schema: Mapping[str, Any] | None, answer: Any) -> Any:
    if schema is None:
        return answer
    problems = compile_schema(schema).problems(answer)
    if problems:
        raise AnswerError("the answer does not fit: " + "; ".join(map(str, problems)))
    return answer


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value)
