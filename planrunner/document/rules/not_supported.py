"""What the language has and this version can't run yet is refused by name, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.later import NOT_YET, TOOL, TOP
from planrunner.document.problem import Problem
from planrunner.document.schema import kind
from planrunner.document.source import MapNode, Node
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Verbs, keys and values that are told in the language and not built yet."""
    for node, what in _found(document):
        message = f"{what} {NOT_YET}: leave it out"
        yield document.problem(node, "not-supported", message)


def _found(document: Document) -> Iterator[tuple[Node, str]]:
    yield from _keys(document.root, TOP)
    for entry in document.named("tools").values():
        yield from _keys(entry.value, TOOL)
    for step in document.steps:
        if step.verb is not None and kind(step.verb).run is None:
            yield step.node.key(step.verb), f"the verb {step.verb!r}"


def _keys(node: Node | None, keys: tuple[str, ...]) -> Iterator[tuple[Node, str]]:
    if isinstance(node, MapNode):
        for key in keys:
            if key in node.entries:
                yield node.key(key), f"{key!r}"
