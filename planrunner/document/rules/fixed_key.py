"""The idempotency key of a call in a loop differs from item to item."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.rules.scope import around
from planrunner.document.shape import Path
from planrunner.document.source import MapNode, ScalarNode
from planrunner.document.tree import text_of
from planrunner.document.view import Document, StepView

_OF_LOOPS = ("loop", "previous")


def check(document: Document) -> Iterator[Problem]:
    """Every `idempotency_key` in a `foreach` that reads nothing of the loop."""
    read = _read(document)
    for step in document.steps:
        node = step.node.get("idempotency_key")
        loop = next((each for each in around(step) if "foreach" in each.node.entries), None)
        item = None if loop is None else _item(loop)
        if loop is None or item is None or not isinstance(node, ScalarNode):
            continue
        names = read.get((*step.path, "idempotency_key"), [] if "{" not in str(node.value) else None)
        if names is not None and not any(_varies(document, path, loop, item) for path in names):
            message = (
                f"the idempotency key is the same for every item of {loop.name!r}, so the tool would take each call "
                f"for the first one again: read the item in it, as in {{{{ {item} }}}}"
            )
            yield document.problem(node, "fixed-key", message)


def _read(document: Document) -> dict[Path, list[tuple[str, ...]]]:
    """Place of a key that is a template → the paths it reads."""
    keys: dict[Path, list[tuple[str, ...]]] = {
        site.path: [] for site in document.readable if site.path[-1] == "idempotency_key"
    }
    for site, reference in document.references:
        if site.path in keys:
            keys[site.path].append(reference.names)
    return keys


def _item(loop: StepView) -> str | None:
    """What an item is called; None when that can't be read."""
    node = loop.node.get("foreach")
    if not isinstance(node, MapNode):
        return None
    return text_of(node.get("as")) if "as" in node.entries else "item"


def _varies(document: Document, path: tuple[str, ...], loop: StepView, item: str) -> bool:
    if path[0] == "steps":
        inner = document.by_id.get(path[1]) if len(path) > 1 else None
        return inner is None or loop in around(inner)
    return path[0] in (item, *_OF_LOOPS)
