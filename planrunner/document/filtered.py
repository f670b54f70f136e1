"""What the filters of templates give, by what is known of what they are given."""

from __future__ import annotations

from typing import Final

from planrunner.document.types import ANY, GONE_THROUGH, NUMBER, TEXT, Shape, Type, list_of, pair, union
from planrunner.template.outcomes import OF_FILTER
from planrunner.template.syntax import Node

_SAME_ITEMS: Final = ("list", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique")
_ONE_ITEM: Final = ("first", "last", "max", "min")
_ALSO_OF_TEXT: Final = ("first", "last", "reverse")
_PAIRS: Final = ("dictsort", "items")
_KINDS: Final = {"a number": NUMBER, "text": TEXT, "a list": list_of(lambda: ANY)}
_GIVE_WHAT_THEY_ARE_GIVEN: Final = ("float", "int", "sum")
_ATTRIBUTE: Final[dict[str, int | None]] = {
    "groupby": 0,
    "join": 1,
    "map": None,
    "max": 1,
    "min": 1,
    "rejectattr": 0,
    "selectattr": 0,
    "sort": 2,
    "sum": 0,
    "unique": 1,
}
"""Filters that look at a part of each item → the place among the arguments where that part may be named."""


def gives(name: str, given: Type, has_arguments: bool) -> Type:
    """What comes out of a filter, but for `default` and `map`."""
    some = given.without("null")
    listed = bool(some.shapes) and some.kinds <= set(GONE_THROUGH)
    if name in _SAME_ITEMS and listed:
        return some if some.kinds == {"array"} else list_of(some.item)
    if name in _ONE_ITEM and listed:
        return some.item()
    if name in _ALSO_OF_TEXT and some.kinds == {"string"}:
        return TEXT
    if name in _PAIRS and some.kinds == {"object"}:
        return list_of(lambda: pair(lambda: TEXT, lambda: union(*map(_values, some.shapes))))
    if name in _GIVE_WHAT_THEY_ARE_GIVEN and has_arguments:
        return ANY
    return _KINDS.get(OF_FILTER.get(name, ""), ANY)


def _values(shape: Shape) -> Type:
    """What may stand under any key of an object."""
    other = shape.field("\0") if shape.inner else ANY
    if other is not None and not other.shapes:
        return ANY
    named = (shape.field(name) for name in Type((shape,)).names)
    found = [each for each in (*named, other) if each is not None]
    return union(*found) if found else ANY


def attribute_of(node: Node) -> Node | None:
    """The constant by which a filter names a part of each item; None when there is none."""
    place = _ATTRIBUTE.get(node.name)
    named = [each.value for each in node.kwargs if each.key == "attribute" and node.name in _ATTRIBUTE]
    at_place = node.args[place : place + 1] if place is not None else []
    found = next(iter((*named, *at_place)), None)
    return found if found is not None and type(getattr(found, "value", None)) in (str, int) else None


def parts_of(attribute: str | int) -> list[str | int]:
    """The keys that a dotted name leads through."""
    if isinstance(attribute, int):
        return [attribute]
    return [int(part) if part.isdecimal() and part.isascii() else part for part in attribute.split(".")]
