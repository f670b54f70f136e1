"""The names a template takes from outside of itself, for the checker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from planrunner.template.syntax import CONSTANTS, Node, children, walk


class Reference(NamedTuple):
    """A dotted path such as ("inputs", "order_id"). `offset` is where its first name stands in the text."""

    names: tuple[str, ...]
    offset: int


def path_of(node: Node) -> tuple[Node, list[str | int]] | None:
    """The Name that a chain of dots and constant brackets begins with, and its keys; None for all else."""
    keys: list[str | int] = []
    while True:
        kind = type(node).__name__
        if kind == "Name":
            return node, keys[::-1]
        if kind == "Getattr":
            keys.append(node.attr)
        elif kind == "Getitem" and type(node.arg).__name__ == "Const" and type(node.arg.value) in (str, int):
            keys.append(node.arg.value)
        else:
            return None
        node = node.node


_OUTPUTS = frozenset({"steps", "previous"})


def output_named(node: Node) -> str | None:
    """How to call what an expression takes from the outputs of steps: its path if it is one. None: it takes nothing."""
    path = path_of(node)
    if path is not None:
        name, keys = path
        return ".".join(map(str, (name.name, *keys))) if name.name in _OUTPUTS else None
    takes = any(type(part).__name__ == "Name" and part.name in _OUTPUTS for part in walk(node))
    return "a value made of outputs" if takes else None


def free_names(tree: Node) -> list[Reference]:
    """Every path that begins with a name the template does not bind itself, in the order of the text."""
    return sorted(_below(tree, set()), key=lambda reference: reference.offset)


def _below(node: Node, bound: set[str]) -> Iterator[Reference]:
    """`bound` grows as `set` binds names; what opens a scope passes a copy on."""
    kind = type(node).__name__
    if (path := path_of(node)) is not None:
        yield from _reference(*path, bound)
    elif kind == "For":
        yield from _below(node.iter, bound)
        inner = bound | _stored(node.target) | {"loop"}
        for child in ([node.test] if node.test else []) + node.body:
            yield from _below(child, inner)
        for child in node.else_:
            yield from _below(child, set(bound))
    elif kind == "With":
        for child in node.values:
            yield from _below(child, bound)
        inner = bound.union(*map(_stored, node.targets))
        for child in node.body:
            yield from _below(child, inner)
    elif kind in ("Assign", "AssignBlock"):
        for child in node.iter_child_nodes(exclude=("target",)):
            yield from _below(child, bound if kind == "Assign" else set(bound))
        bound |= _stored(node.target)
    else:
        if kind == "FilterBlock":
            bound = set(bound)
        for child in _children(node):
            yield from _below(child, bound)


def _children(node: Node) -> Iterator[Node]:
    """The nodes below; the name in a call is no name of the plan's."""
    calls_name = type(node).__name__ == "Call" and type(node.node).__name__ == "Name"
    yield from node.iter_child_nodes(exclude=("node",)) if calls_name else children(node)


def _reference(name: Node, keys: list[str | int], bound: set[str]) -> Iterator[Reference]:
    if name.name not in bound and name.name not in CONSTANTS:
        words = next((keys[:index] for index, key in enumerate(keys) if not isinstance(key, str)), keys)
        yield Reference((name.name, *map(str, words)), name.lineno)


def _stored(target: Node) -> set[str]:
    if type(target).__name__ == "Name":
        return {target.name}
    return {item.name for item in getattr(target, "items", ()) if type(item).__name__ == "Name"}
