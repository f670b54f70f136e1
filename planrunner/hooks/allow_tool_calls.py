"""`allow_tool_calls`: calls of these tools need no approval of the later entries of the same list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner.hooks.base import speaks


def make(tools: list[str]) -> Callable[..., None]:
    """The hook of a plan: `tools` (globs)."""

    @speaks("allow", tools)
    def allow(*_: Any) -> None:
        return None

    return allow
