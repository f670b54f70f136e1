"""How values are told in messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from planrunner.document.tree import ListNode, MapNode, Node, ScalarNode
from planrunner.registry import hint

MAX_SHOWN: Final = 40
_CANDIDATES: Final = 200
_FAR: Final = 4
TYPES: Final = {
    "object": "a map",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def type_name(name: str) -> str:
    """A type of JSON Schema in a user's words."""
    return TYPES[name]


def listed(words: Iterable[Any], last: str) -> str:
    """`a, b or c`."""
    texts = [str(word) for word in words]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def article(noun: str) -> str:
    """`a` or `an`."""
    return "an" if noun[:1] in "aeiou" else "a"


def shorten(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def found(node: Node) -> str:
    """What stands there, shortly."""
    if isinstance(node, MapNode):
        return "a map" if node.entries else "an empty map"
    if isinstance(node, ListNode):
        return "a list" if node.items else "an empty list"
    if not isinstance(node, ScalarNode) or node.value is None:
        return "nothing"
    if isinstance(node.value, str):
        return f"the text {shorten(node.value)!r}"
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return f"the number {shorten(node.text)}"


def near(word: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing. Of very many names only those are looked at that can be near."""
    candidates = list(names)
    if len(candidates) > _CANDIDATES:
        candidates = [name for name in candidates if name[:1] == word[:1] and abs(len(name) - len(word)) < _FAR]
    return hint(word, candidates[:_CANDIDATES])
