"""A plan is read by many and kept with every run: keys of models stand elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planrunner.document.problem import Problem
from planrunner.document.source import ListNode, MapNode, Node, ScalarNode
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.models.masking import SHORTEST_KEY, is_key_name

_NO_KEYS: Final = frozenset(("not-needed", "no-key-required", "sk-no-key-required", "lm-studio", "placeholder"))
"""What people write where a server wants any key. Shorter words (`none`, `EMPTY`) are no keys anyway."""


def check(document: Document) -> Iterator[Problem]:
    """Every key that is written out among the parameters of `models`."""
    for name, node in _keys(document):
        message = (
            f"{name!r} is written out here, and a plan is kept with every run of it: leave it out. The "
            "provider's key is read from the environment (such as OPENAI_API_KEY), or stands with the model under "
            "[models] in planrunner.toml"
        )
        yield document.problem(node, "key-in-plan", message)


def written_keys(document: Document) -> Iterator[ScalarNode]:
    """Where these stand."""
    return (node for _, node in _keys(document))


def _keys(document: Document) -> Iterator[tuple[str, ScalarNode]]:
    for entry in document.named("models").values():
        for name, node in _texts(entry.value, ""):
            if is_key_name(name) and _is_key(text_of(node) or ""):
                yield name, node


def _texts(node: Node, name: str) -> Iterator[tuple[str, ScalarNode]]:
    """Every text below a node, with the name under which it stands."""
    if isinstance(node, MapNode):
        for key, entry in node.entries.items():
            yield from _texts(entry.value, key)
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _texts(item, name)
    elif isinstance(node, ScalarNode) and text_of(node) is not None:
        yield name, node


def _is_key(value: str) -> bool:
    return len(value) >= SHORTEST_KEY and value not in _NO_KEYS and "{{" not in value
