"""`redact`: takes what must not be seen out of args before a call, or out of its result before it is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner.redaction import Redactor


def make(patterns: list[str] | None = None, fields: list[str] | None = None) -> Callable[..., None]:
    """The hook of a plan: `patterns` (regular expressions) and `fields` (names of keys, at any depth)."""
    return _Redact(Redactor(patterns or [], fields or []))


class _Redact:
    """The hook. `result` redacts what a call gives, before that is recorded."""

    def __init__(self, redactor: Redactor) -> None:
        self.result = redactor

    def __call__(self, tool: Any, args: dict[str, Any], *_: Any) -> None:
        if not isinstance(args, dict):  # a result, which was redacted before it was recorded
            return
        changed = self.result(args)
        args.clear()
        args.update(changed)
