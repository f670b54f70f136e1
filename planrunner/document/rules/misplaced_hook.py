"""A built-in hook stands at a point where it has something to do: elsewhere it guards nothing, or fails."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.rules.unknown_hook import CODE_OF_YOUR_OWN, HANDLER
from planrunner.document.schema import plan_schema
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.document.words import listed
from planrunner.hooks import BUILTIN, FIRES_AT


def check(document: Document) -> Iterator[Problem]:
    """Every built-in hook at a point that is not one of its own."""
    points = plan_schema()["properties"]["hooks"]["properties"]
    for point, binding in document.bound:
        node = binding.get("use")
        use = text_of(node)
        if node is None or use not in BUILTIN or point not in points:
            continue
        if point == HANDLER:
            message = f"{use!r} is a hook and can't answer questions: {CODE_OF_YOUR_OWN}"
            yield document.problem(node, "misplaced-hook", message)
        elif use in FIRES_AT and point not in FIRES_AT[use]:
            own = listed(FIRES_AT[use], "or")
            yield document.problem(node, "misplaced-hook", f"{use!r} has nothing to do at {point}: bind it at {own}")
