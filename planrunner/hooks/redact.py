"""`redact`: takes what must not be seen out of args before a call, or out of its result before it is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner.redaction import Redactor


def make(patterns: list[str] | None = None, fields: list[str] | None = None) -> Callable[..., None]:
    """The hook of a plan: `patterns` (regular expressions) and `fields` (names of keys, at any depth)."""
    redactor = Redactor(patterns or [], fields or [])

    def redact(tool: Any, args: dict[str, Any], *_: Any) -> None:
        if not isinstance(args, dict):  # a result, which `result` has redacted before it was recorded
            return
        changed = redactor(args)
        args.clear()
        args.update(changed)

    redact.result = redactor  # type: ignore[attr-defined]  # a function may carry it
    return redact
