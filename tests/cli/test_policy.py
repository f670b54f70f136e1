"""`--policy`, PLANRUNNER_POLICY and `[policy]`, as a person meets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planrunner.settings import Settings, load_settings
from tests.cli.commands import write
from tests.cli.conftest import Cli

PLAN = """
planrunner: 1
name: notes
steps:
  - {id: sure, clarify: {type: user_verification, guidance: Go on?}}
  - {id: note, tool: log, args: {message: x}}
"""
PAYS = """
planrunner: 1
name: shop
tools: {log: {effect: irreversible}}
steps:
  - {id: pay, tool: log, args: {message: x}}
"""
DENIED = "notes.yml:5:22: error: the policy denies calls of 'log'"


@pytest.fixture
def plan(here: Path) -> str:
    return write(here / "notes.yml", PLAN)


def test_validate_holds_plans_against_the_policy(cli: Cli, here: Path, plan: str) -> None:
    write(here / "strict.toml", 'deny = ["log"]\n')
    assert cli("validate", plan).code == 0
    told = cli("validate", plan, "--policy", "strict.toml")
    assert (told.code, told.out.startswith(DENIED)) == (1, True)


def test_a_policy_of_the_project_or_the_environment(
    cli: Cli, here: Path, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here / "planrunner.toml", '[policy]\ndeny = ["log"]\n')
    assert cli("validate", plan).out.startswith(DENIED)
    write(here / "lenient.toml", "")
    monkeypatch.setenv("PLANRUNNER_POLICY", "lenient.toml")
    assert cli("validate", plan).code == 0
    write(here / "strict.toml", 'deny = ["l*"]\n')
    assert cli("validate", plan, "--policy", "strict.toml").out.startswith(DENIED)


def test_run_refuses_what_the_policy_does_not_allow(cli: Cli, here: Path, plan: str) -> None:
    write(here / "strict.toml", 'deny = ["log"]\n')
    told = cli("run", plan, "--policy", "strict.toml")
    assert (told.code, told.out) == (1, "")
    assert DENIED in told.err
    assert "nothing ran" in told.err
    assert not (here / ".planrunner").exists()


def test_resume_holds_a_run_against_the_policy_of_the_day(cli: Cli, here: Path, plan: str) -> None:
    waits = cli("run", plan, "--no-input")
    assert waits.code == 3
    run = cli("runs", "list", "--format", "json").out.split('"id": "')[1].split('"')[0]
    write(here / "strict.toml", 'deny = ["log"]\n')
    told = cli("resume", run, "--answer", "sure=yes", "--policy", "strict.toml")
    assert told.code == 1
    assert "calls of log are denied by the policy" in told.err


def test_run_refuses_an_irreversible_call_that_nobody_approves(cli: Cli, here: Path) -> None:
    plan = write(here / "shop.yml", PAYS)
    told = cli("run", plan)
    assert told.code == 1
    assert "shop.yml:5:21: error: 'pay' calls 'log', which nobody can take back" in told.err
    write(here / "approve.toml", 'approve = ["log"]\n')
    assert cli("validate", plan, "--policy", "approve.toml").code == 0
    told = cli("run", plan, "--policy", "approve.toml", "--no-input")
    assert told.code == 3
    assert "May log be called" in told.err
    assert told.err.rstrip().endswith(" --policy approve.toml")


def test_what_a_plan_needs_of_a_policy_is_needed_on_resume_too(cli: Cli, here: Path) -> None:
    plan = write(here / "shop.yml", PAYS)
    write(here / "approve.toml", 'approve = ["log"]\n')
    assert cli("run", plan, "--policy", "approve.toml", "--no-input").code == 3
    run = cli("runs", "list", "--format", "json").out.split('"id": "')[1].split('"')[0]
    assert "nobody approves the call of log" in cli("resume", run).err
    assert cli("resume", run, "--policy", "approve.toml", "--no-input").code == 3


@pytest.mark.parametrize(
    "command", [("validate", "notes.yml"), ("run", "notes.yml"), ("plan", "x"), ("ask", "x", "-y")]
)
def test_a_policy_that_can_not_be_had_stops_every_command(
    cli: Cli, here: Path, plan: str, command: tuple[str, ...]
) -> None:
    told = cli(*command, "--policy", "none.toml")
    assert (told.code, told.out) == (2, "")
    assert "the policy none.toml can't be read: No such file or directory" in told.err
    write(here / "wrong.toml", "denny = []\n")
    told = cli(*command, "--policy", "wrong.toml")
    assert told.code == 2
    assert "denny: is not a known name; did you mean 'deny'?" in told.err
    assert "--policy is empty" in cli(*command, "--policy", "").err


def test_a_planner_is_told_of_the_policy(cli: Cli, here: Path) -> None:
    write(here / "strict.toml", 'deny = ["weather"]\nlimits = {llm_calls = 3}\n')
    plan = "planrunner: 1\nname: a\nlimits: {llm_calls: %s}\nsteps: [{id: a, set: 1}]\n"
    replies = [plan % 9, plan % 3]
    script = "".join(f"    - |\n{''.join(f'      {line}' for line in reply.splitlines(True))}" for reply in replies)
    write(here / "s.yml", f"planrunner_script: 1\nreplies:\n  planner:\n{script}")
    told = cli("plan", "do it", "--script", "s.yml", "--policy", "strict.toml")
    assert told.code == 0, told.err
    assert "limits: {llm_calls: 3}" in told.out
    told = cli("plan", "x", "--tools", "weather", "--script", "s.yml", "--policy", "strict.toml")
    assert (told.code, told.out) == (2, "")
    assert "the policy denies calls of weather" in told.err


def test_graph_shows_no_plan_that_the_policy_does_not_allow(cli: Cli, here: Path, plan: str) -> None:
    write(here / "strict.toml", 'deny = ["log"]\n')
    assert cli("graph", plan).code == 0
    told = cli("graph", plan, "--policy", "strict.toml")
    assert (told.code, told.out) == (1, "")
    assert DENIED in told.err


def test_each_project_has_its_own_policy_and_is_read_once(
    cli: Cli, here: Path, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("strict/a.yml", "strict/b.yml", "strict/deep/c.yml", "free/a.yml", "free/b.yml"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        write(here / name, (here / plan).read_text())
    write(here / "strict/planrunner.toml", '[policy]\ndeny = ["log"]\n')
    write(here / "free/planrunner.toml", "")
    read: list[str] = []

    def load(root: str, **more: Any) -> Settings:
        read.append(Path(root).name)
        return load_settings(root, **more)

    monkeypatch.setattr("planrunner.cli.plans.load_settings", load)
    told = cli("validate", "strict", "free").out
    denied = ["strict/a.yml", "strict/b.yml", "strict/deep/c.yml"]
    assert [line.split(":")[0] for line in told.splitlines() if "error" in line] == denied
    assert sorted(read) == ["free", "strict"]
