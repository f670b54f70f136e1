"""The args of a tool step fit what the tool takes, as far as both are known without running anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from planrunner.document.complaints import in_words
from planrunner.document.problem import Problem
from planrunner.document.rules.bad_schema import node_at
from planrunner.document.schema import plan_schema
from planrunner.document.schema_types import of_schema
from planrunner.document.shape import Path
from planrunner.document.source import ListNode, MapNode, Node, plain
from planrunner.document.tree import text_of
from planrunner.document.types import Type, can_meet, look
from planrunner.document.view import Document, StepView
from planrunner.document.words import listed
from planrunner.errors import SchemaError
from planrunner.json_schema import compile_schema
from planrunner.jsonsafe import to_json_safe
from planrunner.registry import load
from planrunner.schema_words import SchemaProblem, shown
from planrunner.template import is_template
from planrunner.tools.builtin import BUILTIN

_TEMPLATE: Final = ("{{", "{%", "{#")
UNKNOWN: Final = "is not a known name"
_USES: Final = {use: name for name, use in BUILTIN.items()}
_DEPENDS = "anyOf oneOf allOf not if dependentRequired dependentSchemas dependencies $ref $dynamicRef"
_SHOWN: Final = 12
_ON_OTHERS: Final = frozenset(_DEPENDS.split())
"""Words by which what one argument may be depends on another one."""


def check(document: Document) -> Iterator[Problem]:
    """Names that are missing or unknown, and values that are written out and do not fit."""
    known: dict[str, tuple[Mapping[str, Any], Type] | None] = {}
    for step in document.steps:
        name = text_of(step.node.get("tool")) if step.verb == "tool" else None
        if name is None:
            continue
        if name not in known:
            known[name] = _takes(document, name)
        taken = known[name]
        if taken is None:
            continue
        schema, wanted = taken
        for node, found in misfits(step, "args", schema):
            yield document.problem(node, "wrong-args", _message(name, found))
        for unfit in unfits(document, step, "args", wanted):
            yield document.problem(unfit.node, "wrong-args", _message(name, unfit.found))


def misfits(step: StepView, key: str, schema: Mapping[str, Any]) -> Iterator[tuple[Node, SchemaProblem]]:
    """What the map under this key of a step has, or lacks, that does not fit the schema; nothing where it is rendered.

    key  `args`, or another one that goes with the step's verb; absent, it counts as an empty map
    """
    given = step.node.get(key) or MapNode(0, 0)
    if _has_foreign_key(step) or not isinstance(given, MapNode) or (given.size > 1 and not given.entries):
        return  # told as such
    for found in _wrong(schema, given):
        yield _place(step, key, given, found), found


def _has_foreign_key(step: StepView) -> bool:
    """Whether a key stands there that no such step has: the args may be what it means."""
    known = plan_schema()["$defs"][f"step_{step.verb}"]["properties"]
    return any(key not in known and not key.startswith("x-") for key in step.node.entries)


def builtin_of(name: str, entry: Node | None) -> str | None:
    """The name of the built-in tool that is meant by a name of the plan, given its entry in `tools`, if any."""
    use = text_of(entry.get("use")) if isinstance(entry, MapNode) else None
    if use is not None:
        return _USES.get(use)
    return name if name in BUILTIN and (entry is None or isinstance(entry, MapNode)) else None


def _takes(document: Document, name: str) -> tuple[Mapping[str, Any], Type] | None:
    """What the tool takes, and the type of that; None also where the schema itself is told of by another rule."""
    schema = _schema(document, name)
    if schema is None:
        return None
    try:
        compile_schema(schema)
    except SchemaError:
        return None
    return schema, of_schema(schema)


def _schema(document: Document, name: str) -> Mapping[str, Any] | None:
    """What the tool takes; None when only running the plan would tell."""
    if document.handed is not None:
        return document.handed.tools.get(name)
    tools = document.table("tools")
    entry = tools.get(name)
    own = entry.get("args_schema") if isinstance(entry, MapNode) else None
    if own is not None:
        return plain(own) if isinstance(own, MapNode) else None
    builtin = builtin_of(name, entry) if document.tells("tools") else None
    schema: Mapping[str, Any] | None = None if builtin is None else load(BUILTIN[builtin]).args_schema
    return schema


def _wrong(schema: Mapping[str, Any], args: MapNode) -> list[SchemaProblem]:
    rendered = {key for key, entry in args.entries.items() if _has_template(entry.value)}
    if rendered and _ON_OTHERS & schema.keys():
        return []
    values = {key: None if key in rendered else plain(entry.value) for key, entry in args.entries.items()}
    try:
        found = compile_schema(schema).problems(to_json_safe(values, "the args"))
    except SchemaError:  # the schema itself is told of by another rule
        return []
    unsure = rendered & schema["properties"].keys() if "properties" in schema else rendered
    sure = [problem for problem in found if not rendered or (problem.path and problem.path[0] not in unsure)]
    return [problem for problem in sure if not any(_is_meant(problem, other) for other in sure)]


class Unfit(NamedTuple):
    """A template that surely gives what is not taken. `builtin`: what it gives is known from a built-in tool."""

    node: Node
    found: SchemaProblem
    builtin: bool


def unfits(document: Document, step: StepView, key: str, wanted: Type) -> Iterator[Unfit]:
    """Templates in the map under this key of a step that surely give what is not wanted."""
    given = step.node.get(key)
    if isinstance(given, MapNode) and not _has_foreign_key(step):
        yield from _unfit(document, wanted, given, (*step.path, key), ())


def _unfit(document: Document, wanted: Type, node: Node, path: Path, way: Path) -> Iterator[Unfit]:
    if isinstance(node, MapNode):
        for key, entry in node.entries.items():
            yield from _unfit(document, look(wanted, key).type, entry.value, (*path, key), (*way, key))
    elif isinstance(node, ListNode):
        for place, item in enumerate(node.items):
            yield from _unfit(document, look(wanted, place).type, item, (*path, place), (*way, place))
    elif wanted.shapes and is_template(text_of(node) or ""):
        given = document.types.of_expression(path)
        if not can_meet(given, wanted):
            message = f"must be {_told(wanted)}, and this gives {_told(given)}"
            yield Unfit(node, SchemaProblem(way, message), given.builtin)


def _told(told: Type) -> str:
    some = told.values
    return in_words(told) if some is None or told.kinds == {"boolean"} else listed(map(shown, some[:_SHOWN]), "or")


def _message(name: str, found: SchemaProblem) -> str:
    if found.message == "is missing":
        where = "".join(f"{part}." for part in found.path[:-1])
        return f"the args of {name!r} have no {where + str(found.path[-1])!r}: add it"
    return f"the args of {name!r}: {found}"


def _is_meant(missing: SchemaProblem, unknown: SchemaProblem) -> bool:
    """Whether a missing name is there, misspelt: then it is told once."""
    return missing.message == "is missing" and unknown.message.endswith(f"did you mean {missing.path[-1]!r}?")


def _has_template(node: Node) -> bool:
    if isinstance(node, MapNode):
        return any(_has_template(entry.value) for entry in node.entries.values())
    if isinstance(node, ListNode):
        return any(_has_template(item) for item in node.items)
    return any(mark in (text_of(node) or "") for mark in _TEMPLATE)


def _place(step: StepView, key: str, args: MapNode, found: SchemaProblem) -> Node:
    if found.path and found.path[0] in args.entries:
        name, value = args.entries[str(found.path[0])]
        inner = SchemaProblem(found.path[1:], found.message)
        return node_at(value, inner) if not found.message.startswith(UNKNOWN) else name
    return step.node.key(key if key in step.node.entries else str(step.verb))
