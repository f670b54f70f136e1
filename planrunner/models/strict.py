"""Which JSON Schemas a provider takes in its strict mode, in which the model can't but keep to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_TYPED: Final = frozenset(("type", "enum", "const", "anyOf"))
_KNOWN: Final = _TYPED | {"properties", "required", "additionalProperties", "items", "description", "title"}


def is_strict(schema: Any) -> bool:
    """Whether the schema keeps to what OpenAI's strict mode takes: closed objects, every property required, and none of
    the words that it has no grammar for. Any other schema is sent too, and the answer checked by us alone.
    """
    if (
        not isinstance(schema, Mapping)
        or not schema.keys() <= _KNOWN
        or not schema.keys() & {"type", "enum", "const", "anyOf"}
    ):
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
