"""`tests/runs`: the language by examples, plans and their tests, carried through the command line as a user would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from planrunner.document.source import parse, plain
from tests.conftest import PROJECT

RUNS = PROJECT / "tests" / "runs"
TESTS = sorted(RUNS.rglob("*.test.yml"))
PLANS = sorted(path for path in RUNS.rglob("*.yml") if path not in TESTS)

SAYS = frozenset(("output", "error", "steps", "tool_calls", "asked", "that"))
"""Keys of `expect` of which a case needs one: that a run is COMPLETE, or that a tool is not called, is too little."""


def planrunner(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "planrunner", *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_every_case_passes() -> None:
    done = planrunner("test", "tests/runs", "--format", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert len(told["cases"]) == sum(len(plain(parse(test.read_bytes(), "").root)["cases"]) for test in TESTS)


def test_the_checker_has_nothing_to_say_of_the_plans() -> None:
    done = planrunner("validate", "--strict", *(str(plan.relative_to(PROJECT)) for plan in PLANS))
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


@pytest.mark.parametrize("test", TESTS, ids=lambda test: str(test.relative_to(RUNS)))
def test_every_case_says_what_it_expects(test: Path) -> None:
    for case in plain(parse(test.read_bytes(), test.name).root)["cases"]:
        assert case.get("expect", {}).keys() & SAYS, case["name"]


def test_every_plan_says_its_rule_and_is_tested() -> None:
    tested = {(test.parent / plain(parse(test.read_bytes(), "").root)["plan"]).resolve() for test in TESTS}
    for path in PLANS:
        plan = plain(parse(path.read_bytes(), path.name).root)
        assert plan["name"] == path.stem, path
        assert plan.get("description"), path
        inside = "inner" in path.parts  # plans that others run
        assert inside or path.resolve() in tested, path
