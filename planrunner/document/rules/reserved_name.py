"""No name hides another one: not that of a loop's item, and not that of a tool beside an agent's own `clarify`."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.rules.scope import LANGUAGE_WORDS, NAMES
from planrunner.document.source import ListNode, MapNode, Node, plain
from planrunner.document.tree import text_of
from planrunner.document.view import Document

_CLARIFY = "clarify"


def check(document: Document) -> Iterator[Problem]:
    """Every `foreach.as` that the language has taken already, and every tool `clarify` of an agent that may ask."""
    for step in document.steps:
        loop = step.node.get("foreach")
        node = loop.get("as") if isinstance(loop, MapNode) else None
        name = text_of(node)
        if node is not None and name in NAMES | LANGUAGE_WORDS:
            message = f"{name!r} is a name of the plan language: call the item something else"
            yield document.problem(node, "reserved-name", message)
    for node in _tools_of_asking_agents(document):
        if text_of(node) == _CLARIFY:
            message = (
                "an agent with `ask: true` asks people through a tool 'clarify' of its own: name this one otherwise"
            )
            yield document.problem(node, "reserved-name", message)


def _tools_of_asking_agents(document: Document) -> Iterator[Node]:
    named = [entry.value for entry in document.named("agents").values()]
    for agent in (*named, *(step.node.get("agent") for step in document.steps)):
        if isinstance(agent, MapNode) and plain(agent.get("ask")) is True:
            tools = agent.get("tools")
            yield from tools.items if isinstance(tools, ListNode) else ()
