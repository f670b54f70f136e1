"""The verb `clarify`."""

from __future__ import annotations

from typing import Any

from planrunner.steps.base import StepKind

_TEXT = {"type": "string", "x-place": "template"}
_OF_ANY = {
    "type": {
        "enum": ["input", "multiple_choice", "value_confirmation", "user_verification", "action", "custom"],
        "x-decides": True,
        "description": "The kind of question.",
    },
    "guidance": {"$ref": "#/$defs/prompt", "description": "What the person is told."},
    "to": {
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
_ONLY_FAIL = {"on_timeout": {"enum": ["fail"], "description": "Nobody confirms in silence: this can only fail."}}


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
    "if": {"required": ["fields"]},
    "then": _question({"fields": {"$ref": "#/$defs/short_form", "description": "A form: name → JSON Schema."}}),
    "else": _question({"schema": {"$ref": "#/$defs/json_schema", "description": "JSON Schema of the one value."}}),
}
_SCHEMA: dict[str, Any] = _INPUT
for _type, _shape in _QUESTIONS.items():
    _SCHEMA = {"if": {"required": ["type"], "properties": {"type": {"const": _type}}}, "then": _shape, "else": _SCHEMA}
_SCHEMA = {"type": "object", "description": "Asks a person. The output is the answer.", **_SCHEMA}

KIND = StepKind(
    verb="clarify",
    schema=_SCHEMA,
)
