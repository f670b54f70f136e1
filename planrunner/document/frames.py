"""Lists and maps of the file while they are being filled."""

from __future__ import annotations

from collections.abc import Callable

from planrunner.document.tree import BrokenNode, Entry, ListNode, MapNode, Node, ScalarNode

Tell = Callable[[int, int, str, str], None]
"""Notes a problem: line, column, code, message."""


class OpenList:
    """A list that is being filled."""

    __slots__ = ("anchor", "node")

    def __init__(self, line: int, column: int, anchor: str | None, tell: Tell) -> None:
        self.node = ListNode(line, column)
        self.anchor = anchor

    def take(self, node: Node) -> None:
        """Add an item."""
        self.node.items.append(node)

    def close(self) -> ListNode:
        """The whole list."""
        return self.node


class OpenMap:
    """A map that is being filled, key by key: each first the key, then its value."""

    __slots__ = ("anchor", "dropping", "key", "merges", "node", "tell")

    def __init__(self, line: int, column: int, anchor: str | None, tell: Tell) -> None:
        self.node = MapNode(line, column)
        self.anchor = anchor
        self.tell = tell
        self.key: ScalarNode | None = None
        self.dropping = False  # the key is a problem already: its value is dropped
        self.merges: list[tuple[ScalarNode, Node]] = []

    def take(self, node: Node) -> None:
        """Add a key, or the value of the key before."""
        key = self.key
        if self.dropping:
            self.dropping = False
        elif key is None:
            self._take_key(node)
        elif _is_merge(key):
            self.key = None
            self.merges.append((key, node))
        else:
            self.key = None
            self.node.entries[key.value] = Entry(key, node)

    def close(self) -> MapNode:
        """The whole map. What `<<` brings stands last and replaces nothing."""
        for key, value in self.merges:
            for source in value.items if isinstance(value, ListNode) else [value]:
                self._merge(key, source)
        return self.node

    def _take_key(self, node: Node) -> None:
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            before = self._same_key(node)
            if before is None:
                self.key = node
                return
            self._refuse_double(node, before)
        else:
            self._refuse_key(node)
        self.dropping = True

    def _same_key(self, node: ScalarNode) -> ScalarNode | None:
        if _is_merge(node):
            return self.merges[0][0] if self.merges else None
        entry = self.node.entries.get(node.value)
        return entry.key if entry else None

    def _refuse_double(self, node: ScalarNode, before: ScalarNode) -> None:
        advice = "give << one list, <<: [*a, *b]" if _is_merge(node) else "keep one of them"
        where = f"{before.line}:{before.column}"
        message = f"the key {node.value!r} stands twice in this map, first at {where}: {advice}"
        self.tell(node.line, node.column, "duplicate-key", message)

    def _refuse_key(self, node: Node) -> None:
        if isinstance(node, BrokenNode):
            return
        if isinstance(node, ScalarNode):
            what = "null" if node.value is None else "a truth value" if isinstance(node.value, bool) else "a number"
            shown = node.text or "an empty key"
            message = f'a key must be text, and YAML reads {shown} as {what}: write "{node.text}"'
        else:
            what = "map" if isinstance(node, MapNode) else "list"
            message = f"a key must be text, this one is a {what}: write a name, or put it in quotes"
        self.tell(node.line, node.column, "key-not-text", message)

    def _merge(self, key: ScalarNode, source: Node) -> None:
        if isinstance(source, MapNode):
            for name, entry in source.entries.items():
                self.node.entries.setdefault(name, entry)
        elif not isinstance(source, BrokenNode):
            message = "<< takes a map, or a list of maps, usually by alias: <<: *name"
            self.tell(key.line, key.column, "merge", message)


def _is_merge(key: ScalarNode) -> bool:
    return key.value == "<<" and not key.style
