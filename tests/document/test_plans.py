"""Whole plan files: right ones load, wrong ones say exactly what their `.out` says."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from planrunner.document.facts import CODES, facts
from planrunner.document.load import load_document
from planrunner.document.problem import Problem
from planrunner.plan import MISSING

PLANS = Path(__file__).parent.parent / "plans"


LEFT = ("unknown-tool", "wrong-args", "lowered-effect", "unapproved")
"""Whether these hold only the Runner knows, who may have tools of the caller's own."""


_LIMITS = {"too-large", "too-many-problems", "too-many-hooks", "subplan-limit"}
SHOWN_ELSEWHERE = {*_LIMITS, "unreadable", "planned", "policy"}
"""No short file gives these: see test_load, test_floods, test_subplans, test_policy, `validate` and the planner."""


def _files(folder: str) -> list[Path]:
    return sorted((PLANS / folder).glob("*.yml"))


def _said(file: Path) -> list[str]:
    loaded = load_document(file.read_bytes(), file.name, path=str(file), root=str(PLANS))
    errors = [problem.code for problem in loaded.problems if problem.level == "error"]
    assert (loaded.plan is None) == any(code not in LEFT for code in errors)
    return [_line(problem, file.name) for problem in loaded.problems]


def _line(problem: Problem, plan: str) -> str:
    """A problem of the plan itself without the plan's name, one of a prompt file or sub-plan with that file's."""
    return str(problem) if problem.file == plan else f"{problem.file}:{problem}"


@pytest.mark.parametrize("file", _files("ok"), ids=lambda file: file.stem)
def test_right_plans_load(file: Path) -> None:
    assert _said(file) == []


@pytest.mark.parametrize("file", _files("later"), ids=lambda file: file.stem)
def test_what_is_not_built_yet_is_refused_by_name_and_nothing_else_is_wrong(file: Path) -> None:
    said = _said(file)
    assert said
    assert [line for line in said if not line.endswith("[not-supported]")] == []


@pytest.mark.parametrize("file", _files("err"), ids=lambda file: file.stem)
def test_wrong_plans(file: Path) -> None:
    expected = file.with_suffix(".out").read_text(encoding="utf-8").splitlines()
    assert expected, "a wrong plan says something"
    assert _said(file) == expected


def test_every_case_has_its_answer_and_every_answer_its_case() -> None:
    """A case is a file with one mistake that people make, or a few of a kind, and the exact lines that are told."""
    plans = {file.stem for file in _files("err")}
    answers = {file.stem for file in (PLANS / "err").glob("*.out")}
    assert plans == answers
    assert len(plans) >= 250


def test_every_code_is_shown_three_times() -> None:
    """That is, on three lines of the answers, each of another place in a plan."""
    told = "".join(file.read_text(encoding="utf-8") for file in (PLANS / "err").glob("*.out"))
    shown = Counter(re.findall(r"\[([a-z-]+)\]$", told, re.MULTILINE))
    assert {code: shown[code] for code in CODES if shown[code] < 3 and code not in SHOWN_ELSEWHERE} == {}


@pytest.mark.parametrize("file", _files("err"), ids=lambda file: file.stem)
def test_every_problem_is_of_a_known_code_and_its_level(file: Path) -> None:
    for problem in load_document(file.read_bytes(), file.name, path=None, root=".").problems:
        known = facts(problem.code)
        assert known is not None
        assert problem.level == known.level


def test_the_plan_that_is_built() -> None:
    file = PLANS / "ok" / "everything.yml"
    plan = load_document(file.read_bytes(), "everything.yml", path=str(file), root="/project").plan
    assert plan is not None
    assert (plan.name, plan.version, plan.path, plan.root) == ("everything", "1.2", str(file), "/project")
    assert plan.inputs["required"] == ["order_id"]
    assert plan.inputs["additionalProperties"] is False
    assert "x-note" not in plan.inputs["properties"]
    assert plan.context.end_user_id_required
    assert plan.context.additional_data is not None
    assert plan.context.additional_data["additionalProperties"] is True
    assert plan.context.additional_data["required"] == ["name", "email"]
    assert plan.models["fast"].model == ("openai/gpt-4o-mini",)
    assert plan.models["fast"].parameters == {"temperature": 0, "max_tokens": 200}
    assert plan.default_models == ("careful",)
    assert plan.agents["support"].tools == ("weather", "shop")
    assert plan.agents["support"].sees == ("name",)
    assert plan.tools["shop"].use == "shop.orders:find"
    assert plan.tools["notify"].use is None
    assert plan.returns is not None
    assert plan.returns["required"] == ["letter", "verdict"]
    steps = {step.id: step for step in plan.steps}
    assert [step.index for step in plan.steps] == list(range(7))
    assert steps["note"].needs == ()
    assert steps["order"].needs is None
    assert steps["note"].options["args"]["id"] == "{{ inputs.order_id }}"
    assert steps["triage"].options["returns"]["additionalProperties"] is False
    assert steps["letter"].options["agent"].instructions == "Be kind."
    assert steps["stop"].value["state"] == "FAILED"
    assert all(step.path == step.id for step in plan.steps)


def test_words_of_yaml_1_2() -> None:
    file = PLANS / "ok" / "words.yml"
    plan = load_document(file.read_bytes(), "words.yml", path=None, root=".").plan
    assert plan is not None
    on, numbers, nothing = plan.steps
    assert on.id == "on"
    assert on.value == {
        "on": "off",
        "yes": "no",
        "time": "12:30",
        "octal": "012",
        "date": "2020-01-01",
        "grouped": "1_000",
        "upper": "Yes",
    }
    assert numbers.value == [15, 31, -3, 4, 1.5, 0.5, 1000.0, 0, 0.0, 12345678901234567890]
    assert nothing.value == [None, None, None, None, "", ""]


def test_a_plan_without_output_says_so() -> None:
    file = PLANS / "ok" / "smallest.yml"
    plan = load_document(file.read_bytes(), "smallest.yml", path=None, root=".").plan
    assert plan is not None
    assert plan.output is MISSING
    assert plan.steps[0].value is None
