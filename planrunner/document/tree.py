"""The tree of a YAML file in which every key and every value knows where it stands."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

VERBATIM: Final = "verbatim"
"""The style of a text that is a whole file."""


class Node:
    """A value of the file.

    line, column  where it begins, 1-based, in characters
    size          how many nodes it stands for, itself and its keys included, aliases spelled out
    height        how many levels lie below it
    """

    __slots__ = ("column", "height", "line", "size")

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column
        self.size = 1
        self.height = 0


class ScalarNode(Node):
    """A text, number, truth value or null.

    value  as Python knows it
    text   the characters YAML gives for it (`0x10` for 16)
    start  index in the source text of its first character, quotes and block headers included
    style  "" plain, `'`, `"`, `|` or `>`; VERBATIM outside of YAML
    """

    __slots__ = ("start", "style", "text", "value")

    def __init__(self, line: int, column: int, value: Any, text: str, start: int, style: str) -> None:
        self.line = line  # as Node does, without a call: most nodes are scalars
        self.column = column
        self.size = 1
        self.height = 0
        self.value = value
        self.text = text
        self.start = start
        self.style = style


class ListNode(Node):
    """A sequence."""

    __slots__ = ("items",)

    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.items: list[Node] = []


class Entry(NamedTuple):
    """One key of a map with its value."""

    key: ScalarNode
    value: Node


class MapNode(Node):
    """A mapping, in file order; keys that came by `<<` stand last."""

    __slots__ = ("entries",)

    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.entries: dict[str, Entry] = {}

    def get(self, key: str) -> Node | None:
        """The value under this key, or None when the key is absent."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value

    def key(self, key: str) -> ScalarNode:
        """The key itself, for its place."""
        return self.entries[key].key


class BrokenNode(Node):
    """Stands where a problem is already told, so that nobody tells a second one."""

    __slots__ = ()


def plain(node: Node | None) -> Any:
    """The value as Python knows it: dict, list, str, int, float, bool or None."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, MapNode):
        return {key: plain(entry.value) for key, entry in node.entries.items()}
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return None


def text_of(node: Node | None) -> str | None:
    """The text a node holds, None when it holds anything else."""
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        return node.value
    return None
