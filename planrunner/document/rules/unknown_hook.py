"""A hook that is named is built in, or a function: a guard with a typo in its name must not pass for a guard."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.document.words import near
from planrunner.hooks import BUILTIN


def check(document: Document) -> Iterator[Problem]:
    """Every `use` in `hooks` that is neither a built-in hook nor `package.module:function`."""
    for binding in document.bindings:
        node = binding.get("use")
        name = text_of(node)
        if node is not None and name is not None and ":" not in name and name not in BUILTIN:
            advice = near(name, BUILTIN) or f"; the built-in ones are {', '.join(BUILTIN)}"
            yield document.problem(node, "unknown-hook", f"there is no built-in hook {name!r}{advice}")
