"""Keeps the keys that a call is made with out of what comes back: a server may repeat them, whole or in pieces."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

MASK: Final = "‹key›"  # noqa: RUF001
_SHORTEST: Final = 8
"""Shorter values are no keys, and would be found in innocent text."""
_PARAMETER: Final = re.compile(r"(?i)key|token|secret|password|authorization")
_VARIABLE: Final = re.compile(r"(?i)(_|^)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD)$|SECRET_ACCESS_KEY$")


def keys_in_use(parameters: Mapping[str, Any]) -> list[str]:
    """The values that must not be told: of the call's own parameters, and of the environment. The longest first."""
    named = [(name, value) for name, value in _leaves(parameters) if _PARAMETER.search(name)]
    named += [(name, value) for name, value in os.environ.items() if _VARIABLE.search(name)]
    values = {value for _, value in named if isinstance(value, str) and len(value) >= _SHORTEST}
    return sorted(values, key=len, reverse=True)


def _leaves(table: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and values, those of tables within (`extra_headers`) too."""
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        found += _leaves(value) if isinstance(value, Mapping) else [(name, value)]
    return found


class Masking:
    """Replaces keys in text."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys

    def __call__(self, text: str) -> str:
        """The text without them."""
        for key in self._keys:
            text = text.replace(key, MASK)
        return text

    def stream(self, tell: Callable[[str], None]) -> Stream:
        """For a text that comes in pieces."""
        return Stream(self, self._keys, tell)


class Stream:
    """Tells a text as it comes, and holds back its end while that may be the beginning of a key."""

    def __init__(self, masking: Masking, keys: list[str], tell: Callable[[str], None]) -> None:
        self._masking = masking
        self._keys = keys
        self._tell = tell
        self._held = ""

    def take(self, piece: str) -> None:
        """One more piece."""
        text = self._masking(self._held + piece)
        begun = max((_begun(text, key) for key in self._keys), default=0)
        self._held = text[len(text) - begun :]
        self._say(text[: len(text) - begun])

    def end(self) -> None:
        """There are no more: what was held back is no key."""
        self._say(self._held)
        self._held = ""

    def _say(self, text: str) -> None:
        if text:
            self._tell(text)


def _begun(text: str, key: str) -> int:
    """How many characters at the end of the text are the beginning of the key."""
    longest = min(len(key) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if text.endswith(key[:size])), 0)
