"""`deny_tool_calls`: calls of these tools are never made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner.errors import ToolHardError
from planrunner.hooks.base import speaks
from planrunner.tools.base import Tool


def make(tools: list[str]) -> Callable[..., None]:
    """The hook of a plan: `tools` (globs)."""
    return _denying(tools, "a deny_tool_calls hook")


def make_for_policy(tools: list[str]) -> Callable[..., None]:
    """As `make`, for what a policy denies."""
    return _denying(tools, "the policy")


def _denying(tools: list[str], who: str) -> Callable[..., None]:
    @speaks("deny", tools)
    def deny(tool: Tool, *_: Any) -> None:
        raise ToolHardError(f"calls of {tool.name} are denied by {who}")

    return deny
