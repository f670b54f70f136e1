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
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cmp_to_key
from itertools import islice
from math import ceil, floor
from typing import Any, Final

from planrunner.jsonsafe import dumps
from planrunner.template.dates import date, plus
from planrunner.template.faults import Budget, Fault, MissingFault, named
from planrunner.template.predicates import TESTS
from planrunner.template.values import (
    Out,
    calculate,
    items_of,
    joined,
    look_up,
    number,
    orderable,
    plain,
    sized,
    text_of,
)

Filter = Callable[..., Any]


def _text(budget: Budget, value: Any) -> str:
    text = text_of(value, budget)
    sized(len(text), budget)
    return text


def _whole(value: Any, what: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise Fault(f"{what} must be a whole number from {low:,} to {high:,}, and is {named(value)}")
    return value


# Text


def upper(budget: Budget, value: Any) -> str:
    return _text(budget, value).upper()


def lower(budget: Budget, value: Any) -> str:
    return _text(budget, value).lower()


def capitalize(budget: Budget, value: Any) -> str:
    return _text(budget, value).capitalize()


def title(budget: Budget, value: Any) -> str:
    return re.sub(r"[^-\s({\[<]+", lambda word: word[0][0].upper() + word[0][1:].lower(), _text(budget, value))


def trim(budget: Budget, value: Any, chars: Any = None) -> str:
    return _text(budget, value).strip(None if chars is None else _text(budget, chars))


def replace(budget: Budget, value: Any, old: Any, new: Any, count: Any = None) -> str:
    text, old, new = _text(budget, value), _text(budget, old), _text(budget, new)
    times = text.count(old) if count is None else min(text.count(old), _whole(count, "count", 0, 10**9))
    sized(len(text) + times * len(new), budget)
    return text.replace(old, new, times)


def truncate(
    budget: Budget, value: Any, length: Any = 255, killwords: Any = False, end: Any = "...", leeway: Any = 5
) -> str:
    text, end = _text(budget, value), _text(budget, end)
    length = _whole(length, "length", len(end), 10**9)
    if len(text) <= length + _whole(leeway, "leeway", 0, 10**9):
        return text
    cut = text[: length - len(end)]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + end


def indent(budget: Budget, value: Any, width: Any = 4, first: Any = False, blank: Any = False) -> str:
    text = _text(budget, value)
    margin = width if isinstance(width, str) else " " * _whole(width, "width", 0, 1000)
    sized(len(text) + len(margin) * (text.count("\n") + 1), budget)
    head, *lines = text.split("\n")
    moved = [margin + line if line or blank else line for line in lines]
    return "\n".join([margin + head if first else head, *moved])


_CONVERSION: Final = re.compile(r"%(?:%|(\((\w{1,60})\))?([-+ 0#]*)(\d{0,3})(?:\.(\d{1,3}))?([sdifgexX]))")


def format_text(budget: Budget, value: Any, *args: Any, **named_args: Any) -> str:
    """`"%s of %5.2f" | format(a, b)`; only %s %d %i %f %g %e %x, widths up to three digits."""
    text = _text(budget, value)
    places = list(_CONVERSION.finditer(text))
    if sum(1 for place in places) != len(re.findall(r"%%|%", text)):
        raise Fault("format() knows %s, %d, %f, %g, %e and %x, with widths up to 999, and %% for a percent sign")
    sized(len(text) + 1000 * len(places), budget)
    rest = iter(args)
    parts: list[str] = []
    end = 0
    for place in places:
        parts += text[end : place.start()], "%" if place[0] == "%%" else _converted(budget, place, rest, named_args)
        end = place.end()
    return joined([*parts, text[end:]], budget)


def _converted(budget: Budget, place: re.Match[str], rest: Iterator[Any], named_args: Mapping[str, Any]) -> str:
    _, name, flags, width, precision, kind = place.groups()
    value = named_args.get(name, rest) if name else next(rest, rest)
    if value is rest:
        raise Fault(f"format() has no value for {place[0]}")
    shape = f"%{flags}{width}{'.' + precision if precision else ''}{kind}"
    if kind == "s":
        return str(shape % _text(budget, value))
    if type(value) not in (int, float) or (kind in "xX" and type(value) is float):
        raise Fault(f"format() needs a number for {place[0]}, and has {named(value)}")
    try:
        return str(shape % value)
    except (ArithmeticError, ValueError):
        raise Fault(f"format() can't write {named(value)} as {place[0]}") from None


def urlencode(budget: Budget, value: Any) -> str:
    from urllib.parse import quote, quote_plus

    if isinstance(value, Mapping):
        pairs = ((quote_plus(_text(budget, k)), quote_plus(_text(budget, v))) for k, v in value.items())
        return joined(("&".join(f"{key}={item}" for key, item in pairs),), budget)
    return quote(_text(budget, value), safe="/")


def wordcount(budget: Budget, value: Any) -> int:
    return len(re.findall(r"\w+", _text(budget, value)))


# Numbers

_FAIL: Final = object()


def to_int(budget: Budget, value: Any, default: Any = _FAIL) -> Any:
    try:
        return number(int(value)) if type(value) in (int, float, bool) else number(int(_number_text(value)))
    except (ValueError, ArithmeticError):
        return number(int(to_float(budget, value))) if default is _FAIL else default


def to_float(budget: Budget, value: Any, default: Any = _FAIL) -> Any:
    try:
        return number(float(value)) if type(value) in (int, float, bool) else number(float(_number_text(value)))
    except (ValueError, ArithmeticError):
        if default is not _FAIL:
            return default
        shown = repr(value[:40]) if isinstance(value, str) else named(value)
        raise Fault(f"{shown} is no number; a default may stand in: int(0), float(0.0)") from None


def _number_text(value: Any) -> str:
    """ValueError for all that is not a plain decimal number: Python also takes 1_000, nan and Arabic digits."""
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", value, re.ASCII):
        return value.strip()
    raise ValueError


def rounded(budget: Budget, value: Any, precision: Any = 0, method: Any = "common") -> Any:
    if type(value) not in (int, float):
        raise Fault(f"round() needs a number, and this is {named(value)}")
    precision = _whole(precision, "precision", -15, 15)
    try:
        if method == "common":
            return number(round(value, precision))
        if method in ("ceil", "floor"):
            return number((ceil if method == "ceil" else floor)(value * 10**precision) / 10**precision)
    except ArithmeticError:
        raise Fault("round() is given a number that is too large") from None
    raise Fault("round() knows the methods 'common', 'ceil' and 'floor'")


def absolute(budget: Budget, value: Any) -> Any:
    if type(value) not in (int, float):
        raise Fault(f"abs needs a number, and this is {named(value)}")
    return abs(value)


# Lists


def length(budget: Budget, value: Any) -> int:
    if isinstance(value, (str, list, tuple, Mapping)):
        return len(value)
    advice = " (`| default([])` stands in for it)" if value is None else ""
    raise Fault(f"length needs a list, an object or a string, and this is {named(value)}{advice}")


def _items(budget: Budget, value: Any, what: str) -> list[Any] | tuple[Any, ...]:
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
    return list(_items(budget, value, "list"))


def reverse(budget: Budget, value: Any) -> Any:
    if isinstance(value, str):
        sized(len(value), budget)
        return value[::-1]
    return list(_items(budget, value, "reverse"))[::-1]


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


def _folded(value: Any, case_sensitive: Any) -> Any:
    return value.lower() if isinstance(value, str) and not case_sensitive else value


def _in_order(left: tuple[Any, Any], right: tuple[Any, Any]) -> int:
    a, b = left[0], right[0]
    if not orderable(a, b):
        raise Fault(f"{named(a)} and {named(b)} have no order: all must be numbers, or all strings")
    return int(a > b) - int(a < b)


def _ordered(budget: Budget, pairs: list[tuple[Any, Any]], reverse: Any = False) -> list[Any]:
    """The second parts, in the order of the first ones."""
    budget.spend(4 * len(pairs))
    if len(pairs) == 1:
        return [pairs[0][1]]
    return [item for _, item in sorted(pairs, key=cmp_to_key(_in_order), reverse=bool(reverse))]


def _keyed(budget: Budget, value: Any, what: str, attribute: Any, case_sensitive: Any) -> list[tuple[Any, Any]]:
    return [(_folded(pick(item, attribute), case_sensitive), item) for item in _items(budget, value, what)]


def sort(
    budget: Budget,
    value: Any,
    reverse: Any = False,
    case_sensitive: Any = False,
    attribute: Any = None,
) -> list[Any]:
    return _ordered(budget, _keyed(budget, value, "sort", attribute, case_sensitive), reverse)


def minimum(budget: Budget, value: Any, case_sensitive: Any = False, attribute: Any = None) -> Any:
    return _one(_ordered(budget, _keyed(budget, value, "min", attribute, case_sensitive)), 0, "smallest")


def maximum(budget: Budget, value: Any, case_sensitive: Any = False, attribute: Any = None) -> Any:
    return _one(_ordered(budget, _keyed(budget, value, "max", attribute, case_sensitive)), -1, "largest")


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
    for item in _items(budget, value, "groupby"):
        key = _or_default(item, attribute, default)
        groups.setdefault(_identity(_folded(key, case_sensitive), budget), (key, []))[1].append(item)
    pairs = [(_folded(key, case_sensitive), [key, items]) for key, items in groups.values()]
    return _ordered(budget, pairs)


def _or_default(item: Any, attribute: Any, default: Any) -> Any:
    try:
        found = pick(item, attribute)
    except MissingFault:
        if default is None:
            raise
        return default
    return default if found is None else found


def join(budget: Budget, value: Any, d: Any = "", attribute: Any = None) -> str:
    texts = [_text(budget, pick(item, attribute)) for item in _items(budget, value, "join")]
    between = _text(budget, d)
    sized(sum(map(len, texts)) + len(between) * len(texts), budget)
    return between.join(texts)


def add_up(budget: Budget, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    total = start
    for item in _items(budget, value, "sum"):
        total = calculate("Add", total, pick(item, attribute), budget)
    return total


def batch(budget: Budget, value: Any, linecount: Any, fill_with: Any = None) -> list[list[Any]]:
    size = _whole(linecount, "linecount", 1, 10_000)
    rest = iter(_items(budget, value, "batch"))
    rows = []
    while row := list(islice(rest, size)):
        rows.append(row)
    if fill_with is not None and rows:
        rows[-1] += [fill_with] * (size - len(rows[-1]))
    return rows


# Lists, by another filter or test


def map_items(budget: Budget, value: Any, *args: Any, **named_args: Any) -> list[Any]:
    """`map(attribute='a.b', default=…)`, or `map('upper')` and the arguments of that filter."""
    items = _items(budget, value, "map")
    if not args:
        attribute, default = named_args.pop("attribute", None), named_args.pop("default", None)
        if attribute is None or named_args:
            raise Fault("map() needs attribute='name' (and perhaps default=…) or the name of a filter")
        return [
            _or_default(item, attribute, default) if default is not None else pick(item, attribute) for item in items
        ]
    work = _by_name(FILTERS, args[0], "filter")
    return [work(budget, item, *args[1:], **named_args) for item in items]


def _by_name(table: Mapping[str, Filter], name: Any, what: str) -> Filter:
    work = table.get(name) if isinstance(name, str) else None
    if work is None:
        raise Fault(f"there is no {what} {name!r}" if isinstance(name, str) else f"{named(name)} names no {what}")
    return work


def _sieve(budget: Budget, value: Any, what: str, attribute: Any, test: tuple[Any, ...], wanted: bool) -> list[Any]:
    items = _items(budget, value, what)
    if not test:
        return [item for item in items if bool(pick(item, attribute)) is wanted]
    holds = _by_name(TESTS, test[0], "test")
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
    pairs = [(_folded(pair[place], case_sensitive), list(pair)) for pair in _pairs(budget, value, "dictsort")]
    return _ordered(budget, pairs, reverse)


def tojson(budget: Budget, value: Any, indent: Any = None) -> str:
    copy = plain(value, budget)
    if indent is None:
        return _text(budget, copy) if not isinstance(copy, str) else _JSON.encode(copy)
    out = Out()  # indenting can make a text a thousand times larger: counted as it grows
    for part in json.JSONEncoder(ensure_ascii=False, indent=_whole(indent, "indent", 0, 8)).iterencode(copy):
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
    "string": _text,
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
