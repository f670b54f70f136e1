import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from planrunner.plan import Step
from planrunner.tools.base import Tool, ToolRunContext
from planrunner.tools.calling import call_tool
from planrunner.tools.search_path import appended_roots

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
    before, roots = set(sys.modules), set(appended_roots)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    appended_roots.clear()
    yield
    appended_roots.clear()
    appended_roots.update(roots)
    for name in set(sys.modules) - before:
        del sys.modules[name]
