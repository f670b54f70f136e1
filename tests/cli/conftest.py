"""A project folder, and commands given in this process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from planrunner.cli.main import main
from tests.cli.commands import NO_MODEL, Result, write

Cli = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, and the working folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "planrunner.toml").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return folder


@pytest.fixture
def cli(here: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Carry out a command line in this process, in the project folder."""

    def carry_out(*words: str) -> Result:
        capsys.readouterr()
        code = main(words)
        told = capsys.readouterr()
        return Result(code, told.out, told.err)

    return carry_out


@pytest.fixture
def sums(here: Path) -> str:
    """The plan NO_MODEL as a file."""
    return write(here / "sums.yml", NO_MODEL)
