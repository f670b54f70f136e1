"""`planrunner plan`: a plan file comes out, or what is wrong with the best try."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.commands import environment, process, spoken, start, write
from tests.cli.conftest import Cli
from tests.servers.openai_server import HANG, OpenAIServer, failure, text

QUERY = "Add one and two"
PLAN = """\
planrunner: 1
name: sums
steps:
  - {id: sum, tool: calculator, args: {expression: "1 + 2"}}
"""
HEADER = f"# Written by a planner, asked for: {QUERY}\n"
WRONG = PLAN.replace("calculator", "calclator").replace("sums", "sums  # \u202ehi")
SCRIPT = "planrunner_script: 1\nreplies: {planner: REPLIES}\n"


def script(here: Path, *replies: str) -> list[str]:
    """The flag for a script in which the planner says this."""
    write(here / "s.yml", SCRIPT.replace("REPLIES", json.dumps(list(replies))))
    return ["--script", "s.yml"]


def test_the_plan_goes_to_standard_output(cli: Cli, here: Path) -> None:
    told = cli("plan", QUERY, *script(here, f"Sure:\n```yaml\n{PLAN}```\nBye."))
    assert (told.code, told.out, told.err) == (0, HEADER + PLAN, "a plan is being written\n")
    assert cli("plan", QUERY, "-q", *script(here, PLAN)).err == ""
    assert not (here / ".planrunner").exists()


def test_what_comes_out_is_valid_and_runs(cli: Cli, here: Path) -> None:
    told = cli("plan", QUERY, "-o", "sums.yml", *script(here, PLAN))
    assert (told.code, told.out) == (0, "")
    assert told.err.endswith("sums.yml holds the plan sums, 1 step\n")
    assert (here / "sums.yml").read_text("utf-8") == HEADER + PLAN
    assert cli("validate", "sums.yml").code == 0
    assert cli("run", "sums.yml").out == "3\n"


def test_a_file_that_is_there_is_replaced_by_force_alone(cli: Cli, here: Path) -> None:
    (here / "sums.yml").write_text("mine")
    os.symlink("nowhere", here / "link.yml")
    for name in ("sums.yml", "link.yml"):
        told = cli("plan", QUERY, "-o", name)
        assert (told.code, told.out) == (2, "")
        assert told.err.startswith(f"error: --out {name}: there is such a file already; ")
    assert (here / "sums.yml").read_text() == "mine"
    assert cli("plan", QUERY, "--out", "sums.yml", "--force", *script(here, PLAN)).code == 0
    assert (here / "sums.yml").read_text() == HEADER + PLAN


@pytest.mark.parametrize(("out", "words"), [(".", "is a folder"), ("none/x.yml", "its folder does not exist")])
def test_where_it_goes_is_checked_before_a_model_is_paid(cli: Cli, here: Path, out: str, words: str) -> None:
    told = cli("plan", QUERY, "-o", out, *script(here))
    assert (told.code, told.out) == (2, "")
    assert words in told.err
    assert "being written" not in told.err


def test_problems_are_mended(cli: Cli, here: Path) -> None:
    told = cli("plan", QUERY, *script(here, WRONG, PLAN))
    assert (told.code, told.out) == (0, HEADER + PLAN)
    assert told.err == "a plan is being written\ntry 1 of 3 has problems: 2\n"


ROUNDS = "a plan is being written\n" + "".join(f"try {number} of 3 has problems: 2\n" for number in (1, 2, 3))
BEST_TRY = """\
planrunner: 1
name: sums  # \\u202ehi
steps:
  - {id: sum, tool: calclator, args: {expression: "1 + 2"}}

plan.yml:2:15: error: the character \\u202e can't be seen, and changes what a reader sees: leave it out [planned]
    2 | name: sums  # \\u202ehi
      |               ^
plan.yml:4:21: error: the tool 'calclator' was not handed to the planner; did you mean 'calculator'? [planned]
    4 |   - {id: sum, tool: calclator, args: {expression: "1 + 2"}}
      |                     ^
error: the planner wrote no valid plan in 3 rounds
nothing ran
"""


@pytest.mark.parametrize("quiet", [True, False])
def test_without_a_valid_plan_the_best_try_is_told_with_its_problems(cli: Cli, here: Path, quiet: bool) -> None:
    (here / "kept.yml").write_text("mine")
    words = ["-o", "kept.yml", "--force", *(["-q"] if quiet else [])]
    told = cli("plan", QUERY, *words, *script(here, WRONG, WRONG, WRONG))
    assert (told.code, told.out) == (1, "")
    assert told.err == ("" if quiet else ROUNDS) + BEST_TRY
    assert (here / "kept.yml").read_text() == "mine"
    assert list(here.glob("*.part")) == []


def test_tools_are_named_by_globs(cli: Cli, here: Path) -> None:
    told = cli("plan", QUERY, "--tools", "log", "--tools", "calc*", *script(here, PLAN))
    assert told.code == 0
    told = cli("plan", QUERY, "--tools", "log", *script(here, PLAN, PLAN, PLAN))
    assert told.code == 1
    assert "the tool 'calculator' was not handed to the planner; use one of: log [planned]\n" in told.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan"], "error: Missing argument 'QUERY'.\n"),
        (["plan", ""], "error: a query says in words what is to be done, and this one is empty\n"),
        (["plan", "x.yml"], "error: x.yml is the name of a file, and a query says in words"),
        (["plan", QUERY], "error: the planner needs a model and none is named. Name one with --model "),
        (["plan", QUERY, "--tools", "lgo"], "error: there is no tool 'lgo'; did you mean 'log'?"),
        (["plan", QUERY, "--user", ""], "error: the execution context is not valid: end_user_id is empty"),
        (["plan", QUERY, "--data", "name"], "error: --data name: expected NAME=VALUE"),
        (["plan", QUERY, "--script", "none.yml"], "error: the script none.yml does not exist"),
        (["plan", QUERY, "--env-file", "none.env"], "error: the env file none.env does not exist"),
        (["plan", QUERY, "-o", "a", "-o", "b"], "error: --out is given twice; give it once\n"),
        (["plan", QUERY, "-o", ""], "error: --out is empty: expected the name of a file\n"),
        (["plan", QUERY, "--store", "memory"], "error: there is no flag '--store'"),
        (["plan", QUERY, "--yes"], "error: there is no flag '--yes'"),
        (["ask", QUERY, "--yes", "--input", "a=1"], "error: there is no flag '--input'"),
        (["ask", "", "--yes"], "error: a query says in words what is to be done"),
    ],
    ids=spoken,
)
def test_wrong_words(cli: Cli, here: Path, words: list[str], message: str) -> None:
    told = cli(*words)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(message)
    assert not (here / ".planrunner").exists()


def test_a_planner_is_told_for_whom_it_plans(here: Path) -> None:
    """As a process of its own, with the key from a file, through the real litellm."""
    hostile = "Ada\x1b[31m\n\u202e {{ 7*7 }}"
    write(here / "keys.env", "OPENAI_API_KEY=sk-secret-1234567890\n")
    write(here / "c.yml", "planner_system_context_extension: [Be quick.]\n")
    with OpenAIServer([text(PLAN)]) as server:
        told = process(
            "plan", f"{QUERY}: \x1b[31m{{{{ 7*7 }}}}\u202e", "--user", "u1", "--data", f"name={hostile}",
            "--context", "c.yml", "--env-file", "keys.env", "--model", "openai/x", cwd=here,
            env=environment(OPENAI_API_BASE=server.base_url, NO_PROXY="127.0.0.1"),
        )  # fmt: skip
    assert told.code == 0, told.err
    (asked,) = server.requests
    assert '{"end_user_id":"u1","additional_data":{"name":"Ada\\u001b[31m\\n\u202e {{ 7*7 }}"}}' in asked.system
    assert asked.system.endswith("Be quick.")
    assert asked.messages[1]["content"] == f"{QUERY}: \x1b[31m{{{{ 7*7 }}}}\u202e"
    assert told.out == f"# Written by a planner, asked for: {QUERY}: \\x1b[31m{{{{ 7*7 }}}}\\u202e\n{PLAN}"
    assert "sk-secret" not in told.out + told.err


def test_a_model_that_refuses_is_one_clear_word(here: Path) -> None:
    with OpenAIServer([failure(401, "bad key")]) as server:
        told = process(
            "plan", QUERY, "--model", "openai/x", cwd=here,
            env=environment(OPENAI_API_BASE=server.base_url, OPENAI_API_KEY="sk-secret-123456", NO_PROXY="127.0.0.1"),
        )  # fmt: skip
    assert (told.code, told.out) == (1, "")
    assert "OPENAI_API_KEY" in told.err
    assert "sk-secret" not in told.err
    assert "Traceback" not in told.err


def test_interrupted_while_the_model_thinks(here: Path) -> None:
    with OpenAIServer([HANG]) as server:
        env = environment(OPENAI_API_BASE=server.base_url, OPENAI_API_KEY="sk-test-123456", NO_PROXY="127.0.0.1")
        running = start("plan", QUERY, "-o", "x.yml", "--model", "openai/x", cwd=here, env=env)
        assert server.asked.wait(60)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
        assert server.left.wait(10), "the request is ended"
    assert (running.returncode, out, err.decode()) == (130, b"", "a plan is being written\ninterrupted\n")
    assert [path.name for path in here.iterdir()] == ["planrunner.toml"]


def test_what_a_plug_in_prints_is_no_part_of_the_plan(here: Path, tmp_path: Path) -> None:
    info = tmp_path / "loud-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[planrunner.tools]\nloud = loud_tool:loud\n")
    (tmp_path / "loud_tool.py").write_text("print('hello')\n\ndef loud():\n    'Loud.'\n")
    env = environment()
    env["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{env['PYTHONPATH']}"
    told = process("plan", QUERY, *script(here, PLAN), cwd=here, env=env)
    assert (told.code, told.out) == (0, HEADER + PLAN)
    assert "hello\n" in told.err
