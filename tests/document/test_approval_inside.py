"""Calls in sub-plans are approved by the sub-plan itself, or by the hooks of a plan around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from planrunner.document.load import Loaded, load_document
from planrunner.plan import Limits
from planrunner.policy import Policy
from planrunner.settings import Settings

INNER = """planrunner: 1
name: inner
limits: {tool_calls: 9}
tools: {refund: {use: "shop:refund", effect: irreversible}}
steps:
  - {id: pay, tool: refund}
"""
STEP = "steps:\n  - {id: each, plan: ./inner.yml}\n"


def load(folder: Path, text: str, policy: Policy | None = None) -> Loaded:
    (folder / "inner.yml").write_text(INNER, "utf-8")
    path = folder / "outer.yml"
    path.write_text("planrunner: 1\nname: outer\n" + text, "utf-8")
    settings = None if policy is None else Settings(store="memory", policy=policy)
    return load_document(path.read_bytes(), "outer.yml", path=str(path), root=str(folder), settings=settings)


def codes(loaded: Loaded) -> list[str]:
    return [problem.code for problem in loaded.problems]


@pytest.mark.parametrize(
    "hook",
    [
        "{use: clarify_on_all_tool_calls}",
        "{use: clarify_on_tool_calls, with: {tools: [refund]}}",
        "{use: deny_tool_calls, with: {tools: ['shop:*']}}",
    ],
)
def test_a_hook_around_it_has_every_call_approved(tmp_path: Path, hook: str) -> None:
    assert codes(load(tmp_path, f"hooks: {{before_tool_call: [{hook}]}}\n{STEP}")) == []


@pytest.mark.parametrize(
    "hook",
    [
        "{use: clarify_on_tool_calls, with: {tools: [log]}}",
        "{use: clarify_on_all_tool_calls, when: args.x > 1}",
        "{use: clarify_on_all_tool_calls, match: {step: [each, nothing/at/all]}}",
        "{use: allow_tool_calls, with: {tools: [refund]}}, {use: clarify_on_all_tool_calls}",
    ],
)
def test_a_hook_around_it_that_may_not_ask_does_not_count(tmp_path: Path, hook: str) -> None:
    loaded = load(tmp_path, f"hooks: {{before_tool_call: [{hook}]}}\n{STEP}")
    assert codes(loaded) == ["unapproved"]
    assert [Path(problem.file).name for problem in loaded.problems if problem.code == "unapproved"] == ["inner.yml"]


def test_a_gate_around_it_does_not_count(tmp_path: Path) -> None:
    gate = (
        "steps:\n  - {id: sure, clarify: {type: user_verification, guidance: x}}\n  - {id: each, plan: ./inner.yml}\n"
    )
    here, inside = load(tmp_path, gate).problems
    assert (here.file, here.line, here.column) == ("outer.yml", 5, 22)
    assert inside.file.endswith("inner.yml")
    assert f"'refund', which nobody can take back, is called on the path each/pay ({inside.file}:6:21)" in here.message
    assert "'sure' does not count for it: a gate approves calls of its own plan alone" in here.message
    assert "add {use: clarify_on_tool_calls, with: {tools: [refund]}} to hooks.before_tool_call" in here.message


CHOICE = "{id: sure, clarify: {type: multiple_choice, guidance: x, options: [pay, stop]}}"


@pytest.mark.parametrize(
    "steps",
    [
        f"{CHOICE}, {{id: each, when: steps.sure.output == 'pay', plan: ./inner.yml}}",
        "{id: sure, clarify: {type: user_verification, guidance: x}}, "
        "{id: all, steps: [{id: each, foreach: {in: '[1]'}, plan: ./inner.yml}]}",
        "{id: sure, clarify: {type: user_verification, guidance: x}}, {id: each, plan: ./between.yml}",
    ],
)
def test_what_looks_like_an_approval_around_it_is_told_at_the_plan_step(tmp_path: Path, steps: str) -> None:
    (tmp_path / "between.yml").write_text("planrunner: 1\nname: between\nsteps: [{id: in, plan: ./inner.yml}]\n")
    here, _ = load(tmp_path, f"steps: [{steps}]\n").problems
    assert (here.file, here.code) == ("outer.yml", "unapproved")
    assert "'sure' does not count for it" in here.message
    assert ("each/in/pay" in here.message) is ("between" in steps)


def test_a_gate_that_the_plan_step_does_not_wait_for_is_not_spoken_of(tmp_path: Path) -> None:
    steps = "{id: sure, clarify: {type: user_verification, guidance: x}}, {id: each, needs: [], plan: ./inner.yml}"
    (inside,) = load(tmp_path, f"steps: [{steps}]\n").problems
    assert inside.file.endswith("inner.yml")


def test_with_a_hook_a_gate_around_it_is_no_mistake(tmp_path: Path) -> None:
    hook = "hooks: {before_tool_call: [{use: clarify_on_all_tool_calls}]}\n"
    gate = "{id: sure, clarify: {type: user_verification, guidance: x}}"
    assert codes(load(tmp_path, f"{hook}steps: [{gate}, {{id: each, plan: ./inner.yml}}]\n")) == []


def test_a_policy_is_told_in_the_files_of_sub_plans_too(tmp_path: Path) -> None:
    policy = Policy(approve=("refund",), imports=("other",), limits=Limits(tool_calls=5))
    told = load(tmp_path, STEP, policy).problems
    inside = [(problem.line, problem.column) for problem in told if problem.file.endswith("inner.yml")]
    assert inside == [(3, 22), (4, 23)]
    assert {problem.code for problem in told} == {"policy", "subplan-invalid"}
