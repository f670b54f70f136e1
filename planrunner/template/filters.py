"""The filters of templates: Jinja's by name and meaning, as far as they are pure and bounded, and two for dates.

    text     upper lower capitalize title trim replace truncate indent format string urlencode wordcount
    numbers  int float round abs
    lists    length (count) first last list reverse sort unique join sum min max batch groupby
             map select reject selectattr rejectattr
    objects  items dictsort
    JSON     tojson
    null     default (d)
    dates    plus date

Different from Jinja, on purpose: `attribute=` and every other name looks up keys only; what becomes text becomes it
as in templates (strings as they are, all else as JSON); `tojson` writes plain JSON, not HTML; `int` and `float`
fail on what is no number unless they are given a default; `first`, `last`, `min` and `max` of nothing are missing,
which `default` mends; `items` needs an object; `groupby` gives pairs.
"""

# ruff: noqa: ARG001 - all have one shape, and some need no budget

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from planrunner.registry import hint
from planrunner.template.dates import date, plus
from planrunner.template.faults import Budget, Fault, named
from planrunner.template.filters_lists import (
    add_up,
    batch,
    counted,
    first,
    folded,
    groupby,
    join,
    last,
    length,
    maximum,
    minimum,
    or_default,
    ordered,
    pick,
    reverse,
    sort,
    to_list,
    unique,
)
from planrunner.template.filters_text import (
    absolute,
    capitalize,
    format_text,
    indent,
    lower,
    replace,
    rounded,
    sized_text,
    title,
    to_float,
    to_int,
    trim,
    truncate,
    upper,
    urlencode,
    whole,
    wordcount,
)
from planrunner.template.predicates import TESTS
from planrunner.template.values import Out, plain

Filter = Callable[..., Any]


# Lists, by another filter or test


def map_items(budget: Budget, value: Any, *args: Any, **named_args: Any) -> list[Any]:
    """`map(attribute='a.b', default=…)`, or `map('upper')` and the arguments of that filter."""
    items = counted(budget, value, "map")
    if not args:
        attribute, default = named_args.pop("attribute", None), named_args.pop("default", None)
        if attribute is None or named_args:
            raise Fault("map() needs attribute='name' (and perhaps default=…) or the name of a filter")
        return [
            or_default(item, attribute, default) if default is not None else pick(item, attribute) for item in items
        ]
    work = _by_name(FILTERS, args[0], "filter")
    budget.spend(2 * len(items))
    return [work(budget, item, *args[1:], **named_args) for item in items]


def others(name: str, known: Iterable[str]) -> str:
    """What could stand in the place of a filter or test that there is not."""
    names = sorted(each for each in known if each.isidentifier())
    return hint(name, names) or f"; there are {', '.join(names)}"


def _by_name(table: Mapping[str, Filter], name: Any, what: str) -> Filter:
    work = table.get(name) if isinstance(name, str) else None
    if work is None:
        known = others(name, table) if isinstance(name, str) else ""
        raise Fault(f"there is no {what} {name[:60]!r}{known}" if known else f"{named(name)} names no {what}")
    return work


def _sieve(budget: Budget, value: Any, what: str, attribute: Any, test: tuple[Any, ...], wanted: bool) -> list[Any]:
    items = counted(budget, value, what)
    if not test:
        return [item for item in items if bool(pick(item, attribute)) is wanted]
    holds = _by_name(TESTS, test[0], "test")
    budget.spend(2 * len(items))
    return [item for item in items if holds(budget, pick(item, attribute), *test[1:]) is wanted]


def select(budget: Budget, value: Any, *test: Any) -> list[Any]:
    return _sieve(budget, value, "select", None, test, True)


def reject(budget: Budget, value: Any, *test: Any) -> list[Any]:
    return _sieve(budget, value, "reject", None, test, False)


def selectattr(budget: Budget, value: Any, attribute: Any, *test: Any) -> list[Any]:
    return _sieve(budget, value, "selectattr", attribute, test, True)


def rejectattr(budget: Budget, value: Any, attribute: Any, *test: Any) -> list[Any]:
    return _sieve(budget, value, "rejectattr", attribute, test, False)


# Objects and JSON

_JSON: Final = json.JSONEncoder(ensure_ascii=False)


def _pairs(budget: Budget, value: Any, what: str) -> Iterable[tuple[Any, Any]]:
    if not isinstance(value, Mapping):
        raise Fault(f"{what} needs an object, and this is {named(value)}")
    budget.spend(len(value))
    return value.items()


def items(budget: Budget, value: Any) -> list[list[Any]]:
    return [list(pair) for pair in _pairs(budget, value, "items")]


def dictsort(
    budget: Budget, value: Any, case_sensitive: Any = False, by: Any = "key", reverse: Any = False
) -> list[list[Any]]:
    if by not in ("key", "value"):
        raise Fault("dictsort sorts by='key' or by='value'")
    place = 0 if by == "key" else 1
    pairs = [(folded(pair[place], case_sensitive), list(pair)) for pair in _pairs(budget, value, "dictsort")]
    return ordered(budget, pairs, reverse)


def tojson(budget: Budget, value: Any, indent: Any = None) -> str:
    copy = plain(value, budget)
    if indent is None:
        return sized_text(budget, copy) if not isinstance(copy, str) else _JSON.encode(copy)
    out = Out()  # indenting can make a text a thousand times larger: counted as it grows
    for part in json.JSONEncoder(ensure_ascii=False, indent=whole(indent, "indent", 0, 8)).iterencode(copy):
        out.write(part)
    return out.text()


def default(budget: Budget, value: Any, default_value: Any = "", boolean: Any = False) -> Any:
    """What is missing is caught where the filter is called; here null, and with `boolean` everything empty."""
    return default_value if value is None or (boolean and not value) else value


FILTERS: Final[dict[str, Filter]] = {
    "abs": absolute,
    "batch": batch,
    "capitalize": capitalize,
    "count": length,
    "d": default,
    "date": date,
    "default": default,
    "dictsort": dictsort,
    "first": first,
    "float": to_float,
    "format": format_text,
    "groupby": groupby,
    "indent": indent,
    "int": to_int,
    "items": items,
    "join": join,
    "last": last,
    "length": length,
    "list": to_list,
    "lower": lower,
    "map": map_items,
    "max": maximum,
    "min": minimum,
    "plus": plus,
    "reject": reject,
    "rejectattr": rejectattr,
    "replace": replace,
    "reverse": reverse,
    "round": rounded,
    "select": select,
    "selectattr": selectattr,
    "sort": sort,
    "string": sized_text,
    "sum": add_up,
    "title": title,
    "tojson": tojson,
    "trim": trim,
    "truncate": truncate,
    "unique": unique,
    "upper": upper,
    "urlencode": urlencode,
    "wordcount": wordcount,
}
