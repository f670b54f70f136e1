"""`planrunner ask`: the plan is shown, somebody says yes, and it runs as `run` runs it."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from planrunner.ids import is_run_id
from tests.cli.commands import process, write
from tests.cli.conftest import Cli
from tests.cli.person import END_OF_INPUT, INTERRUPT, Person
from tests.cli.test_plan import HEADER, PLAN, QUERY, WRONG, script

PROMPT = "Run this plan? yes or no: "
GREETS = """\
planrunner: 1
name: greets
steps:
  - {id: sure, clarify: {type: user_verification, guidance: "Greet {{ context.additional_data.name }}?"}}
  - {id: told, description: Greet them, set: "Hello {{ context.additional_data.name }}"}
"""


def test_with_yes_it_is_shown_and_run(cli: Cli, here: Path) -> None:
    told = cli("ask", QUERY, "--yes", *script(here, PLAN))
    assert (told.code, told.out) == (0, "3\n")
    assert told.err.startswith(f"a plan is being written\n{HEADER}{PLAN}\nsum started\n")
    run_id = told.err.splitlines()[-1].removeprefix("planrunner runs show ")
    assert is_run_id(run_id)
    assert cli("runs", "show", run_id).code == 0


def test_quietly(cli: Cli, here: Path) -> None:
    told = cli("ask", QUERY, "--yes", "-q", *script(here, PLAN))
    assert (told.code, told.out, told.err) == (0, "3\n", "")


def test_results_come_as_run_gives_them(cli: Cli, here: Path) -> None:
    flags = ["--user", "u1", "--data", "name=Ada", "--format", "json", "--out", "record.json", "--store", "elsewhere"]
    told = cli("ask", QUERY, "--yes", *flags, *script(here, PLAN))
    assert (told.code, told.out) == (0, "")
    record = json.loads((here / "record.json").read_text("utf-8"))
    assert record["execution_context"]["end_user_id"] == "u1"
    assert record["execution_context"]["additional_data"] == {"name": "Ada"}
    assert record["step_outputs"] == {"$sum": {"value": 3}}
    assert (here / "elsewhere").is_dir()
    last = json.loads(cli("ask", QUERY, "--yes", "--format", "jsonl", *script(here, PLAN)).out.splitlines()[-1])
    assert last["record"]["state"] == "COMPLETE"


@pytest.mark.parametrize("flags", [[], ["--no-input"], ["-q"]])
def test_where_nobody_sits_yes_must_be_said(cli: Cli, here: Path, flags: list[str]) -> None:
    told = cli("ask", QUERY, *flags, *script(here, PLAN))
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: nobody is here to look at the plan: pass --yes to run it as it comes")
    assert not (here / ".planrunner").exists()


def test_no_input_asks_nobody_even_at_a_terminal(here: Path) -> None:
    with Person("ask", QUERY, "--no-input", *script(here, PLAN), cwd=here) as person:
        assert "pass --yes" in person.leaves(2)


def test_without_a_valid_plan_nothing_runs(cli: Cli, here: Path) -> None:
    told = cli("ask", QUERY, "--yes", "--out", "x.txt", *script(here, WRONG, WRONG, WRONG))
    assert (told.code, told.out) == (1, "")
    assert "plan.yml:4:21: error: the tool 'calclator' was not handed" in told.err
    assert told.err.endswith("error: the planner wrote no valid plan in 3 rounds\nnothing ran\n")
    assert sorted(path.name for path in here.iterdir()) == ["planrunner.toml", "s.yml"]


@pytest.mark.parametrize("quiet", [True, False])
def test_a_person_looks_and_says_yes(here: Path, quiet: bool) -> None:
    words = ["-q"] if quiet else []
    with Person("ask", QUERY, *words, *script(here, PLAN), cwd=here) as person:
        assert f"{HEADER}{PLAN}\n" in person.answers(PROMPT, "maybe")
        assert "refused: expected yes or no, and got maybe\n" in person.answers(PROMPT, "Y")
        person.leaves(0)
    assert person.out == "3\n"


@pytest.mark.parametrize("typed", ["no\n", END_OF_INPUT, "a\nb\nc\n"])
def test_anything_else_than_yes_runs_nothing(here: Path, typed: str) -> None:
    with Person("ask", QUERY, *script(here, PLAN), "--out", "x.txt", cwd=here) as person:
        for key in typed.splitlines(keepends=True):
            person.reads(PROMPT)
            person.types(key)
        seen = person.leaves(1)
    assert seen.endswith("nothing ran\n")
    assert person.out == ""
    assert sorted(path.name for path in here.iterdir()) == ["planrunner.toml", "s.yml"]


@pytest.mark.parametrize(("how", "code"), [("key", 130), ("signal", 143)])
def test_interrupted_at_the_question_nothing_runs(here: Path, how: str, code: int) -> None:
    with Person("ask", QUERY, *script(here, PLAN), cwd=here) as person:
        person.reads(PROMPT)
        if how == "key":
            person.types(INTERRUPT)
        else:
            person.process.send_signal(signal.SIGTERM)
        seen = person.leaves(code)
    assert re.search(r"\n(interrupted|terminated)\n$", seen)
    assert not (here / ".planrunner").exists()


def test_what_the_plan_asks_is_asked_and_a_pause_is_resumed(here: Path) -> None:
    flags = ["--data", "name=Ada\u202e"]
    with Person("ask", QUERY, *flags, *script(here, GREETS), cwd=here) as person:
        person.answers(PROMPT, "yes")
        assert "Greet Ada\\u202e?" in person.answers("yes or no (Ctrl-D: leave it open): ", "yes")
        assert "Greet them" in person.leaves(0)
    assert person.out == "Hello Ada\u202e\n"
    paused = process("ask", QUERY, *flags, "--yes", *script(here, GREETS), cwd=here)
    assert paused.code == 3
    (run_id,) = set(re.findall(r"prun-[0-9a-f-]{36}", paused.err))
    assert process("answer", run_id, "yes", cwd=here).code == 0
    assert process("resume", run_id, cwd=here).out == "Hello Ada\u202e\n"


def test_a_failed_run_is_a_failure(cli: Cli, here: Path) -> None:
    plan = "planrunner: 1\nname: p\nsteps:\n  - {id: a, exit: {state: FAILED, message: there is no tool for that}}\n"
    told = cli("ask", QUERY, "--yes", *script(here, plan))
    assert (told.code, told.out) == (1, "")
    assert "failed: step a: exit: there is no tool for that\n" in told.err


def test_text_of_a_planner_can_not_steer_the_terminal(here: Path) -> None:
    """What can't be seen is refused; what stands in the query is shown."""
    with Person("ask", f"{QUERY} \x1b]0;x\x07", *script(here, PLAN), cwd=here) as person:
        shown = person.answers(PROMPT, "yes")
        person.leaves(0)
    assert "# Written by a planner, asked for: Add one and two \\x1b]0;x\\x07\n" in shown
    assert "\x07" not in person.seen


def test_a_project_may_name_the_model(cli: Cli, here: Path) -> None:
    write(here / "planrunner.toml", 'model = "openai/x"\n[models.fast]\nmodel = "openai/y"\n')
    named = PLAN.replace("steps:", "defaults: {model: fast}\nsteps:")
    assert cli("ask", QUERY, "--yes", *script(here, named)).code == 0
