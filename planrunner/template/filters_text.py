"""The filters on text and on numbers. What they do stands in `filters`."""

# ruff: noqa: ARG001 - all have one shape, and some need no budget

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import ceil, floor
from typing import Any, Final

from planrunner.template.faults import Budget, Fault, named
from planrunner.template.values import joined, number, sized, text_of


def sized_text(budget: Budget, value: Any) -> str:
    text = text_of(value, budget)
    sized(len(text), budget)
    return text


def whole(value: Any, what: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise Fault(f"{what} must be a whole number from {low:,} to {high:,}, and is {named(value)}")
    return value


# Text


def upper(budget: Budget, value: Any) -> str:
    return sized_text(budget, value).upper()


def lower(budget: Budget, value: Any) -> str:
    return sized_text(budget, value).lower()


def capitalize(budget: Budget, value: Any) -> str:
    return sized_text(budget, value).capitalize()


def title(budget: Budget, value: Any) -> str:
    return re.sub(r"[^-\s({\[<]+", lambda word: word[0][0].upper() + word[0][1:].lower(), sized_text(budget, value))


def trim(budget: Budget, value: Any, chars: Any = None) -> str:
    return sized_text(budget, value).strip(None if chars is None else sized_text(budget, chars))


def replace(budget: Budget, value: Any, old: Any, new: Any, count: Any = None) -> str:
    text, old, new = sized_text(budget, value), sized_text(budget, old), sized_text(budget, new)
    times = text.count(old) if count is None else min(text.count(old), whole(count, "count", 0, 10**9))
    sized(len(text) + times * len(new), budget)
    return text.replace(old, new, times)


def truncate(
    budget: Budget, value: Any, length: Any = 255, killwords: Any = False, end: Any = "...", leeway: Any = 5
) -> str:
    text, tail = sized_text(budget, value), sized_text(budget, end)
    length = whole(length, "length", len(tail), 10**9)
    if len(text) <= length + whole(leeway, "leeway", 0, 10**9):
        return text
    cut = text[: length - len(tail)]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + tail


def indent(budget: Budget, value: Any, width: Any = 4, first: Any = False, blank: Any = False) -> str:
    text = sized_text(budget, value)
    margin = width if isinstance(width, str) else " " * whole(width, "width", 0, 1000)
    sized(len(text) + len(margin) * (text.count("\n") + 1), budget)
    head, *lines = text.split("\n")
    moved = [margin + line if line or blank else line for line in lines]
    return "\n".join([margin + head if first else head, *moved])


_CONVERSION: Final = re.compile(r"%(?:%|(\((\w{1,60})\))?([-+ 0#]*)(\d{0,3})(?:\.(\d{1,3}))?([sdifgexX]))")


def format_text(budget: Budget, value: Any, *args: Any, **named_args: Any) -> str:
    """`"%s of %5.2f" | format(a, b)`; only %s %d %i %f %g %e %x, widths up to three digits."""
    text = sized_text(budget, value)
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
    if next(rest, rest) is not rest:
        raise Fault(f"format() is given more values than {text[:40]!r} has places")
    return joined([*parts, text[end:]], budget)


def _converted(budget: Budget, place: re.Match[str], rest: Iterator[Any], named_args: Mapping[str, Any]) -> str:
    _, name, flags, width, precision, kind = place.groups()
    value = named_args.get(name, rest) if name else next(rest, rest)
    if value is rest:
        raise Fault(f"format() has no value for {place[0]}")
    shape = f"%{flags}{width}{'.' + precision if precision else ''}{kind}"
    if kind == "s":
        return str(shape % sized_text(budget, value))
    if type(value) not in (int, float) or (kind in "xX" and type(value) is float):
        raise Fault(f"format() needs a number for {place[0]}, and has {named(value)}")
    try:
        return str(shape % value)
    except (ArithmeticError, ValueError):
        raise Fault(f"format() can't write {named(value)} as {place[0]}") from None


def urlencode(budget: Budget, value: Any) -> str:
    from urllib.parse import quote, quote_plus

    if isinstance(value, Mapping):
        pairs = ((quote_plus(sized_text(budget, k)), quote_plus(sized_text(budget, v))) for k, v in value.items())
        return joined(("&".join(f"{key}={item}" for key, item in pairs),), budget)
    return quote(sized_text(budget, value), safe="/")


def wordcount(budget: Budget, value: Any) -> int:
    return len(re.findall(r"\w+", sized_text(budget, value)))


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
    if (
        isinstance(value, str)
        and len(value) < 5000
        and re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", value, re.ASCII)
    ):
        return value.strip()
    raise ValueError


def rounded(budget: Budget, value: Any, precision: Any = 0, method: Any = "common") -> Any:
    if type(value) not in (int, float):
        raise Fault(f"round() needs a number, and this is {named(value)}")
    precision = whole(precision, "precision", -15, 15)
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
