"""The verb `clarify`: asks a person. Its output is the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planrunner import answers
from planrunner.errors import RejectedError, SchemaError
from planrunner.json_schema import short_form
from planrunner.jsonsafe import dumps
from planrunner.plan import MISSING
from planrunner.steps.base import Scope, StepKind
from planrunner.times import seconds

_TEXT = {"type": "string", "x-place": "template"}
_OF_ANY = {
    "type": {
        "enum": ["input", "multiple_choice", "value_confirmation", "user_verification", "action", "custom"],
        "x-decides": True,
        "description": "The kind of question.",
    },
    "guidance": {"$ref": "#/$defs/prompt", "description": "What the person is told."},
    "to": {
        "type": ["string", "object"],
        "if": {"type": "string"},
        "then": {"enum": ["end_user"]},
        "else": {
            "type": "object",
            "properties": {"role": {"type": "string", "description": "A label for handlers and inboxes."}},
            "patternProperties": {"^x-": True},
            "additionalProperties": False,
            "required": ["role"],
        },
        "x-expected": "end_user or {role: NAME}",
        "description": "Who is asked: end_user (the default) or {role: NAME}.",
    },
    "timeout": {"$ref": "#/$defs/duration", "description": "How long the question stays open. Without it: for ever."},
    "on_timeout": {
        "type": ["string", "object"],
        "if": {"type": "string"},
        "then": {"enum": ["fail"]},
        "else": {
            "type": "object",
            "properties": {"answer": {"description": "The answer that counts when nobody gives one."}},
            "patternProperties": {"^x-": True},
            "additionalProperties": False,
            "required": ["answer"],
        },
        "x-expected": "fail or {answer: …}",
        "description": "What happens when the time is over: fail (the default) or {answer: …}.",
    },
}
_ONLY_FAIL = {
    "on_timeout": {
        "enum": ["fail"],
        "x-expected": "fail (nobody confirms in silence)",
        "description": "Nobody confirms in silence: this can only fail.",
    }
}


def _question(own: dict[str, Any], *required: str) -> dict[str, Any]:
    """The shape of one kind of question: what all have, and its own keys."""
    return {
        "type": "object",
        "properties": {**_OF_ANY, **own},
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
        "required": ["type", "guidance", *required],
    }


_QUESTIONS = {
    "multiple_choice": _question(
        {
            "options": {
                "type": ["array", "string"],
                "minItems": 1,
                "x-place": "template",
                "description": "What may be chosen: a list, or a template that gives one.",
            }
        },
        "options",
    ),
    "value_confirmation": _question(
        {"value": {"x-place": "template", "description": "The value to be confirmed."}, **_ONLY_FAIL}, "value"
    ),
    "user_verification": _question(_ONLY_FAIL),
    "action": _question(
        {
            "action_url": {**_TEXT, "description": "Where the person does what is asked."},
            "require_confirmation": {"type": "boolean", "description": "Whether the person must say that it is done."},
        },
        "action_url",
    ),
    "custom": _question(
        {
            "data": {"x-place": "template", "description": "Anything, for a channel of one's own."},
            "schema": {"$ref": "#/$defs/json_schema", "description": "JSON Schema of the answer."},
        }
    ),
}
_INPUT: dict[str, Any] = {
    "if": {"type": "object", "required": ["fields"]},
    "then": _question({"fields": {"$ref": "#/$defs/short_form", "description": "A form: name → JSON Schema."}}),
    "else": _question({"schema": {"$ref": "#/$defs/json_schema", "description": "JSON Schema of the one value."}}),
}
_SCHEMA: dict[str, Any] = _INPUT
for _type, _shape in _QUESTIONS.items():
    _IS_IT = {"type": "object", "required": ["type"], "properties": {"type": {"const": _type}}}
    _SCHEMA = {"if": _IS_IT, "then": _shape, "else": _SCHEMA}
_SCHEMA = {"type": "object", "x-kind": "clarify", "description": "Asks a person. The output is the answer.", **_SCHEMA}

CATEGORIES = {
    "input": answers.INPUT,
    "multiple_choice": answers.MULTIPLE_CHOICE,
    "value_confirmation": answers.VALUE_CONFIRMATION,
    "user_verification": answers.USER_VERIFICATION,
    "action": answers.ACTION,
    "custom": answers.CUSTOM,
}
"""`type` in the file → category of the Clarification."""

_YES_OR_NO = (answers.VALUE_CONFIRMATION, answers.USER_VERIFICATION)


async def run(scope: Scope) -> Any:
    """The answer; `true` for a verification, a confirmation or an action. RejectedError when the person says no."""
    asked: Mapping[str, Any] = scope.step.value
    category = CATEGORIES[asked["type"]]
    question = {
        "category": category,
        "user_guidance": scope.render_text(asked["guidance"]),
        "to": asked.get("to", "end_user"),
        "source": "step",
        **_own(scope, category, asked),
    }
    if "timeout" in asked:
        question["timeout"] = seconds(asked["timeout"])
    on_timeout = asked.get("on_timeout", "fail")
    answer = await scope.ask("ask", question, MISSING if on_timeout == "fail" else on_timeout["answer"])
    if category in _YES_OR_NO:
        if answer == "no":
            raise RejectedError(f"the answer to {question['user_guidance']!r} was no")
        return True
    return True if category == answers.ACTION else answer


def _own(scope: Scope, category: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What this kind of question has of its own."""
    name = scope.step.id
    if category == answers.USER_VERIFICATION:
        return {}
    if category == answers.MULTIPLE_CHOICE:
        return {"argument_name": name, "options": _options(scope, asked)}
    if category == answers.VALUE_CONFIRMATION:
        return {"argument_name": name, "value": scope.render(asked["value"])}
    if category == answers.ACTION:
        url = scope.render_text(asked["action_url"])
        return {"action_url": url, "require_confirmation": asked.get("require_confirmation", False)}
    if category == answers.CUSTOM:
        return {"name": name, "data": scope.render(asked.get("data")), "answer_schema": asked.get("schema")}
    schema = short_form(asked["fields"]) if "fields" in asked else asked.get("schema")
    return {"argument_name": name, "answer_schema": schema}


def _options(scope: Scope, asked: Mapping[str, Any]) -> list[Any]:
    options = scope.render(asked["options"])
    if not isinstance(options, list) or not options:
        raise SchemaError(
            f"the options of {scope.path} must be a list with at least one entry, and are {dumps(options)}"
        )
    return options


KIND = StepKind(verb="clarify", schema=_SCHEMA, run=run)
