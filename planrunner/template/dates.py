"""Dates in templates: moments are ISO strings, lengths of time are written as everywhere in a plan."""

# ruff: noqa: ARG001 - all have one shape, and some need no budget

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

from planrunner.template.faults import Budget, Fault, named

_LENGTH: Final = re.compile(r"\s*([+-]?)(\d{1,9}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)\s*")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
# Each stands for a fixed number of characters; widths and the locale's own long forms are left out.
_FORMAT: Final = re.compile(r"(?:[^%]|%[aAbBdfGHIjmMpSuUVwWyYzZ%])*", re.S)


def plus(budget: Budget, value: Any, length: Any) -> str:
    """`plus(length)`: the moment that much later; `length` is `'-4d'`, `'30m'`, … or a number of seconds."""
    moment = _moment(value)
    delta = _delta(length)
    try:
        moment += delta
    except OverflowError:
        raise Fault("plus() leaves the years 1 to 9999") from None
    if _DAY.fullmatch(value) and not delta.seconds and not delta.microseconds:
        return moment.date().isoformat()
    precise = "microseconds" if moment.microsecond % 1000 else "milliseconds" if "." in value else "auto"
    text = moment.isoformat(timespec=precise)
    return text.removesuffix("+00:00") + "Z" if value.endswith("Z") else text


def date(budget: Budget, value: Any, format: Any = "%Y-%m-%d") -> str:  # noqa: A002 - the name that plans write
    """`date(format)`: the moment as text; `format` as in strftime."""
    if not isinstance(format, str) or len(format) > 200 or not _FORMAT.fullmatch(format):
        raise Fault("date() needs a format such as '%Y-%m-%d %H:%M'")
    try:
        return _moment(value).strftime(format)
    except ValueError as error:  # half a character in the format, a year the platform can't write
        raise Fault(f"date() can't write {value} as {format!r}: {error}") from None


def _moment(value: Any) -> datetime:
    if isinstance(value, str) and len(value) < 64:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    shown = repr(value[:40]) if isinstance(value, str) else named(value)
    raise Fault(f"{shown} is no ISO date or time such as '2026-01-31' or '2026-01-31T12:00:00Z'")


def _delta(length: Any) -> timedelta:
    if type(length) in (int, float) and abs(length) < 1e11:
        return timedelta(seconds=length)
    match = _LENGTH.fullmatch(length) if isinstance(length, str) else None
    if match is None:
        raise Fault("plus() needs a length of time such as '-4d', '30m' or a number of seconds")
    sign, amount, unit = match.groups()
    return timedelta(seconds=float(f"{sign}{amount}") * _SECONDS[unit])
