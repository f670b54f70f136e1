"""A task names an agent of the plan."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.document.words import near


def check(document: Document) -> Iterator[Problem]:
    """Every `agent` that `agents` does not have."""
    agents = document.table("agents").entries
    for step in document.steps:
        node = step.node.get("agent") if step.verb == "task" else None
        name = text_of(node)
        if node is not None and name is not None and name not in agents and document.tells("agents"):
            advice = near(name, agents) or "; add it under 'agents', or write the agent inline"
            yield document.problem(node, "unknown-agent", f"the plan has no agent {name!r}{advice}")
