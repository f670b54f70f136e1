"""The GitHub action: its shape, and its scripts carried out as a runner does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT
from tests.editors.conftest import run
from tests.test_docs import blocks

ACTION = PROJECT / "action.yml"
_EXPRESSION = re.compile(r"\$\{\{ (\S+) \}\}")


def steps() -> list[dict[str, Any]]:
    return list(yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"])


def inputs() -> dict[str, dict[str, str]]:
    return dict(yaml.safe_load(ACTION.read_text("utf-8"))["inputs"])


def test_it_has_the_shape_of_an_action(tmp_path: Path) -> None:
    done = check("vendor.github-actions", ACTION, tmp_path)
    assert done.returncode == 0, done.stdout


def test_a_wrong_shape_would_be_found(tmp_path: Path) -> None:
    wrong = tmp_path / "action.yml"
    wrong.write_text(ACTION.read_text("utf-8").replace("shell: bash", "shel: bash"), "utf-8")
    assert check("vendor.github-actions", wrong, tmp_path).returncode == 1


@pytest.mark.parametrize("block", [b for b in blocks("yaml") if b.text.startswith("# .git")], ids=str)
def test_what_the_page_shows_for_ci_has_the_shape_that_is_asked_for(block: Any, tmp_path: Path) -> None:
    name = block.text.partition("\n")[0].removeprefix("# ")
    schema = "vendor.github-workflows" if name.startswith(".github/workflows/") else "vendor.gitlab-ci"
    file = tmp_path / "file.yml"
    file.write_text(block.text, "utf-8")
    done = check(schema, file, tmp_path)
    assert done.returncode == 0, done.stdout


def test_the_page_shows_no_file_that_nothing_checks() -> None:
    shown = [block.text.partition("\n")[0] for block in blocks("yaml") if block.text.startswith("# .")]
    assert sorted(shown) == [
        "# .github/workflows/plans-scanning.yml",
        "# .github/workflows/plans.yml",
        "# .gitlab-ci.yml",
        "# .pre-commit-config.yaml",
    ]


def test_the_page_tells_the_inputs() -> None:
    page = (PROJECT / "docs" / "editors-and-ci.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `([a-z-]+)` \| `\"?([^`\"]+)\"?` \| ", page, re.MULTILINE))
    assert told == {name: entry["default"] for name, entry in inputs().items()}
    (workflow,) = (block.text for block in blocks("yaml") if block.text.startswith("# .github/workflows/plans.yml"))
    assert set(yaml.safe_load(workflow)["jobs"]["validate"]["steps"][1]["with"]) <= set(inputs())


def test_no_input_becomes_part_of_a_script() -> None:
    """What a workflow hands over may come from anybody: it reaches the scripts as environment only."""
    for step in steps():
        assert "${{" not in step.get("run", "")


def check(schema: str, file: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    transform = ("--data-transform", "gitlab-ci") if schema == "vendor.gitlab-ci" else ()
    return run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *transform, str(file), cwd=cwd)


class Runner:
    """Carries out the `run` steps of the action. What it `uses` stands ready: the Python that runs the tests."""

    def __init__(self, checkout: Path, workspace: Path, temp: Path) -> None:
        self._workspace = workspace
        self._environment = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(checkout),
            "GITHUB_WORKSPACE": str(workspace),
            "RUNNER_TEMP": str(temp),
        }

    def __call__(self, name: str, **given: str) -> subprocess.CompletedProcess[str]:
        bash = shutil.which("bash")
        if bash is None:
            pytest.skip("there is no bash")
        (step,) = (step for step in steps() if step.get("name") == name)
        assert step["shell"] == "bash"
        values = {
            f"inputs.{key}": given.get(key.replace("-", "_"), entry["default"]) for key, entry in inputs().items()
        }
        values["steps.python.outputs.python-path"] = sys.executable
        environment = {key: _filled(value, values) for key, value in step["env"].items()}
        script = ("--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"])
        return run(bash, *script, cwd=self._workspace, **self._environment, **environment)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda match: values[match[1]], text)


@pytest.fixture(scope="module")
def temp(index: None, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the action has installed planrunner, as it does it itself."""
    folder = tmp_path_factory.mktemp("runner temp")
    done = Runner(checkout, folder, folder)("Install planrunner")
    assert done.returncode == 0, done.stderr
    return folder


def test_problems_are_marked_at_their_lines(checkout: Path, project: Path, temp: Path) -> None:
    done = Runner(checkout, project, temp)("Check the plans")
    assert done.returncode == 1, done.stderr
    assert done.stdout == (
        "::error file=plans/deep/bad one.yml,line=4,col=13,title=unknown-key::plans/deep/bad one.yml:4:13: "
        "unknown key 'sett' in a step; did you mean 'set'? [unknown-key]\n"
    )
    assert done.stderr.startswith("2 plans checked: 1 error\n")


def test_paths_stand_one_a_line(checkout: Path, project: Path, temp: Path) -> None:
    check_plans = Runner(checkout, project, temp)
    assert check_plans("Check the plans", paths="plans/good.yml").returncode == 0
    assert check_plans("Check the plans", paths="plans/*.yml\n").returncode == 0
    done = check_plans("Check the plans", paths="\n  plans/good.yml\n  plans/deep/bad one.yml  \n\n")
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=plans/deep/bad one.yml,line=4")


def test_no_path_is_taken_for_a_flag_or_a_command(checkout: Path, project: Path, temp: Path) -> None:
    check_plans = Runner(checkout, project, temp)
    for path in ("--help", "$(touch made)", "; touch made", "`touch made`"):
        done = check_plans("Check the plans", paths=path)
        assert done.returncode == 1, path
        assert "does not exist" in done.stdout
    assert not (project / "made").exists()


def test_strict_is_true_or_false(checkout: Path, project: Path, temp: Path) -> None:
    check_plans = Runner(checkout, project, temp)
    assert check_plans("Check the plans", paths="plans/good.yml", strict="true").returncode == 0
    done = check_plans("Check the plans", paths="plans/good.yml", strict="yes")
    assert (done.returncode, done.stdout) == (2, "::error::the input strict must be true or false\n")


def test_no_path_at_all_is_wrong_usage(checkout: Path, project: Path, temp: Path) -> None:
    assert Runner(checkout, project, temp)("Check the plans", paths=" \n").returncode == 2
