"""What to do about a wrong key or value: the ends of the messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from planrunner.document.hints import EVERY, HINTS, TYPES
from planrunner.document.later import not_yet, now
from planrunner.document.tree import MapNode, Node, ScalarNode, text_of
from planrunner.document.words import MAX_SHOWN, listed
from planrunner.registry import hint, suggest

FREE: Final = "^x-"
"""The pattern of keys that are free everywhere."""

_TRUTH: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}

_MAPS = (
    "args inputs context additional_data models agents tools hooks defaults output returns agent clarify set with match"
)
_TAKES_A_MAP: Final = frozenset(_MAPS.split())

_JSON_TYPES: Final = ("string", "integer", "number", "boolean", "array", "object", "null")

_HOOKED: Final = ("plan_run", "step_execution", "tool_call")
_FORMS: Final = {
    f"'{key}'": form
    for key, form in {
        "clarify": "{type: user_verification, guidance: …}",
        "exit": "{state: COMPLETE}, or {state: FAILED, message: …}",
        "agents": "{NAME: {instructions: …}}",
        "models": "{NAME: {model: …}}",
        "context": "{additional_data: {NAME: {type: string}}}",
        "on_error": "[{output: …}]",
        **{f"{when}_{what}": "[{use: …}]" for when in ("before", "after") for what in _HOOKED},
    }.items()
}
"""Keys whose values have a form that is easily told."""
_TOLD_AS_LISTS: Final = ("'steps'", "'finally'", "'switch'")

Schema = Mapping[str, Any]


@cache
def pattern_of(text: str) -> re.Pattern[str]:
    return re.compile(text[:-1] + r"\Z" if text.endswith("$") else text)


def meant(key: str, missing: str, schema: Schema, kind: str) -> bool:
    """Whether an unknown key is the missing one, misspelt: then it is told once."""
    if len(schema.get("properties", ())) == 1:
        return True
    return suggest(key, [missing]) is not None or f"'{missing}'" in (foreign_word(key, kind) or "")


def advice(key: str, known: Iterable[str], node: MapNode, kind: str) -> str:
    if "\xa0" in key:
        return ": no-break spaces stand in it, which YAML takes for letters: write plain spaces"
    outer = _empty_above(key, node)
    if outer is not None:
        return f": indent it under {outer!r}, which is empty"
    foreign = foreign_word(key, kind)
    if foreign is not None:
        return f": {foreign}{not_yet(foreign, kind)}"
    names = list(known)
    near = suggest(key, names)
    if near is None:
        more = "; arguments of the tool stand under 'args'" if kind == "step" and "tool" in node.entries else ""
        return f": known here are {listed(now(names, kind), 'and')}, and keys that begin with x-{more}"
    if near in node.entries:
        return f"; {near!r} stands here already: leave this one out"
    return f"; did you mean {near!r}?{not_yet(repr(near), kind)}"


def foreign_word(key: str, kind: str) -> str | None:
    """What a key of another tool is called here, however that tool writes its words: `runIf`, `run-if`, `run_if`."""
    hints = HINTS.get(kind, {})
    return hints.get(key) or hints.get(in_snake_case(key))


def in_snake_case(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|-", "_", key).lower()


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


def rewritten(node: Node, types: str | list[str], what: str) -> str:
    """How a text would be written where a list, a schema, or true or false, is wanted; `what` it is the value of."""
    text = text_of(node)
    if what in _FORMS:
        return f"; write {_FORMS[what]}"
    if types == "array" and isinstance(node, MapNode) and node.entries and what not in _TOLD_AS_LISTS:
        return "; each item of a list begins with '- '"
    if _is_schema(types) and text is not None:
        type_ = TYPES.get(text.lower(), text.lower())
        if what == "'type'":
            return (
                "; a schema stands under each name here: leave 'type' and 'properties' out, and write the names alone"
            )
        items = re.fullmatch(r"(?:list|array)\W(\w+)\W", text.lower())
        if items:
            return f"; write {{type: array, items: {{type: {TYPES.get(items[1], items[1])}}}}}"
        return f"; write {{type: {type_}}}" if type_ in _JSON_TYPES else ""
    if "boolean" in types and text is not None and text.lower() in _TRUTH:
        return f"; write {_TRUTH[text.lower()]}"
    if ("number" in types or "integer" in types) and text and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text):
        return f"; write {text} without quotes"
    if "array" in types and text and len(text) <= MAX_SHOWN and "\n" not in text:
        return "; write it without quotes" if text.startswith("[") else f"; write [{text}]"
    if "object" in types and text and re.match(r"[a-z_]+:\S", text):
        return "; a space is missing after the ':'"
    return ""


def value_meant(value: str, known: Iterable[Any], what: str) -> str:
    """What a value that is not one of those known was meant to be."""
    if value in EVERY and what == "an entry of 'match'":
        return "; leave 'match' out for every kind that need not be named"
    return hint(value, known)


def _is_schema(types: str | list[str]) -> bool:
    return types == ["object", "boolean"]


def as_name(text: str, schema: Schema) -> str:
    """How a wrong name would be written right."""
    allowed = [schema["pattern"]] if "pattern" in schema else list(schema.get("patternProperties", {}))
    text = re.sub(r"^(?:agents|steps|tools)\.", "", text)
    for separator in "_-":
        name = re.sub(r"[^a-z0-9]+", separator, text.lower()).strip(separator)
        if name and any(pattern != FREE and pattern_of(pattern).search(name) for pattern in allowed):
            return f"; write {name!r}"
    return ""
