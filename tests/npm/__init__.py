"""What the tests take from npm. `.ci/run` installs it; by hand: `npm ci --prefix tests/npm --ignore-scripts`."""

from __future__ import annotations

from pathlib import Path

import pytest

_MODULES = Path(__file__).parent / "node_modules"


def from_npm(path: str) -> Path:
    """A file of an installed package. The test is skipped where the packages are not installed."""
    if not _MODULES.is_dir():
        pytest.skip("tests/npm is not installed: npm ci --prefix tests/npm --ignore-scripts")
    found = _MODULES / path
    assert found.exists(), f"{path} is not in tests/npm/node_modules: install it anew"
    return found
