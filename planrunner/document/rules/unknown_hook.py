"""A hook that is named is built in, or a function: a guard with a typo in its name must not pass for a guard."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.document.words import near
from planrunner.hooks import BUILTIN

HANDLER = "clarification_handler"
CODE_OF_YOUR_OWN = "what answers them is code of your own, package.module:name of a ClarificationHandler"


def check(document: Document) -> Iterator[Problem]:
    """Every `use` in `hooks` that is neither a built-in hook nor `package.module:function`."""
    for point, binding in document.bound:
        node = binding.get("use")
        name = text_of(node)
        if node is not None and name is not None and ":" not in name and name not in BUILTIN:
            advice = near(name, BUILTIN) or f"; the built-in ones are {', '.join(BUILTIN)}"
            message = f"there is no built-in hook {name!r}{advice}"
            if point == HANDLER:
                message = f"{name!r} can't answer questions: {CODE_OF_YOUR_OWN}"
            yield document.problem(node, "unknown-hook", message)
