"""What to do about a wrong key or value: the ends of the messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from planrunner.document.hints import HINTS
from planrunner.document.tree import MapNode, Node, text_of
from planrunner.document.words import MAX_SHOWN, listed
from planrunner.registry import suggest

FREE: Final = "^x-"
"""The pattern of keys that are free everywhere."""

Schema = Mapping[str, Any]


@cache
def pattern_of(text: str) -> re.Pattern[str]:
    return re.compile(text[:-1] + r"\Z" if text.endswith("$") else text)


def meant(key: str, missing: str, schema: Schema, kind: str) -> bool:
    """Whether an unknown key is the missing one, misspelt: then it is told once."""
    if len(schema.get("properties", ())) == 1:
        return True
    return suggest(key, [missing]) is not None or f"'{missing}'" in HINTS.get(kind, {}).get(key, "")


def advice(key: str, known: Iterable[str], node: MapNode, kind: str) -> str:
    foreign = HINTS.get(kind, {}).get(key)
    if foreign is not None:
        return f": {foreign}"
    names = list(known)
    near = suggest(key, names)
    if near is None:
        return f": known here are {listed(names, 'and')}, and keys that begin with x-"
    return f"; {near!r} stands here already" if near in node.entries else f"; did you mean {near!r}?"


def in_brackets(node: Node) -> str:
    """How a single value would be written as a list."""
    text = text_of(node)
    return f"; write [{text}]" if text and len(text) <= MAX_SHOWN and "\n" not in text else ""


def as_name(text: str, schema: Schema) -> str:
    """How a wrong name would be written right."""
    allowed = [schema["pattern"]] if "pattern" in schema else list(schema.get("patternProperties", {}))
    for separator in "_-":
        name = re.sub(r"[^a-z0-9]+", separator, text.lower()).strip(separator)
        if name and any(pattern != FREE and pattern_of(pattern).search(name) for pattern in allowed):
            return f"; write {name!r}"
    return ""
