"""A plan that names what was not handed over is refused: before it is shown, before it runs, and when it is resumed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from planrunner import InvalidPlanError, ModelNotConfiguredError, PlannerError, Runner, UnknownToolError
from planrunner.document.load import load_document, load_plan
from planrunner.document.problem import Problem
from planrunner.document.script import Script
from planrunner.plan import Handed, ModelAlias, Plan
from planrunner.planning import HOOKS
from planrunner.settings import Settings
from tests.agents.forbidden import FORBIDDEN, HEAD, STEP, Forbidden

ANYTHING = {"type": "object"}
HANDED = Handed({"log": ANYTHING, "weather": ANYTHING}, ("fast",), HOOKS)
WAITS = HEAD + "steps:\n  - {id: sure, clarify: {type: user_verification, guidance: Go on?}}\n"
EACH = pytest.mark.parametrize("case", FORBIDDEN.values(), ids=FORBIDDEN)


@pytest.fixture(autouse=True)
def _a_folder_with_a_trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`evil` leaves a trace when it is imported."""
    (tmp_path / "planrunner.toml").touch()
    (tmp_path / "evil.py").write_text("import pathlib\npathlib.Path('ran').touch()\nx = hook = Handler = print\n")
    monkeypatch.chdir(tmp_path)


def settings(**more: object) -> Settings:
    return Settings(store="runs.db", models={"fast": ModelAlias(("openai/x",))}, **more)  # type: ignore[arg-type]


def runner(*replies: str) -> Runner:
    return Runner(settings=settings(), script=Script(replies={"planner": list(replies)}))


def planned(text: str, handed: Handed = HANDED) -> Plan:
    loaded = load_document(text.encode(), "plan.yml", path=None, root=str(Path.cwd()), handed=handed)
    assert loaded.plan is not None, loaded.problems
    return loaded.plan


def told(case: Forbidden, problems: Iterable[Problem]) -> bool:
    return any(
        (problem.line, problem.column, problem.code) == (*case.place, "planned") and case.words in problem.message
        for problem in problems
    )


@EACH
def test_refused_before_it_is_shown(case: Forbidden) -> None:
    with runner(*[case.text] * 3) as one, pytest.raises(PlannerError) as refused:
        one.plan("Say hello", tools=["log", "weather"])
    assert told(case, refused.value.problems), [str(problem) for problem in refused.value.problems]
    assert not Path("ran").exists()
    assert not Path("runs.db").exists()


@EACH
def test_refused_before_it_runs(case: Forbidden) -> None:
    """Whoever made the Plan: its text counts."""
    plan = replace(planned(HEAD + STEP), files={"plan.yml": case.text})
    with runner() as one, pytest.raises(InvalidPlanError) as refused:
        one.run(plan)
    assert told(case, refused.value.problems), [str(problem) for problem in refused.value.problems]
    assert not Path("ran").exists()
    assert not Path("runs.db").exists()


@EACH
def test_refused_when_a_stored_run_is_resumed(case: Forbidden) -> None:
    with runner() as one:
        waiting = one.run(planned(WAITS))
    assert waiting.state == "NEED_CLARIFICATION"
    with closing(sqlite3.connect("runs.db")) as store, store:
        store.execute("UPDATE plan SET files = ?", (json.dumps({"plan.yml": case.text}),))
    with runner() as another:
        another.resolve_clarification(waiting.clarifications[0], "yes", waiting)
        with pytest.raises(InvalidPlanError) as refused:
            another.resume(waiting)
        assert another.runs.get(waiting.id).steps[0].state != "COMPLETE"
    assert told(case, refused.value.problems), [str(problem) for problem in refused.value.problems]
    assert "plan.yml:" in str(refused.value)
    assert not Path("ran").exists()


PERSONS = ["code as a tool", "a tool of a new name", "an effect raised", "a model with another address",
           "tables that come by a merge", "a model of an agent", "a model for all", "code as a hook",
           "code that answers questions", "a hook that skips steps", "text that reads backwards"]  # fmt: skip


@pytest.mark.parametrize("name", PERSONS)
def test_what_a_person_may_write_is_refused_once_a_planner_wrote_it(name: str) -> None:
    plan = load_plan(FORBIDDEN[name].text)
    assert plan.handed is None
    with runner() as one, pytest.raises(InvalidPlanError) as refused:
        one.run(replace(plan, handed=HANDED))
    assert told(FORBIDDEN[name], refused.value.problems)
    assert not Path("ran").exists()


def test_a_secret_can_not_be_read_either() -> None:
    text = HEAD + "steps:\n  - {id: a, tool: log, args: {message: '{{ secrets.OPENAI_API_KEY }}'}}\n"
    with runner(*[text] * 3) as one, pytest.raises(PlannerError, match="names no secret 'OPENAI_API_KEY'"):
        one.plan("Say hello")


def test_a_file_that_is_named_is_not_even_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("{{ the secret")
    text = FORBIDDEN["a file as instructions"].text
    assert [problem.code for problem in load_document(text.encode(), "p", path=None, root=str(tmp_path)).problems] == [
        "template-syntax"
    ], "a person's plan may name it, and then it is read"
    with runner(*[text] * 3) as one, pytest.raises(PlannerError) as refused:
        one.plan("Say hello", tools=["log"])
    assert [problem.code for problem in refused.value.problems] == ["planned"]


def test_a_plan_that_was_changed_after_it_was_planned_is_refused() -> None:
    plan = planned(HEAD + STEP)
    other = planned(HEAD + "steps:\n  - {id: a, tool: weather, args: {city: Oslo}}\n")
    for changed in (replace(plan, steps=other.steps), replace(plan, hooks=load_plan(_HOOKED).hooks)):
        with runner() as one, pytest.raises(InvalidPlanError, match="not what its text says"):
            one.run(changed)
    with runner() as one, pytest.raises(InvalidPlanError, match="empty"):
        one.run(replace(plan, files={}))
    assert not Path("runs.db").exists()


_HOOKED = HEAD + "hooks: {before_step_execution: [{use: skip_step}]}\n" + STEP


def test_a_plan_within_its_bounds_runs_and_is_resumed() -> None:
    text = HEAD + (
        "defaults: {model: fast}\n"
        "agents: {x: {model: fast, tools: [weather], instructions: hello}}\n"
        "hooks: {before_tool_call: [{use: clarify_on_tool_calls, with: {tools: [log]}}]}\n"
    )
    with runner() as one:
        waiting = one.run(planned(text + STEP))
        event = one.runs.events(waiting.id)[0]
    assert event.body["handed"] == {"tools": ["log", "weather"], "models": ["fast"], "hooks": list(HOOKS)}
    with runner() as another:
        ready = another.resolve_clarification(waiting.clarifications[0], "yes", waiting)
        assert another.resume(ready).state == "COMPLETE"


def test_the_run_of_a_persons_plan_knows_of_no_planner() -> None:
    with runner() as one:
        record = one.run(load_plan(HEAD + STEP))
        assert "handed" not in one.runs.events(record.id)[0].body


def test_a_runner_without_the_tool_refuses_before_a_run_exists() -> None:
    plan = planned(HEAD + STEP.replace("log", "ring"), Handed({"ring": ANYTHING}))
    with runner() as one, pytest.raises(UnknownToolError, match="there is no tool 'ring'"):
        one.run(plan)
    assert not Path("runs.db").exists()


@pytest.mark.parametrize("holder", ["defaults: {model: fast}\n", "agents: {x: {model: fast}}\n"])
def test_a_runner_without_the_model_refuses_before_a_run_exists(holder: str) -> None:
    plan = planned(HEAD + holder + STEP)
    with (
        Runner(settings=Settings(store="runs.db"), script=Script()) as one,
        pytest.raises(ModelNotConfiguredError, match=r"was handed the model 'fast', which is not known here"),
    ):
        one.run(plan)
    assert not Path("runs.db").exists()
