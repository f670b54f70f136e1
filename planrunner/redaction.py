"""Taking out of a value what must not be seen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

MASK: Final = "[redacted]"


class Redactor:
    """A value in, a copy out in which the named fields and whatever the patterns match are masked.

    Raises re.error for a pattern that is none.
    """

    def __init__(self, patterns: Sequence[str], fields: Sequence[str]) -> None:
        self._pattern = re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else None
        self._fields = frozenset(fields)

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if self._pattern is None else self._pattern.sub(MASK, value)
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, dict):
            return {key: MASK if key in self._fields else self(item) for key, item in value.items()}
        return value
