"""What all rooms' tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from planrunner.document.load import load_document
from planrunner.plan import Plan

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the caller's settings, keys or home."""
    for name in list(os.environ):
        if name.startswith(("PLANRUNNER_", "GITHUB_")) or name.endswith(("_API_KEY", "_API_BASE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


Size = Callable[[int, int], int]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="as often as the promise says, not as CI affords")


@pytest.fixture
def size(request: pytest.FixtureRequest) -> Size:
    """How often: the first number usually, the second with --full."""
    full = bool(request.config.getoption("--full"))
    return lambda usual, whole: whole if full else usual


PlanOf = Callable[[str], Plan]


@pytest.fixture
def plan_of(tmp_path: Path) -> PlanOf:
    """A plan from the text of its steps and whatever else it has; `planrunner` and `name` are put before it."""

    def make(text: str) -> Plan:
        whole = "planrunner: 1\nname: example\n" + dedent(text)
        loaded = load_document(whole.encode(), "example.yml", path=None, root=str(tmp_path))
        assert loaded.plan is not None, loaded.problems
        return loaded.plan

    return make
