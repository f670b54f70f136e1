"""The pre-commit hook, run by pre-commit itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import PROJECT
from tests.editors.conftest import GOOD, commit, run
from tests.test_docs import blocks

HOOKS = PROJECT / ".pre-commit-hooks.yaml"


def config(repository: str, revision: str) -> str:
    """The configuration that the page shows, with what is the reader's to fill in."""
    (block,) = (block for block in blocks("yaml") if block.text.startswith("# .pre-commit-config.yaml\n"))
    assert "repo: /path/to/planrunner\n    rev: REVISION\n" in block.text
    return block.text.replace("/path/to/planrunner", repository).replace("REVISION", revision)


def pre_commit(*words: str, cwd: Path, **more: str) -> tuple[int, str]:
    done = run(sys.executable, "-P", "-m", "pre_commit", *words, cwd=cwd, **more)
    return done.returncode, done.stdout + done.stderr


def test_pre_commit_takes_the_manifest_and_the_config_that_is_shown(tmp_path: Path) -> None:
    assert pre_commit("validate-manifest", str(HOOKS), cwd=tmp_path) == (0, "")
    (tmp_path / "config.yaml").write_text(config("https://example.org/planrunner", "v1.0.0"), "utf-8")
    assert pre_commit("validate-config", "config.yaml", cwd=tmp_path) == (0, "")


def test_the_command_of_the_hook_passes_over_what_is_no_plan(project: Path) -> None:
    """Without pre-commit: the files that it would hand over."""
    (hook,) = yaml.safe_load(HOOKS.read_text("utf-8"))
    program, *words = hook["entry"].split()
    assert program == "planrunner"
    files = sorted(str(path.relative_to(project)) for path in project.rglob("*.y*ml"))
    done = run(sys.executable, "-P", "-m", "planrunner", *words, *files, cwd=project)
    assert done.returncode == 1
    assert done.stdout.startswith("plans/deep/bad one.yml:4:13: error: ")
    done = run(sys.executable, "-P", "-m", "planrunner", *words, "compose.yaml", cwd=project)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.usefixtures("index")
def test_the_hook_stops_a_commit_with_a_bad_plan(checkout: Path, project: Path, tmp_path: Path) -> None:
    revision = run("git", "rev-parse", "HEAD", cwd=checkout).stdout.strip()
    (project / ".pre-commit-config.yaml").write_text(config(str(checkout), revision), "utf-8")
    commit(project)
    home = {"PRE_COMMIT_HOME": str(tmp_path / "home")}

    code, told = pre_commit("run", "--all-files", "--color", "never", cwd=project, **home)
    assert code == 1, told
    assert "plans/deep/bad one.yml:4:13: error: unknown key 'sett' in a step; did you mean 'set'?" in told
    assert "2 plans checked: 1 error" in told

    (project / "plans" / "deep" / "bad one.yml").write_text(GOOD, "utf-8")
    run("git", "add", "--all", cwd=project)
    code, told = pre_commit("run", "--all-files", "--color", "never", cwd=project, **home)
    assert code == 0, told
    assert "planrunner validate" in told
    assert "Passed" in told

    code, told = pre_commit("run", "--files", "compose.yaml", "--color", "never", cwd=project, **home)
    assert code == 0, told
