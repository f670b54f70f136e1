"""What the tests of hook and action need: git, a package index, and planrunner as somebody else gets it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PROJECT

GOOD = "planrunner: 1\nname: good\nsteps:\n  - {id: a, set: 1}\n"
BAD = "planrunner: 1\nname: bad\nsteps:\n  - {id: a, sett: 1}\n"

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[[str, str], Path]


def run(*words: str, cwd: Path, timeout: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
    """Carry out a program; `more` are environment variables."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **more}
    return subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )  # fmt: skip


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips the test where pip can't fetch what planrunner is built with."""
    folder = tmp_path_factory.mktemp("index")
    fetch = ("-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0", "--timeout", "20", "-d", str(folder))
    if run(sys.executable, *fetch, "hatchling", cwd=folder).returncode:
        pytest.skip("pip reaches no package index")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project in a repository of its own, with what is not committed yet."""
    folder = tmp_path_factory.mktemp("checkout") / "planrunner"
    folder.mkdir()
    for name in (".pre-commit-hooks.yaml", "action.yml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, folder)
    shutil.copytree(PROJECT / "planrunner", folder / "planrunner", ignore=shutil.ignore_patterns("__pycache__"))
    commit(folder)
    return folder


def commit(folder: Path) -> str:
    """Make the folder a git repository with all that is in it. Returns the commit."""
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    name = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    for words in (("init", "--quiet"), ("add", "--all"), (*name, "commit", "--quiet", "--message", "All")):
        done = run("git", *words, cwd=folder)
        assert done.returncode == 0, done.stderr
    return run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's project: a good and a bad plan, a script, YAML of other tools, and a module that must not be run."""
    folder = tmp_path / "project"
    files = {
        "plans/good.yml": GOOD,
        "plans/deep/bad one.yml": BAD,
        "plans/good.script.yml": "planrunner_script: 1\nreplies: {}\n",
        "compose.yaml": "services: {}\n",
        "yaml.py": "raise SystemExit('a module of the checked project was run')\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder
