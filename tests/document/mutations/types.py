"""A value of another type, or one that is not among those that there are.

Right line: that of the value (or of its key); of a declared type that is swapped, each place that gives the input to a
tool, or the default beside it.

What is swapped: each value of the language's own keys; each argument of a tool step of which the tool's schema says
the type or the values; the default of an input; the type of an input that is handed to a tool as it is; a value that
is compared with one of an enum, of options, or of true and false.

Equivalent, and left out: a value that the schema takes too; what is computed by a template; arguments of which the
schema says no type; a value that is of any type by the language (`set`, `output`, the answer of an open question).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from planrunner.document.source import parse, plain
from tests.document.mutations.corpus import Plan
from tests.document.mutations.keys import args_schema
from tests.document.mutations.reading import Key, Mutant, changed, line_of, read
from tests.document.mutations.schemas import schema_of

_OTHERS: Final = {"array": "[1]", "object": "{a: 1}", "boolean": "true", "integer": "7", "string": "word"}
"""A value of each type."""
_TEXT, _LIST, _MAP, _YES, _WHOLE = {"string"}, {"array"}, {"object"}, {"boolean"}, {"integer"}
_TIME: Final = {"string", "integer"}
_WHEN: Final = {"string", "boolean"}
_PROMPT: Final = {"string", "object"}
_MODEL: Final = {"string", "array"}

LANGUAGE: Final[dict[str, dict[str, set[str]]]] = {
    "plan": {
        "name": _TEXT, "version": _TEXT, "description": _TEXT, "inputs": _MAP, "context": _MAP, "models": _MAP,
        "agents": _MAP, "tools": _MAP, "hooks": _MAP, "defaults": _MAP, "limits": _MAP, "steps": _LIST,
        "finally": _LIST, "returns": _MAP, "secrets": _LIST,
    },
    "step": {
        "id": _TEXT, "description": _TEXT, "when": _WHEN, "needs": _LIST, "tool": _TEXT, "task": _PROMPT, "args": _MAP,
        "clarify": _MAP, "plan": _TEXT, "inputs": _MAP, "switch": _LIST, "steps": _LIST, "exit": _MAP, "foreach": _MAP,
        "on_error": _LIST, "repeat": _MAP, "retry": _MAP, "timeout": _TIME, "agent": _PROMPT, "returns": _MAP,
    },
    "context": {"end_user_id": _TEXT, "additional_data": _MAP},
    "agent": {
        "model": _MODEL, "instructions": _PROMPT, "tools": _LIST, "max_turns": _WHOLE, "ask": _YES, "sees": _MODEL,
    },
    "tool": {
        "use": _TEXT, "description": _TEXT, "effect": _TEXT, "args_schema": _MAP | _YES, "output_schema": _MAP | _YES,
        "timeout": _TIME,
    },
    "clarify": {
        "type": _TEXT, "guidance": _PROMPT, "timeout": _TIME, "on_timeout": _PROMPT, "fields": _MAP,
        "schema": _MAP | _YES, "require_confirmation": _YES, "to": _PROMPT,
    },
    "words": {
        "in": _TEXT, "as": _TEXT, "max_concurrent": _WHOLE, "max_items": _WHOLE, "until": _WHEN, "max": _WHOLE,
        "delay": _TIME, "max_attempts": _WHOLE, "backoff": _TEXT, "on": _LIST, "usd": _WHOLE, "tokens": _WHOLE,
        "llm_calls": _WHOLE, "tool_calls": _WHOLE, "duration": _TIME, "file": _TEXT,
    },
    "binding": {"use": _TEXT, "with": _MAP, "match": _MAP, "when": _WHEN, "timeout": _TIME, "on_error": _TEXT},
    "match": {"tool": _MODEL, "step": _MODEL, "effect": _MODEL},
    "case": {"when": _WHEN, "steps": _LIST},
    "handler": {"match": _LIST, "steps": _LIST},
    "exit": {"state": _TEXT},
    "defaults": {"model": _MODEL, "timeout": _TIME, "retry": _MAP},
    "schema": {
        "type": _MODEL, "enum": _LIST, "properties": _MAP, "required": _LIST, "minimum": _WHOLE, "pattern": _TEXT,
        "items": _MAP | _YES, "minItems": _WHOLE, "maxItems": _WHOLE, "minLength": _WHOLE, "description": _TEXT,
    },
}  # fmt: skip
"""Role of a map → its key → the types that the language gives the value."""

_COMPARED: Final = re.compile(r"(\b(?:inputs|steps)(?:\.\w+)+)\s*[=!]=\s*(['\"])(\w+)\2")
_HANDED: Final = re.compile(r"\{\{\s*inputs\.(\w+)\s*\}\}")


def mutants(plan: Plan) -> Iterator[Mutant]:
    """All of the plan."""
    keys = read(plan.text)
    data = plain(parse(plan.text.encode(), plan.name).root)
    for key in keys:
        wanted = LANGUAGE.get(key.role, {}).get(str(key.path[-1]))
        if key.key is not None and wanted is not None:
            yield from _of_other_types(plan, key, wanted, f"{key.word} of {key.role}")
        yield from _of_argument(plan, key, data)
        yield from _of_default(plan, key, data)
    yield from _compared(plan, data)
    yield from _handed(plan, keys, data)


def _of_other_types(plan: Plan, key: Key, wanted: set[str], what: str) -> Iterator[Mutant]:
    for kind, value in _OTHERS.items():
        if kind not in wanted and not (kind == "integer" and "number" in wanted):
            yield _with(plan, key, value, f"{what}: {value}")


def _with(plan: Plan, key: Key, value: str, what: str) -> Mutant:
    """The plan with another value there."""
    start, end = key.value.start_mark.index, key.value.end_mark.index
    if _is_block(key.value):  # which ends where the next line begins
        value += "\n"
        end = plan.text.rfind("\n", 0, end) + 1 if plan.text[end:] else end
    text = changed(plan.text, start, end, value)
    lines = {line_of(text, start)} | ({line_of(text, key.key.start_mark.index)} if key.key else set())
    return Mutant(plan, what, text, (frozenset(lines),))


def _is_block(node: yaml.Node) -> bool:
    return node.style in ("|", ">") if isinstance(node, yaml.ScalarNode) else not node.flow_style


def _of_argument(plan: Plan, key: Key, data: Any) -> Iterator[Mutant]:
    """An argument at the top of `args`, whose type or values the tool's schema tells."""
    if key.role != "args" or len(key.path) < 3 or key.path[-2] != "args" or "{{" in _written(plan, key):
        return
    step = _at(data, key.path[:-2])
    schema = args_schema(data, step.get("tool", "")).get("properties", {}).get(key.word)
    if isinstance(schema, dict) and ("type" in schema or "enum" in schema):
        yield from _of_other_types(plan, key, _types(schema), "argument")
        if "enum" in schema and isinstance(key.value, yaml.ScalarNode):
            yield _with(plan, key, "wrong_word", "argument not in enum")


def _of_default(plan: Plan, key: Key, data: Any) -> Iterator[Mutant]:
    """The default of an input, or of an end user's datum."""
    if key.role == "schema" and key.path[-1] == "default" and key.path[0] in ("inputs", "context"):
        schema = _at(data, key.path[:-1])
        if "type" in schema:
            yield from _of_other_types(plan, key, _types(schema), "default")


def _types(schema: Any) -> set[str]:
    if "type" not in schema:
        return {_type_of(value) for value in schema["enum"]}
    return set(schema["type"]) if isinstance(schema["type"], list) else {schema["type"]}


def _type_of(value: Any) -> str:
    kinds = ((bool, "boolean"), (int, "integer"), (str, "string"), (list, "array"), (dict, "object"))
    return next((kind for of, kind in kinds if isinstance(value, of)), "null")


def _written(plan: Plan, key: Key) -> str:
    return plan.text[key.value.start_mark.index : key.value.end_mark.index]


def _at(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def _compared(plan: Plan, data: Any) -> Iterator[Mutant]:
    """A value with a letter too many where only some can come; a text where true or false comes."""
    for found in _COMPARED.finditer(plan.text):
        schema = schema_of(data, tuple(found[1].split(".")))
        if isinstance(schema, dict) and "enum" in schema:
            at = found.end() - 1
            yield Mutant(plan, "compared", changed(plan.text, at, at, "q"), (frozenset((line_of(plan.text, at),)),))


def _handed(plan: Plan, keys: list[Key], data: Any) -> Iterator[Mutant]:
    """Another type of an input that a tool is given as it is."""
    for key in keys:
        found = _HANDED.fullmatch(str(key.value.value)) if isinstance(key.value, yaml.ScalarNode) else None
        if found is None or key.role != "args" or key.path[-2] != "args":
            continue
        step = _at(data, key.path[:-2])
        schema = args_schema(data, step.get("tool", "")).get("properties", {}).get(key.word)
        declared = next((each for each in keys if each.path == ("inputs", found[1], "type")), None)
        if declared is not None and isinstance(schema, dict) and "type" in schema:
            for kind in {"array", "object", "boolean", "string"} - _types(schema):
                start, end = declared.value.start_mark.index, declared.value.end_mark.index
                line = line_of(plan.text, key.value.start_mark.index)
                yield Mutant(plan, f"handed {kind}", changed(plan.text, start, end, kind), (frozenset((line,)),))
