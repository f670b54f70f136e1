"""A plan as the mutations see it: what every key is for, and where each thing begins and ends in the text.

It is read by the YAML library itself, and by a table of its own: the checker under test is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import yaml

from tests.document.mutations.corpus import Plan

_MANY: Final = "*"
"""Under this key of a role: what the maps, or items, below names that the author gives are."""

ROLES: Final[Mapping[str, Mapping[str, str]]] = {
    "plan": {
        "inputs": "schemas", "context": "context", "models": "models", "agents": "agents", "mcp_servers": "servers",
        "tools": "tools", "hooks": "hooks", "defaults": "defaults", "limits": "words", "steps": "steps",
        "finally": "steps", "output": "data", "returns": "schemas",
    },
    "context": {"additional_data": "schemas"},
    "models": {_MANY: "model"},
    "agents": {_MANY: "agent"},
    "servers": {_MANY: "server"},
    "tools": {_MANY: "tool"},
    "agent": {"instructions": "words"},
    "server": {"env": "data", "headers": "data", "auth": "words"},
    "tool": {"args_schema": "schema", "output_schema": "schema", "auth": "words"},
    "hooks": {"clarification_handler": "binding", _MANY: "binding"},
    "binding": {"with": "settings", "match": "match"},
    "match": {"args": "data"},
    "defaults": {"retry": "words"},
    "steps": {_MANY: "step"},
    "step": {
        "args": "args", "inputs": "args", "clarify": "clarify", "switch": "cases", "steps": "steps", "set": "data",
        "exit": "exit", "foreach": "words", "on_error": "handlers", "repeat": "words", "retry": "words",
        "agent": "agent", "returns": "schemas", "task": "words",
    },
    "clarify": {
        "fields": "schemas", "schema": "schema", "value": "data", "data": "data", "on_timeout": "timeout",
        "to": "words", "guidance": "words", "options": "data",
    },
    "timeout": {"answer": "data"},
    "cases": {_MANY: "case"},
    "case": {"steps": "steps"},
    "handlers": {_MANY: "handler"},
    "handler": {"output": "data", "steps": "steps"},
    "exit": {"output": "data"},
    "schemas": {_MANY: "schema"},
    "schema": {
        "properties": "schemas", "$defs": "schemas", "patternProperties": "data", "items": "schema",
        "additionalProperties": "schema", "enum": "data", "const": "data", "default": "data", "examples": "data",
        "anyOf": "every", "oneOf": "every", "allOf": "every",
    },
    "every": {_MANY: "schema"},
}  # fmt: skip
"""Role of a map → its key → the role of what stands there. A key that is not listed has a plain value."""

OF_THE_AUTHOR: Final = frozenset(
    ("models", "agents", "servers", "tools", "schemas", "args", "data", "model", "settings")
)
"""Roles whose keys are no words of the language. (A model's are litellm's, a hook's settings its own.)"""


_GIVEN_ON: Final = frozenset(("args", "data", "model", "settings"))
"""Roles whose keys all mean something to somebody; in every other map those that begin with x- are free."""


class Mutant(NamedTuple):
    """A plan with one mistake in it.

    plan   the right plan
    what   the mistake, for people
    text   the plan with it
    lines  where it must be told: on one line of each of these
    """

    plan: Plan
    what: str
    text: str
    lines: tuple[frozenset[int], ...]


class Key(NamedTuple):
    """A key of a map.

    role   of the map
    path   from the top to the value
    key    where the key stands; None for an item of a list
    value  what stands under it
    """

    role: str
    path: tuple[str | int, ...]
    key: yaml.ScalarNode | None
    value: yaml.Node

    @property
    def word(self) -> str:
        return str(self.path[-1])


def read(text: str) -> list[Key]:
    """Every key and every item of a plan."""
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    return list(_below(root, "plan", ()))


def _below(node: yaml.Node, role: str, path: tuple[str | int, ...]) -> Iterator[Key]:
    known = ROLES.get(role, {})
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value.startswith("x-") and role not in _GIVEN_ON:
                continue
            here = (*path, key.value)
            yield Key(role, here, key, value)
            yield from _below(value, known.get(key.value, known.get(_MANY, _within(role))), here)
    elif isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield Key(role, (*path, at), None, item)
            yield from _below(item, known.get(_MANY, role), (*path, at))


def _within(role: str) -> str:
    """What a map is for that stands below one of which the table says no more."""
    return "data" if role in OF_THE_AUTHOR else ""


def line_of(text: str, at: int) -> int:
    """The line, from 1, of a place in the text."""
    return text.count("\n", 0, at) + 1


def lines_of(text: str, *nodes: yaml.Node) -> frozenset[int]:
    """The lines on which nodes begin."""
    return frozenset(line_of(text, node.start_mark.index) for node in nodes)


def changed(text: str, start: int, end: int, new: str) -> str:
    """The text with something else between two places."""
    return text[:start] + new + text[end:]
