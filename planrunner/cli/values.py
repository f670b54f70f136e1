"""Words of the command line made into values: `K=V`, `K:=JSON`, moments, and text that is UTF-8 whatever the locale."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from time import time
from typing import Any

import click

from planrunner.errors import UsageError
from planrunner.registry import hint

_AGO = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])")
MOST = 1_000_000
"""The highest number of things that may be asked for."""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def utf8(word: str) -> str:
    """The type of a flag that takes text: Python decodes words by the locale, their bytes are taken as UTF-8 here."""
    try:
        return os.fsencode(word).decode("utf-8")
    except UnicodeError:
        raise click.BadParameter(f"{word!r} is not UTF-8 text") from None


def how_many(word: str) -> int:
    """The type of a flag that takes a number of things, at least 1."""
    if word.isascii() and word.isdecimal() and 1 <= len(word) <= len(str(MOST)) and 1 <= int(word) <= MOST:
        return int(word)
    raise click.BadParameter(f"{_short(word)} is not a whole number from 1 to {MOST}")


def pairs(flag: str, words: Iterable[str], of_text: Callable[[str, str], Any]) -> dict[str, Any]:
    """`K=V` and `K:=JSON`, each key once. `of_text(key, text)` makes the value of a `K=V`."""
    values: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        forced = key.endswith(":")
        key = key.removesuffix(":")
        if not equals or not key:
            raise UsageError(f"{flag} {word}: expected NAME=VALUE, or NAME:=JSON")
        if key in values:
            raise UsageError(f"{flag} {key} is given twice; give it once")
        values[key] = from_json(text, f"{flag} {key}:=", _quotes(flag, key)) if forced else of_text(key, text)
    return values


def from_json(text: str, what: str, advice: str) -> Any:
    """A JSON value. UsageError when it is none: `what` and the text, and the advice."""
    from planrunner.jsonsafe import loads

    try:
        return loads(text)
    except ValueError as error:
        raise UsageError(f"{what}{_short(text)} is not JSON{json_fault(error)}; {advice}") from None


def json_fault(error: ValueError) -> str:
    """What is wrong with a text that is no JSON, to be hung on a message: the place, or what planrunner refuses."""
    line, column = getattr(error, "lineno", 0), getattr(error, "colno", 0)
    if not line:
        return f" ({error})"
    return "" if (line, column) == (1, 1) else f" (line {line}, column {column})"


def _quotes(flag: str, key: str) -> str:
    return f"a text needs quotes of its own, such as {flag} '{key}:=\"text\"'"


def input_values(words: Iterable[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """`--input`: a text where the plan's schema of that input allows one, else JSON."""
    known: Mapping[str, Any] = schema.get("properties", {})

    def of_text(name: str, text: str) -> Any:
        if name not in known:
            raise UsageError(f"--input {name}: the plan has no such input{_names(name, known)}")
        if allows_text(known[name]):
            return text
        wanted = _wanted(known[name])
        return from_json(text, f"--input {name}=", f"the plan wants {wanted} here, written as JSON")

    return pairs("--input", words, of_text)


def allows_text(schema: Any) -> bool:
    """Whether some text may meet this schema, as far as its own words tell."""
    if not isinstance(schema, Mapping):
        return schema is not False
    if "const" in schema:
        return isinstance(schema["const"], str)
    if "enum" in schema:
        return any(isinstance(value, str) for value in schema["enum"])
    if "type" in schema:
        return "string" in ([schema["type"]] if isinstance(schema["type"], str) else schema["type"])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return any(allows_text(part) for part in schema[word])
    return all(allows_text(part) for part in schema.get("allOf", ()))


def since(text: str) -> float:
    """`2026-01-31`, `2026-01-31T10:00`, or how long ago: `30m`, `12h`, `2d`. Seconds since 1970."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return time() - float(ago[1]) * _SECONDS[ago[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--since {text}: expected a time such as 2026-01-31 or 2026-01-31T10:00 (UTC), or 30m, 12h, 2d ago"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def merged(what: str, *parts: Mapping[str, Any]) -> dict[str, Any]:
    """All values together. UsageError for a name that stands in two of them."""
    values: dict[str, Any] = {}
    for part in parts:
        twice = sorted(values.keys() & part.keys())
        if twice:
            raise UsageError(f"{what} {twice[0]} is given twice: in a file and by a flag; give it once")
        values.update(part)
    return values


def _names(name: str, known: Mapping[str, Any]) -> str:
    if not known:
        return "; it takes no inputs"
    return hint(name, known) or f"; its inputs are {', '.join(known)}"


def _wanted(schema: Mapping[str, Any]) -> str:
    from planrunner.document.words import listed, type_name

    kinds = schema.get("type")
    if kinds is None:
        return "a value that is no text"
    return listed((type_name(kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)), "or")


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
