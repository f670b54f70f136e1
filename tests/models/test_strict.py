"""Schemas for a provider's strict mode: which are taken, and in which form they are sent."""

from __future__ import annotations

from typing import Any

import pytest

from planrunner.json_schema import short_form
from planrunner.models.strict import is_strict, typed
from tests.models.asking import Ask, request
from tests.servers.openai_server import OpenAIServer, text

STRICT: list[dict[str, Any]] = [
    {"type": "string", "description": "Words."},
    {"enum": ["a", "b"]},
    {"type": ["string", "null"]},
    {"type": "array", "items": {"type": "number"}},
    {"anyOf": [{"type": "string"}, {"const": 3}]},
    short_form({"verdict": {"enum": ["a", "b"]}, "amounts": {"type": "array", "items": {"type": "integer"}}}),
]
LOOSE: list[Any] = [
    True,
    {},
    {"type": "string", "pattern": "^a"},
    {"type": "number", "minimum": 0},
    {"type": "object"},
    {"type": "array"},
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": False},
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    {"$ref": "#/$defs/x"},
    short_form({"a": {}}),
]


@pytest.mark.parametrize("schema", STRICT, ids=str)
def test_strict_ones(schema: dict[str, Any]) -> None:
    assert is_strict(schema)


@pytest.mark.parametrize("schema", LOOSE, ids=str)
def test_others(schema: Any) -> None:
    assert not is_strict(schema)


def test_every_value_has_its_type_beside_it() -> None:
    listed = {"type": "array", "items": {"anyOf": [{"enum": [1, 2]}, {"type": "string"}]}}
    schema = short_form({"a": {"enum": ["x"]}, "b": {"enum": ["x", 1, None]}, "c": {"const": True}, "d": listed})
    told = typed(schema)["properties"]
    assert told["a"]["type"] == "string"
    assert told["b"]["type"] == ["string", "integer", "null"]
    assert told["c"]["type"] == "boolean"
    assert told["d"]["items"]["anyOf"] == [{"enum": [1, 2], "type": "integer"}, {"type": "string"}]
    assert "type" not in schema["properties"]["a"]


@pytest.mark.parametrize("strict", [True, False])
def test_what_is_sent(ask: Ask, strict: bool) -> None:
    schema = short_form({"a": {"enum": ["x"]}, **({} if strict else {"b": {"type": "string", "minLength": 1}})})
    with OpenAIServer([text('{"a": "x"}')]) as server:
        ask(request(server, "openai/gpt-4o-mini", schema=schema))
    told = server.requests[0].body["response_format"]["json_schema"]
    assert told == {"name": "answer", "schema": typed(schema) if strict else dict(schema), "strict": strict}
