"""The name of a loop's item hides no other name."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.rules.scope import LANGUAGE_WORDS, NAMES
from planrunner.document.source import MapNode
from planrunner.document.tree import text_of
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Every `foreach.as` that the language has taken already."""
    for step in document.steps:
        loop = step.node.get("foreach")
        node = loop.get("as") if isinstance(loop, MapNode) else None
        name = text_of(node)
        if node is not None and name in NAMES | LANGUAGE_WORDS:
            message = f"{name!r} is a name of the plan language: call the item something else"
            yield document.problem(node, "reserved-name", message)
