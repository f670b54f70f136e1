"""What the language has and this version can't run yet is refused by name, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.later import DEFAULTS, NOT_YET, STEP, TOOL, TOP
from planrunner.document.problem import Problem
from planrunner.document.schema import kind
from planrunner.document.source import ListNode, MapNode, Node, ScalarNode
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Verbs, keys and values that are told in the language and not built yet."""
    for node, what in _found(document):
        message = f"{what} {NOT_YET}: leave it out"
        yield document.problem(node, "not-supported", message)


def _found(document: Document) -> Iterator[tuple[Node, str]]:
    yield from _keys(document.root, TOP)
    yield from _keys(document.table("defaults"), DEFAULTS)
    yield from _fallback(document.table("defaults"))
    for entry in document.named("tools").values():
        yield from _keys(entry.value, TOOL)
    for entry in document.named("models").values():
        yield from _fallback(entry.value)
    for entry in document.named("agents").values():
        yield from _agent(entry.value)
    for step in document.steps:
        if step.verb is not None and kind(step.verb).run is None:
            yield step.node.key(step.verb), f"the verb {step.verb!r}"
        yield from _keys(step.node, STEP)
        yield from _agent(step.node.get("agent"))


def _keys(node: Node | None, keys: tuple[str, ...]) -> Iterator[tuple[Node, str]]:
    if isinstance(node, MapNode):
        for key in keys:
            if key in node.entries:
                yield node.key(key), f"{key!r}"


def _agent(node: Node | None) -> Iterator[tuple[Node, str]]:
    if isinstance(node, MapNode):
        yield from _fallback(node)
        ask = node.get("ask")
        if isinstance(ask, ScalarNode) and ask.value is True:
            yield node.key("ask"), "'ask: true'"


def _fallback(node: Node) -> Iterator[tuple[Node, str]]:
    """A list of models that are tried in order."""
    models = node.get("model") if isinstance(node, MapNode) else None
    if isinstance(models, ListNode) and len(models.items) > 1:
        yield models, "a list of models, of which the next is tried when one fails,"
