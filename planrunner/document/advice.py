"""What to do about a wrong key or value: the ends of the messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from planrunner.document.hints import HINTS
from planrunner.document.later import not_yet, now
from planrunner.document.tree import MapNode, Node, ScalarNode, text_of
from planrunner.document.words import MAX_SHOWN, listed
from planrunner.registry import suggest

FREE: Final = "^x-"
"""The pattern of keys that are free everywhere."""

_TRUTH: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}

_MAPS = (
    "args inputs context additional_data models agents tools hooks defaults output returns agent clarify set with match"
)
_TAKES_A_MAP: Final = frozenset(_MAPS.split())

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
    outer = _empty_above(key, node)
    if outer is not None:
        return f": indent it under {outer!r}, which is empty"
    foreign = HINTS.get(kind, {}).get(key)
    if foreign is not None:
        return f": {foreign}{not_yet(foreign, kind)}"
    names = list(known)
    near = suggest(key, names)
    if near is None:
        return f": known here are {listed(now(names, kind), 'and')}, and keys that begin with x-"
    meant = f"; {near!r} stands here already" if near in node.entries else f"; did you mean {near!r}?"
    return meant + not_yet(meant, kind)


def _empty_above(key: str, node: MapNode) -> str | None:
    """The key above this one that takes a map and has nothing: most likely the map's keys lack their indent."""
    above: str | None = None
    for name, entry in node.entries.items():
        if name == key:
            return above
        if name in _TAKES_A_MAP:
            value = entry.value
            above = name if isinstance(value, ScalarNode) and value.value is None and not value.text else None
    return None


def rewritten(node: Node, types: str | list[str]) -> str:
    """How a text would be written where a list, or true or false, is wanted."""
    text = text_of(node)
    if "boolean" in types and text is not None and text.lower() in _TRUTH:
        return f"; write {_TRUTH[text.lower()]}"
    if "array" in types and text and len(text) <= MAX_SHOWN and "\n" not in text:
        return f"; write [{text}]"
    return ""


def as_name(text: str, schema: Schema) -> str:
    """How a wrong name would be written right."""
    allowed = [schema["pattern"]] if "pattern" in schema else list(schema.get("patternProperties", {}))
    for separator in "_-":
        name = re.sub(r"[^a-z0-9]+", separator, text.lower()).strip(separator)
        if name and any(pattern != FREE and pattern_of(pattern).search(name) for pattern in allowed):
            return f"; write {name!r}"
    return ""
