"""What a plan itself says of the value at a path, so that a field that is not there is surely a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planrunner.registry import load
from planrunner.tools.builtin import BUILTIN


def steps_of(node: Any) -> Iterator[dict[str, Any]]:
    """Every step of a plan, by a walk over all that stands in it."""
    if isinstance(node, dict):
        if isinstance(node.get("id"), str):
            yield node
        for value in node.values():
            yield from steps_of(value)
    elif isinstance(node, list):
        for item in node:
            yield from steps_of(item)


def schema_of(data: Any, path: tuple[str, ...]) -> Any:
    """What is told of the place that a path leads to; None: nothing."""
    if path[0] == "inputs":
        schema, rest = _short(data.get("inputs", {})), path[1:]
    elif path[:2] == ("context", "additional_data"):
        schema, rest = _short((data.get("context") or {}).get("additional_data"), path[2:3]), path[2:]
    elif path[0] == "steps" and path[2:3] == ("output",):
        step = next((each for each in steps_of([data["steps"], data.get("finally")]) if each["id"] == path[1]), {})
        schema, rest = output_of(data, step), path[3:]
    else:
        return None
    for name in rest:
        known = schema.get("properties", {}) if isinstance(schema, dict) else {}
        schema = known.get(name)
    return schema


def is_closed(schema: Any) -> bool:
    """Whether no other fields can come."""
    return isinstance(schema, dict) and schema.get("additionalProperties") is False


def output_of(data: Any, step: dict[str, Any]) -> Any:
    """The output of a step; of one in a loop, or whose error is handled, no field is told of."""
    asked = step.get("clarify", {})
    if "foreach" in step or "on_error" in step:
        return None
    if "returns" in step or "fields" in asked:
        return _short(step.get("returns") or asked.get("fields"))
    if asked.get("type") == "multiple_choice" and isinstance(asked["options"], list):
        return {"enum": [*asked["options"], *([asked["on_timeout"]["answer"]] if "on_timeout" in asked else [])]}
    if isinstance(step.get("set"), dict):
        return _short({name: {} for name in step["set"]})
    if "steps" in step:
        return _short({each["id"]: output_of(data, each) for each in step["steps"]})
    if "tool" in step:
        entry = data.get("tools", {}).get(step["tool"]) or {}
        if "output_schema" in entry:
            return entry["output_schema"]
        known = step["tool"] in BUILTIN and "use" not in entry
        return load(BUILTIN[step["tool"]]).output_schema if known else None
    return None


def _short(fields: Any, also: tuple[str, ...] = ()) -> Any:
    """The schema that a short form stands for."""
    if not isinstance(fields, dict):
        return None
    known = {name: schema for name, schema in fields.items() if not str(name).startswith("x-")}
    return {"properties": known, "additionalProperties": bool(also) and also[0] not in known}
