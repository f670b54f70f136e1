"""The words with which the tables of the language are written down as JSON Schema."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

NAME = r"^[a-z][a-z0-9_]*$"


def ref(name: str, description: str = "") -> Schema:
    """A shape that stands in `$defs`."""
    return {"$ref": f"#/$defs/{name}", **({"description": description} if description else {})}


def closed(properties: Schema, *required: str, **more: Any) -> Schema:
    """A map with these keys and `x-…` only."""
    shape: Schema = {
        "type": "object",
        "properties": properties,
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
    }
    if required:
        shape["required"] = list(required)
    return {**shape, **more}


def named(value: Schema, description: str) -> Schema:
    """A map from names of the plan's own to this shape."""
    return {
        "type": "object",
        "patternProperties": {NAME: value, "^x-": True},
        "additionalProperties": False,
        "x-names": "a name (small letters, digits and _, a letter first)",
        "description": description,
    }


def text(description: str, **more: Any) -> Schema:
    """Any text."""
    return {"type": "string", "description": description, **more}


def texts(description: str, **more: Any) -> Schema:
    """A list of texts."""
    return {"type": "array", "items": {"type": "string"}, "description": description, **more}


def count(description: str) -> Schema:
    """A whole number from 1."""
    return {"type": "integer", "minimum": 1, "description": description}


def one_or_more(description: str, expected: str) -> Schema:
    """A text, or a list of texts."""
    return {
        "type": ["string", "array"],
        "if": {"type": "array"},
        "then": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
        "else": {"type": "string", "minLength": 1},
        "x-expected": expected,
        "description": description,
    }
