"""Keeps the keys that a call is made with out of what comes back: a server may repeat them, whole or in pieces, as they
are or in one of the codes that servers write headers and addresses in.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

MASK: Final = "\u2039key\u203a"
"""Between single angle quotation marks: no text of others looks so."""
SHORTEST_KEY: Final = 8
"""Shorter values are no keys, and would be found in innocent text."""
_PARAMETER: Final = re.compile(r"(?i)key|token|secret|password|credential|cookie|authoriz|auth(?!or)")
_VARIABLE: Final = re.compile(r"(?i)(_|^)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD)$|SECRET_ACCESS_KEY$")
_SCHEME: Final = re.compile(r"(?i)(?:bearer|basic|token|api-?key)\s+(\S+)")
_ESCAPE: Final = re.compile("%..")
_UNICODE: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
_URL_SAFE: Final = str.maketrans("+/", "-_")


def is_key_name(parameter: str) -> bool:
    """Whether a parameter or header of this name holds a key."""
    return bool(_PARAMETER.search(parameter))


def keys_in_use(parameters: Mapping[str, Any]) -> list[str]:
    """The values that must not be told: of the call's own parameters, and of the environment; and what they look like
    in base64, addresses, JSON and hexadecimal. The longest first.
    """
    named = [value for name, value in _leaves(parameters) if is_key_name(name)]
    named += [os.environ.get(name) for name in os.environ if _is_key_variable(name)]
    keys = {key for value in named if isinstance(value, str) for key in _keys(value)}
    return sorted({form for key in keys for form in _forms(key)}, key=len, reverse=True)


@lru_cache(maxsize=1024)
def _is_key_variable(name: str) -> bool:
    return bool(_VARIABLE.search(name))


def _leaves(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values, those of tables within (`extra_headers`) too."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value)
        else:
            yield name, value


def _keys(value: str) -> Iterator[str]:
    """The value, and the key in it where it is a header (`Bearer …`)."""
    scheme = _SCHEME.fullmatch(value.strip())
    yield from (key for key in (value, scheme[1] if scheme else "") if len(key) >= SHORTEST_KEY)


@lru_cache(maxsize=256)
def _forms(key: str) -> frozenset[str]:
    data = key.encode("utf-8", "surrogatepass")
    quoted = quote(data, safe="")
    small = _ESCAPE.sub(lambda escape: escape[0].lower(), quoted)
    slashes = (key.replace("/", escaped) for escaped in (r"\/", r"\\/"))
    forms = {key, quoted, small, *slashes, data.hex()}
    coded = {_in_base64(data, before) for before in range(3)}
    return frozenset(forms | coded | {form.translate(_URL_SAFE) for form in coded} | set(_in_escapes(key)))


def _in_escapes(key: str) -> Iterator[str]:
    """Wholly in escapes of JSON, and of JSON within JSON."""
    halves = key.encode("utf-16-be", "surrogatepass")
    codes = [halves[place : place + 2].hex() for place in range(0, len(halves), 2)]
    for begin in (r"\u", r"\\u"):
        yield "".join(f"{begin}{code}" for code in codes)
        yield "".join(f"{begin}{code.upper()}" for code in codes)


def _in_base64(data: bytes, before: int) -> str:
    """Those characters of base64 that the data alone decides, where so many bytes stand before it in a group of 3."""
    whole = b64encode(bytes(before) + data).decode()
    return whole[(0, 2, 3)[before] : (before + len(data)) * 8 // 6]


class Masking:
    """Replaces keys in text."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys

    def __call__(self, text: str) -> str:
        """The text without them."""
        for key in self._keys:
            text = text.replace(key, MASK)
        return self._escaped(text) if "\\u" in text else text

    def _escaped(self, text: str) -> str:
        """The same where some characters of a key are written as escapes of JSON."""
        plain, place_of = _unescaped(text)
        parts, told = [], 0
        for begin, end in sorted(_found(plain, self._keys)):
            if place_of(begin) >= told:
                parts += [text[told : place_of(begin)], MASK]
                told = place_of(end)
        return "".join((*parts, text[told:]))

    def stream(self, tell: Callable[[str], None]) -> Stream:
        """For a text that comes in pieces."""
        return Stream(self, self._keys, tell)


class Stream:
    """Tells a text as it comes. Its end is held back while that may be the beginning of a key, or half a character."""

    def __init__(self, masking: Masking, keys: list[str], tell: Callable[[str], None]) -> None:
        self._masking = masking
        self._keys = keys
        self._tell = tell
        self._held = ""

    def take(self, piece: str) -> None:
        """One more piece."""
        text = self._masking(joined(self._held + piece))
        begun = max((_begun(text, key) for key in self._keys), default=0)
        begun = max(begun, "\ud800" <= text[-1:] <= "\udbff")
        self._held = text[len(text) - begun :]
        self._say(text[: len(text) - begun])

    def end(self) -> None:
        """There are no more: what was held back is no key."""
        self._say(self._held)
        self._held = ""

    def _say(self, text: str) -> None:
        if text:
            self._tell(text.encode("utf-8", "replace").decode())  # half a character is nothing to be told


def _unescaped(text: str) -> tuple[str, Callable[[int], int]]:
    """The text with characters in place of their escapes, and where in the text a place in that is."""
    parts, ends, further, told, length = [], [0], [0], 0, 0
    for escape in _UNICODE.finditer(text):
        parts += [text[told : escape.start()], chr(int(escape[1], 16))]
        length += escape.start() - told + 1
        told = escape.end()
        ends.append(length)
        further.append(told - length)
    return "".join((*parts, text[told:])), lambda place: place + further[bisect_right(ends, place) - 1]


def _found(text: str, keys: list[str]) -> Iterator[tuple[int, int]]:
    """From where to where the keys stand."""
    for key in keys:
        begin = text.find(key)
        while begin >= 0:
            yield begin, begin + len(key)
            begin = text.find(key, begin + len(key))


def joined(text: str) -> str:
    """The text, with characters that were written in two halves (JSON may do so) as such."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _begun(text: str, key: str) -> int:
    """How many characters at the end of the text are the beginning of the key."""
    begin = text.find(key[0], max(0, len(text) - len(key) + 1))
    while begin >= 0 and not key.startswith(text[begin:]):
        begin = text.find(key[0], begin + 1)
    return 0 if begin < 0 else len(text) - begin
