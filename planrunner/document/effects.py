"""What a file tells of its tools: where each comes from, by which names it is known, and whether a call is for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from planrunner.document.rules.scope import texts
from planrunner.document.tree import MapNode, Node, ScalarNode, text_of
from planrunner.document.view import Document, StepView
from planrunner.registry import load
from planrunner.tools.builtin import BUILTIN

IRREVERSIBLE: Final = "irreversible"
_USES: Final = {use: name for name, use in BUILTIN.items()}


class Call(NamedTuple):
    """A step that calls a tool, or lets an agent call it; `tool` is where the file names the tool."""

    step: StepView
    tool: ScalarNode
    by_agent: bool = False


def calls(document: Document) -> Iterator[Call]:
    """Every tool that a step calls, and every one that an agent may call in a task of the plan."""
    for step in document.steps:
        if step.verb == "tool":
            yield from (Call(step, name) for name in texts(step.node.get("tool")))
        elif step.verb == "task":
            agent = agent_of(document, step)
            yield from (Call(step, name, True) for name in texts(agent.get("tools")))


def agent_of(document: Document, step: StepView) -> MapNode:
    """The agent of a task, named or inline; an empty map where there is none."""
    node = step.node.get("agent")
    name = text_of(node)
    if name is not None:
        node = document.table("agents").get(name)
    return node if isinstance(node, MapNode) else MapNode(0, 0)


class Tools:
    """The tools of one plan, by origin: what is said of one name of a tool holds for all of them."""

    def __init__(self, document: Document) -> None:
        self._entries = {name: entry.value for name, entry in document.named("tools").items()}
        self._names: dict[str, list[str]] = {}
        self._known: dict[str, tuple[str, ...]] = {}
        for name in self._entries:
            self._names.setdefault(self.origin(name), []).append(name)
        graves = (name for name, entry in self._entries.items() if _said(entry) == IRREVERSIBLE)
        self._grave = {self.origin(name) for name in graves}

    def origin(self, name: str) -> str:
        """The `use` of its entry, or its own name; a built-in tool has one origin, however it is named."""
        entry = self._entries.get(name)
        use = text_of(entry.get("use")) if isinstance(entry, MapNode) else None
        return name if use is None else _USES.get(use, use)

    def names(self, name: str) -> tuple[str, ...]:
        """All by which hooks and policies may mean this tool: its name, its origin, its other names in the plan."""
        key = self.origin(name) if name in self._entries else name
        if key not in self._known:
            origin = self.origin(name)
            self._known[key] = tuple(dict.fromkeys((name, origin, *self._names.get(origin, ()))))
        return self._known[key]

    def is_irreversible(self, name: str) -> bool:
        """Whether it is known that nobody can take a call back. Of a tool that nothing is said of it is not."""
        origin = self.origin(name)
        return origin in self._grave or (origin in BUILTIN and load(BUILTIN[origin]).effect == IRREVERSIBLE)


def _said(entry: Node) -> str | None:
    return text_of(entry.get("effect")) if isinstance(entry, MapNode) else None
