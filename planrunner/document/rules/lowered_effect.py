"""A plan may say that a tool does more to the world than the tool itself says, never less."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.rules.wrong_args import builtin_of
from planrunner.document.source import MapNode
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.registry import load
from planrunner.tools.base import EFFECTS
from planrunner.tools.builtin import BUILTIN


def check(document: Document) -> Iterator[Problem]:
    """Every entry of a built-in tool with an effect below the tool's own."""
    for name, entry in document.table("tools").entries.items():
        node = entry.value.get("effect") if isinstance(entry.value, MapNode) else None
        builtin = builtin_of(name, entry.value) if node is not None else None
        if node is None or builtin is None or text_of(node) not in EFFECTS:
            continue
        said, declared = text_of(node), load(BUILTIN[builtin]).effect or EFFECTS[0]
        if EFFECTS.index(said) < EFFECTS.index(declared):
            told = f"the tool {name!r} declares the effect {declared}, and a plan may raise it, never lower it"
            message = f"{told} to {said}: leave the effect out"
            yield document.problem(node, "lowered-effect", message)
