"""`allow_tool_calls`: calls of these tools need no approval of the later entries of the same list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def make(tools: list[str]) -> Callable[..., None]:
    """The hook of a plan: `tools` (globs)."""

    def allow(*_: Any) -> None:
        return None

    allow.verdict = "allow"  # type: ignore[attr-defined]
    allow.tools = tuple(tools)  # type: ignore[attr-defined]
    return allow
