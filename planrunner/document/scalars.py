"""What an unquoted word of YAML 1.2 core means; everything that is not listed here is text."""

from __future__ import annotations

import re
from typing import Final

MAX_DIGITS: Final = 4_000

_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMBER_STARTS = frozenset("0123456789+-.")
# A leading zero makes a text: 012 is as often a code as a number.
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class NotANumberError(ValueError):
    """The word is a number of YAML that JSON has no word for."""


def resolve(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar. Raises NotANumberError for infinities, NaN and numbers beyond bounds."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _DECIMAL.fullmatch(text):
        return _whole(text)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _BASED.fullmatch(text):
        return _whole(text)
    if _NO_NUMBER.fullmatch(text):
        raise NotANumberError(f"{text} can't be told in JSON: leave it out, or quote it to mean the text")
    return text


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise NotANumberError(f"a number of {len(text):,} characters is too long: quote it to mean the text")
    return int(text, 0 if text[:2] in ("0x", "0o") else 10)


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotANumberError(f"{text[:40]} is beyond what a number can hold: quote it to mean the text")
    return number
