"""`deny_tool_calls`: calls of these tools are never made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner.errors import ToolHardError
from planrunner.tools.base import Tool


def make(tools: list[str]) -> Callable[..., None]:
    """The hook of a plan: `tools` (globs)."""

    def deny(tool: Tool, *_: Any) -> None:
        raise ToolHardError(f"calls of {tool.name} are denied by a deny_tool_calls hook")

    deny.verdict = "deny"  # type: ignore[attr-defined]
    deny.tools = tuple(tools)  # type: ignore[attr-defined]
    return deny
