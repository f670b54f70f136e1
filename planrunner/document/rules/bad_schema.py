"""The JSON Schemas that a plan declares can be used."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.source import ListNode, MapNode, Node, plain
from planrunner.document.view import Document
from planrunner.json_schema import SchemaProblem, check_schema


def check(document: Document) -> Iterator[Problem]:
    """What is wrong in `inputs`, `returns`, `additional_data`, `args_schema`, …, at the wrong word itself."""
    for schema in document.schemas:
        for found in check_schema(plain(schema.node)):
            yield document.problem(node_at(schema.node, found), "bad-schema", _said(found))
    for name, entry in document.named("tools").items():
        node = entry.value.get("args_schema") if isinstance(entry.value, MapNode) else None
        if isinstance(node, MapNode) and plain(node.get("type")) not in ("object", None):
            message = f"the arguments of {name!r} are an object: write 'type: object' and its 'properties'"
            yield document.problem(node.key("type"), "bad-schema", message)


def _said(found: SchemaProblem) -> str:
    """With the word that is wrong, where the message goes on from it."""
    if found.message.startswith("JSON Schema"):
        return found.message
    word = found.path[-1] if found.path else None
    subject = f"{word!r} " if isinstance(word, str) and found.message.startswith("must ") else ""
    return f"in this JSON Schema: {subject}{found.message}"


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
