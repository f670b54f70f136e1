import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from planrunner.plan import Step
from planrunner.tools import loading
from planrunner.tools.base import Tool, ToolRunContext
from planrunner.tools.calling import call_tool

STEP = Step("work", 0, "tool", "x", path="work")


@pytest.fixture
def ctx(tmp_path: Path) -> ToolRunContext:
    """A call in a project of its own."""
    root = tmp_path / "project"
    root.mkdir()
    return ToolRunContext("u1", {"end_user_id": "u1", "additional_data": {}}, STEP, "prun-1", "prun-1/work", str(root))


@pytest.fixture
def call(ctx: ToolRunContext):
    """Call a tool as a run does, and wait for the value."""

    def call(tool: Tool, /, **args):
        return asyncio.run(call_tool(tool, ctx, args))

    return call


@pytest.fixture
def import_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test imports from projects of its own is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(loading, "_appended_roots", set())
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]
