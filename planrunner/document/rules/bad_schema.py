"""The JSON Schemas that a plan declares can be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from planrunner.document.hints import KEYWORDS, TYPES
from planrunner.document.problem import MAX_PROBLEMS, Problem
from planrunner.document.source import ListNode, MapNode, Node, plain
from planrunner.document.view import Document
from planrunner.errors import SchemaError
from planrunner.json_schema import check_schema, compile_schema
from planrunner.jsonsafe import dumps, loads, to_json_safe
from planrunner.registry import hint
from planrunner.schema_parts import Path, subschemas
from planrunner.schema_words import SchemaProblem, path_text, shown

_SHORT: Final = 5_000
"""Schemas of so many characters are looked at once: many plans declare the same tools."""


def check(document: Document) -> Iterator[Problem]:
    """What is wrong in `inputs`, `returns`, `additional_data`, `args_schema`, …, at the wrong word itself."""
    for schema in document.schemas:
        value = plain(schema.node)
        for found in _mistakes(value):
            yield document.problem(node_at(schema.node, found), "bad-schema", _said(found, value))
    for name, entry in document.named("tools").items():
        node = entry.value.get("args_schema") if isinstance(entry.value, MapNode) else None
        if isinstance(node, MapNode) and plain(node.get("type")) not in ("object", None):
            message = f"the arguments of {name!r} are an object: write 'type: object' and its 'properties'"
            yield document.problem(node.key("type"), "bad-schema", message)


def _mistakes(schema: Any) -> Iterable[SchemaProblem]:
    """What is wrong with a schema, or what it says in vain."""
    try:
        plain_schema = to_json_safe(schema, "the schema")
    except SchemaError as error:
        return [SchemaProblem((), str(error))]
    text = dumps(plain_schema)
    return _mistakes_of(text) if len(text) <= _SHORT else check_schema(plain_schema) or _in_vain(plain_schema)


@lru_cache(maxsize=512)
def _mistakes_of(text: str) -> tuple[SchemaProblem, ...]:
    """The same of a schema as JSON, no more than a plan is told of."""
    schema = loads(text)
    return tuple(islice(check_schema(schema) or _in_vain(schema), MAX_PROBLEMS + 1))


def _said(found: SchemaProblem, value: Any) -> str:
    """With the word that is wrong, where the message goes on from it."""
    if found.message.startswith("JSON Schema"):
        return found.message
    word = found.path[-1] if found.path else None
    subject = f"{word!r} " if isinstance(word, str) and found.message.startswith("must ") else ""
    if found.path[-1:] == ("required",) and "list" in found.message:
        return "in this JSON Schema: 'required' is a list of names; here every name without a 'default' is required"
    return f"in this JSON Schema: {subject}{found.message}{_type_meant(found, value)}"


def _type_meant(found: SchemaProblem, schema: Any) -> str:
    """What a type of another language is called in JSON Schema."""
    if (
        found.path[-1:] != ("type",)
        or not found.message.startswith("must be one of")
        or "did you mean" in found.message
    ):
        return ""
    for part in found.path:
        schema = schema[part] if isinstance(schema, dict) else None
    word = str(schema).lower()
    if word in ("date", "datetime", "time", "timestamp"):
        return (
            "; write {type: string, format: "
            + {"datetime": "date-time", "timestamp": "date-time"}.get(word, word)
            + "}"
        )
    return "; leave 'type' out for anything" if word == "any" else f"; write {TYPES[word]}" if word in TYPES else ""


def _in_vain(schema: Any) -> Iterator[SchemaProblem]:
    """What a usable schema says in vain: values that its type excludes, names it lacks, a default that it refuses."""
    for path, sub in subschemas(schema):
        found = [*_foreign(sub, path), *_excluded(sub, path), *_misspelt(sub, path)]
        yield from found
        if "default" in sub and not found:
            yield from _refused(sub, path)


def _foreign(schema: dict[str, Any], path: Path) -> Iterator[SchemaProblem]:
    for key in schema.keys() & KEYWORDS.keys():
        yield SchemaProblem((*path, key), f"JSON Schema has no keyword {key!r}: {KEYWORDS[key]}")


def _excluded(schema: dict[str, Any], path: Path) -> Iterator[SchemaProblem]:
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    for index, value in enumerate(schema.get("enum", ()) if kinds else ()):
        if value is not None and not compile_schema({"type": kinds}).valid(value):
            is_number = "string" in kinds and isinstance(value, int | float)
            advice = f'write "{shown(value)}" in quotes' if is_number else "take it out, or change the type"
            told = f"no value is ever {shown(value)}, as 'type' is {' or '.join(kinds)}: {advice}"
            yield SchemaProblem((*path, "enum", index), told)


def _misspelt(schema: dict[str, Any], path: Path) -> Iterator[SchemaProblem]:
    known = schema.get("properties", {})
    for index, name in enumerate(schema.get("required", ())):
        if name not in known and (guess := hint(name, known)):
            yield SchemaProblem((*path, "required", index), f"'properties' has no {name!r}{guess}")


def _refused(schema: dict[str, Any], path: Path) -> Iterator[SchemaProblem]:
    try:
        found = compile_schema(schema).problems(schema["default"])
    except SchemaError:  # it refers to another part of the whole
        return
    for problem in found:
        within = f"{path_text(problem.path)}: " if problem.path else ""
        told = f"the default does not fit: {within}{problem.message}{_mend(schema)}"
        yield SchemaProblem((*path, "default", *problem.path), told)


def _mend(schema: dict[str, Any]) -> str:
    if schema["default"] is None and isinstance(schema.get("type"), str):
        return f"; if nothing may be given, write type: [{schema['type']}, 'null']"
    return ""


def node_at(node: Node, found: SchemaProblem) -> Node:
    """The last node of the problem's path that there is; the key, where the path ends at one."""
    place = node
    for part in found.path:
        entry = node.entries.get(str(part)) if isinstance(node, MapNode) else None
        if entry is not None:
            place, node = entry.key, entry.value
        elif isinstance(node, ListNode) and isinstance(part, int) and part < len(node.items):
            place = node = node.items[part]
        else:
            break
    return place
