"""What can be told of an expression's value from its text alone, whatever the run brings. For the checker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from planrunner.template.names import path_of
from planrunner.template.syntax import CONSTANTS, Node, TemplateSyntaxFault, parse, walk

_KINDS: Final = {
    **dict.fromkeys(("Neg", "Pos", "Sub", "Div", "FloorDiv", "Mod", "Pow"), "a number"),
    "Add": "a sum",
    "Mul": "a number or text",
    **dict.fromkeys(("List", "Tuple", "Call"), "a list"),
    "Concat": "text",
    "Dict": "an object",
}
_FILTERS: Final = {
    "a number": ("abs", "count", "float", "int", "length", "round", "sum", "wordcount"),
    "a list": (
        *("batch", "dictsort", "groupby", "items", "list", "map", "reject"),
        *("rejectattr", "select", "selectattr", "sort", "unique"),
    ),
    "text": (
        *("capitalize", "date", "format", "indent", "join", "lower", "replace"),
        *("string", "title", "tojson", "trim", "truncate", "upper", "urlencode"),
    ),
}
OF_FILTER: Final = {name: kind for kind, names in _FILTERS.items() for name in names}
"""Filter → what it gives, in words."""
_GIVE_WHAT_THEY_ARE_GIVEN: Final = ("float", "int", "sum")
"""Filters whose argument can be what comes out."""
_DEFAULTS: Final = ("default", "d")
_DEFAULT: Final = re.compile(r"\|\s*d(?:efault)?\b")


class Outcome(NamedTuple):
    """A value that an expression can have. `offset` is where in the text it stands, `kind` what it is, in words."""

    offset: int
    kind: str
    path: tuple[str, ...] = ()
    """The names, where it is a value that is read; then `kind` is empty."""


def outcomes(text: str) -> list[Outcome]:
    """The values that a bare expression can have and that are surely neither true nor false, and every path it can be.

    Of `a and b`, `a or b`, `x if a else y` and `a | default(b)` each part is one that it can have.
    """
    return [found for leaf in _leaves(parse(text, bare=True)) if (found := _outcome(leaf)) is not None]


def literal(text: str) -> bool | None:
    """True or false where a bare expression says no more than that; None for all else, and for what can't be read."""
    try:
        tree, negated = parse(text, bare=True), False
    except TemplateSyntaxFault:
        return None
    while type(tree).__name__ == "Not":
        tree, negated = tree.node, not negated
    value = tree.value if type(tree).__name__ == "Const" else None
    return value is not negated if isinstance(value, bool) else None


def demanded(text: str) -> list[tuple[tuple[str, ...], str]]:
    """Paths, each with the text that it must be equal to for a bare expression to hold; nothing where `or` leaves a
    way round.
    """
    try:
        heap = [parse(text, bare=True)]
    except TemplateSyntaxFault:
        return []
    found = []
    while heap:
        node = heap.pop()
        kind = type(node).__name__
        if kind == "And":
            heap += [node.right, node.left]
        elif kind == "Compare" and [operand.op for operand in node.ops] == ["eq"]:
            found += _equal(node.expr, node.ops[0].expr) or _equal(node.ops[0].expr, node.expr)
    return found


def _equal(node: Node, other: Node) -> list[tuple[tuple[str, ...], str]]:
    path = path_of(node)
    if path is None or type(other).__name__ != "Const" or not isinstance(other.value, str):
        return []
    return [((path[0].name, *map(str, path[1])), other.value)]


def idle_defaults(text: str, bare: bool) -> list[int]:
    """Where `default` stands behind a value that is written out, and so is never missing."""
    if not _DEFAULT.search(text):
        return []
    from planrunner.template.rules import start

    filters = (node for node in walk(parse(text, bare)) if type(node).__name__ == "Filter" and node.name in _DEFAULTS)
    return sorted(start(node.node) for node in filters if _is_written_out(node.node))


def _is_written_out(node: Node) -> bool:
    return type(node).__name__ == "Const" and node.value is not None


class _Part(NamedTuple):
    """A part that can be the value of the whole: when it is null, when it counts as true."""

    node: Node
    null: bool = True
    full: bool = True


def _leaves(tree: Node) -> Iterator[Node]:
    """The parts of which one is the value of the whole.

    Not a null that a `default` stands in for, and not the name before an `and`: that is the value only where it is
    empty, and what the language itself names never is.
    """
    heap = [_Part(tree)]
    while heap:
        part = heap.pop()
        node, kind = part.node, type(part.node).__name__
        if kind in ("And", "Or"):
            heap.append(part._replace(node=node.right))
            if _truth(node.left) is not (kind == "And"):
                heap.append(part._replace(node=node.left, full=part.full and kind == "Or"))
        elif kind == "CondExpr":
            heap += [part._replace(node=node.expr2), part._replace(node=node.expr1)]
        elif kind == "Filter" and node.name in _DEFAULTS:
            given = [*node.args[:1], *(each.value for each in node.kwargs if each.key == "default_value")]
            heap += [*(part._replace(node=each) for each in given), part._replace(node=node.node, null=False)]
            if not given:
                yield node
        elif (part.null or not _is_null(node)) and (part.full or not path_of(node)):
            yield node


def _is_null(node: Node) -> bool:
    kind = type(node).__name__
    return (kind == "Const" and node.value is None) or (kind == "Name" and node.name in CONSTANTS)


def _truth(node: Node) -> bool | None:
    """Whether a value that is written out counts as true; None for all else."""
    kind = type(node).__name__
    if kind == "Const":
        return bool(node.value)
    return bool(node.items) if kind in ("List", "Dict", "Tuple") else None


def _outcome(leaf: Node) -> Outcome | None:
    from planrunner.template.rules import start

    kind, offset = type(leaf).__name__, start(leaf)
    if _is_null(leaf):
        return Outcome(offset, "null")
    if kind == "Const":
        told = "" if isinstance(leaf.value, bool) else "text" if isinstance(leaf.value, str) else "a number"
        return Outcome(offset, told) if told else None
    if kind == "Filter":
        told = _filtered(leaf)
        return Outcome(offset, told) if told else None
    if kind in _KINDS:
        return Outcome(offset, _KINDS[kind])
    path = path_of(leaf)
    return Outcome(offset, "", (path[0].name, *map(str, path[1]))) if path else None


def _filtered(node: Node) -> str:
    if node.name in _DEFAULTS:
        return "an empty text"
    if node.name in _GIVE_WHAT_THEY_ARE_GIVEN and (node.args or node.kwargs):
        return ""
    return OF_FILTER.get(node.name, "")
