"""`example_tool_registry`: the built-in tools, to be passed as `Runner(tools=example_tool_registry)`."""

from __future__ import annotations

from typing import Final

from planrunner.registry import load
from planrunner.tools.base import Tool
from planrunner.tools.builtin import BUILTIN

example_tool_registry: Final[list[Tool]] = [load(use)() for use in BUILTIN.values()]
