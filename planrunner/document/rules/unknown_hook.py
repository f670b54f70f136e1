"""A hook that is named is built in, or a function: a guard with a typo in its name must not pass for a guard."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.source import ListNode, MapNode
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.document.words import near
from planrunner.hooks import BUILTIN


def check(document: Document) -> Iterator[Problem]:
    """Every `use` in `hooks` that is neither a built-in hook nor `package.module:function`."""
    for binding in bindings(document):
        node = binding.get("use")
        name = text_of(node)
        if node is not None and name is not None and ":" not in name and name not in BUILTIN:
            advice = near(name, BUILTIN) or f"; the built-in ones are {', '.join(BUILTIN)}"
            yield document.problem(node, "unknown-hook", f"there is no built-in hook {name!r}{advice}")


def bindings(document: Document) -> Iterator[MapNode]:
    """Every binding of the plan."""
    for entry in document.table("hooks").entries.values():
        for item in entry.value.items if isinstance(entry.value, ListNode) else [entry.value]:
            if isinstance(item, MapNode):
                yield item
