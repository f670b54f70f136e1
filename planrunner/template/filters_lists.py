"""The filters on lists. What they do stands in `filters`."""

# ruff: noqa: ARG001 - all have one shape, and some need no budget

from __future__ import annotations

from collections.abc import Mapping
from functools import cmp_to_key
from itertools import islice
from typing import Any

from planrunner.jsonsafe import dumps
from planrunner.template.faults import Budget, Fault, MissingFault, named
from planrunner.template.filters_text import sized_text, whole
from planrunner.template.values import calculate, items_of, look_up, orderable, plain, sized

# Lists


def length(budget: Budget, value: Any) -> int:
    if isinstance(value, (str, list, tuple, Mapping)):
        return len(value)
    advice = " (`| default([])` stands in for it)" if value is None else ""
    raise Fault(f"length needs a list, an object or a string, and this is {named(value)}{advice}")


def counted(budget: Budget, value: Any, what: str) -> list[Any] | tuple[Any, ...]:
    items = items_of(value, what)
    budget.spend(len(items))
    return items


def _one(items: Any, index: int, what: str) -> Any:
    if not items:
        raise MissingFault(f"there is no {what} item: the list is empty")
    return items[index]


def first(budget: Budget, value: Any) -> Any:
    return _one(value if isinstance(value, str) else items_of(value, "first"), 0, "first")


def last(budget: Budget, value: Any) -> Any:
    return _one(value if isinstance(value, str) else items_of(value, "last"), -1, "last")


def to_list(budget: Budget, value: Any) -> list[Any]:
    if isinstance(value, str):
        budget.spend(len(value))
        return list(value)
    return list(counted(budget, value, "list"))


def reverse(budget: Budget, value: Any) -> Any:
    if isinstance(value, str):
        sized(len(value), budget)
        return value[::-1]
    return list(counted(budget, value, "reverse"))[::-1]


def pick(value: Any, attribute: Any) -> Any:
    """What stands under a dotted name or a number."""
    if attribute is None:
        return value
    if type(attribute) is int:
        return look_up(value, attribute, "the item")
    if not isinstance(attribute, str) or len(attribute) > 1000:
        raise Fault(f"an attribute is a name or a number, not {named(attribute)}")
    place = "the item"
    for part in attribute.split("."):
        value = look_up(value, int(part) if part.isdecimal() and part.isascii() else part, place)
        place += f".{part}"
    return value


def folded(value: Any, case_sensitive: Any) -> Any:
    return value.lower() if isinstance(value, str) and not case_sensitive else value


def _in_order(left: tuple[Any, Any], right: tuple[Any, Any]) -> int:
    a, b = left[0], right[0]
    if not orderable(a, b):
        raise Fault(f"{named(a)} and {named(b)} have no order: all must be numbers, or all strings")
    return int(a > b) - int(a < b)


def ordered(budget: Budget, pairs: list[tuple[Any, Any]], reverse: Any = False) -> list[Any]:
    """The second parts, in the order of the first ones."""
    budget.spend(4 * len(pairs))
    if len(pairs) == 1:
        return [pairs[0][1]]
    return [item for _, item in sorted(pairs, key=cmp_to_key(_in_order), reverse=bool(reverse))]


def _keyed(budget: Budget, value: Any, what: str, attribute: Any, case_sensitive: Any) -> list[tuple[Any, Any]]:
    return [(folded(pick(item, attribute), case_sensitive), item) for item in counted(budget, value, what)]


def sort(
    budget: Budget,
    value: Any,
    reverse: Any = False,
    case_sensitive: Any = False,
    attribute: Any = None,
) -> list[Any]:
    return ordered(budget, _keyed(budget, value, "sort", attribute, case_sensitive), reverse)


def minimum(budget: Budget, value: Any, case_sensitive: Any = False, attribute: Any = None) -> Any:
    return _one(ordered(budget, _keyed(budget, value, "min", attribute, case_sensitive)), 0, "smallest")


def maximum(budget: Budget, value: Any, case_sensitive: Any = False, attribute: Any = None) -> Any:
    return _one(ordered(budget, _keyed(budget, value, "max", attribute, case_sensitive)), -1, "largest")


def _identity(value: Any, budget: Budget) -> Any:
    """Something hashable that is the same for values that JSON calls equal: 1 and 1.0, but not 1 and true."""
    if isinstance(value, str) or type(value) in (int, float):
        return value
    return dumps(plain(value, budget)), None


def unique(budget: Budget, value: Any, case_sensitive: Any = False, attribute: Any = None) -> list[Any]:
    found: dict[Any, Any] = {}
    for key, item in _keyed(budget, value, "unique", attribute, case_sensitive):
        found.setdefault(_identity(key, budget), item)
    return list(found.values())


def groupby(
    budget: Budget, value: Any, attribute: Any, default: Any = None, case_sensitive: Any = False
) -> list[list[Any]]:
    groups: dict[Any, tuple[Any, list[Any]]] = {}
    for item in counted(budget, value, "groupby"):
        key = or_default(item, attribute, default)
        groups.setdefault(_identity(folded(key, case_sensitive), budget), (key, []))[1].append(item)
    pairs = [(folded(key, case_sensitive), [key, items]) for key, items in groups.values()]
    return ordered(budget, pairs)


def or_default(item: Any, attribute: Any, default: Any) -> Any:
    try:
        found = pick(item, attribute)
    except MissingFault:
        if default is None:
            raise
        return default
    return default if found is None else found


def join(budget: Budget, value: Any, d: Any = "", attribute: Any = None) -> str:
    texts = [sized_text(budget, pick(item, attribute)) for item in counted(budget, value, "join")]
    between = sized_text(budget, d)
    sized(sum(map(len, texts)) + len(between) * len(texts), budget)
    return between.join(texts)


def add_up(budget: Budget, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    total = start
    for item in counted(budget, value, "sum"):
        total = calculate("Add", total, pick(item, attribute), budget)
    return total


def batch(budget: Budget, value: Any, linecount: Any, fill_with: Any = None) -> list[list[Any]]:
    size = whole(linecount, "linecount", 1, 10_000)
    rest = iter(counted(budget, value, "batch"))
    rows = []
    while row := list(islice(rest, size)):
        rows.append(row)
    if fill_with is not None and rows:
        rows[-1] += [fill_with] * (size - len(rows[-1]))
    return rows
