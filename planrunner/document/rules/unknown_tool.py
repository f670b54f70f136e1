"""A tool that is named comes from somewhere: the plan's own, a server, an installed plug-in, or built in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from planrunner.document.later import NOT_YET
from planrunner.document.problem import Problem
from planrunner.document.source import ListNode, MapNode, Node, ScalarNode
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.document.words import near
from planrunner.registry import Registry
from planrunner.tools.builtin import BUILTIN


def check(document: Document) -> Iterator[Problem]:
    """Every tool in a step or an agent's list that no source has. Of a planner's plan `planned` tells."""
    if document.handed is not None:
        return
    own = document.named("tools")
    servers = document.named("mcp_servers")
    for node in named_tools(document):
        name = str(node.value)
        server = name.partition(".")[0]
        if name in own or name in BUILTIN or (server != name and server in servers):
            continue
        if server != name and document.tells("mcp_servers"):
            known = near(server, servers) or f"; a tool of an MCP server {NOT_YET}"
            yield document.problem(node, "unknown-tool", f"there is no MCP server {server!r} for {name!r}{known}")
            continue
        known_names = (*own, *_installed())
        if name not in known_names and server == name and document.tells("tools"):
            advice = near(name, known_names) or "; add it under 'tools' with use: \"package.module:name\""
            yield document.problem(node, "unknown-tool", f"there is no tool {name!r}{advice}")


@cache
def _installed() -> tuple[str, ...]:
    """Built-in tools and plug-ins. Reads the metadata of every installed package: asked only for unknown names."""
    return Registry(BUILTIN, "planrunner.tools").names()


def named_tools(document: Document) -> Iterator[ScalarNode]:
    """Every place that names a tool: of steps, and of agents' lists."""
    for step in document.steps:
        yield from texts(step.node.get("tool"))
        agent = step.node.get("agent")
        if isinstance(agent, MapNode):
            yield from texts(agent.get("tools"))
    for entry in document.named("agents").values():
        if isinstance(entry.value, MapNode):
            yield from texts(entry.value.get("tools"))


def texts(node: Node | None) -> Iterator[ScalarNode]:
    """A text, or those of a list, that are no templates."""
    for item in node.items if isinstance(node, ListNode) else [node]:
        if isinstance(item, ScalarNode) and text_of(item) and "{{" not in item.value:
            yield item
