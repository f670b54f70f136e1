"""Answers with a shape: reading what a model wrote as a value that meets `returns`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planrunner.errors import SchemaError
from planrunner.json_schema import compile_schema
from planrunner.jsonsafe import dumps, to_json_safe


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read. `problems` is empty when `value` meets the schema."""

    value: Any
    problems: tuple[str, ...] = ()


def read_answer(text: str, schema: Mapping[str, Any] | None) -> Answer:
    """The text itself without a schema; with one, the JSON value in it. A fence around the JSON is let pass."""
    if schema is None:
        return Answer(text)
    try:
        value = to_json_safe(json.loads(_without_fence(text)))
    except (ValueError, RecursionError, SchemaError) as error:
        return Answer(None, (f"it is not JSON: {error}",))
    return Answer(value, tuple(str(problem) for problem in compile_schema(schema).problems(value)))


def as_text(value: Any) -> str:
    """A tool's result as a model reads it: a string as it is, every other value as JSON."""
    return value if isinstance(value, str) else dumps(value)


def _without_fence(text: str) -> str:
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        return stripped[stripped.index("\n") : -3]
    return stripped
