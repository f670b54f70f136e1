"""Which JSON Schemas a provider takes in its strict mode, in which the model can't but keep to them, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_TYPED: Final = frozenset(("type", "enum", "const", "anyOf"))
_KNOWN: Final = _TYPED | {"properties", "required", "additionalProperties", "items", "description", "title"}
_TYPES: Final = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def is_strict(schema: Any) -> bool:
    """Whether the schema keeps to what OpenAI's strict mode takes: closed objects, every property required, and none of
    the words that it has no grammar for. Any other schema is sent too, and the answer checked by us alone.
    """
    if not isinstance(schema, Mapping) or not schema.keys() <= _KNOWN or not schema.keys() & _TYPED:
        return False
    properties = schema.get("properties", {})
    if schema.get("type") == "object" or properties:
        closed = schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(properties)
        if not closed:
            return False
    inner = [*properties.values(), *schema.get("anyOf", ())]
    if schema.get("type") == "array" or "items" in schema:
        inner.append(schema.get("items"))
    return all(map(is_strict, inner))


def typed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a strict schema in which every `enum` and `const` has its `type` beside it: strict mode wants one."""
    copy = dict(schema)
    if "properties" in schema:
        copy["properties"] = {name: typed(inner) for name, inner in schema["properties"].items()}
    if "anyOf" in schema:
        copy["anyOf"] = [typed(inner) for inner in schema["anyOf"]]
    if "items" in schema:
        copy["items"] = typed(schema["items"])
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    types = list(dict.fromkeys(_TYPES.get(type(value), "") for value in values))
    if types and "type" not in schema and "" not in types:
        copy["type"] = types[0] if len(types) == 1 else types
    return copy
