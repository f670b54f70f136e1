"""`planrunner run`: what is given, what comes out, and where."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

from planrunner.document.load import load_plan
from planrunner.ids import is_run_id
from planrunner.tools.base import Tool
from planrunner.wire import Runner
from tests.cli.commands import NO_MODEL, spoken, write
from tests.cli.conftest import Cli

TASK = """
planrunner: 1
name: greeting
steps:
  - {id: letter, task: "Write to {{ context.additional_data.name }}"}
"""
FAILS = """
planrunner: 1
name: fails
steps:
  - {id: sum, tool: calculator, args: {expression: "1/0"}}
  - {id: never, set: 1}
"""


def record(out: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(out)
    return value


def test_text_gives_the_final_output_and_talks_beside_it(cli: Cli, sums: str) -> None:
    told = cli("run", sums, "--input", "a=2")
    assert (told.code, told.out) == (0, "nobody gets 3\n")
    lines = told.err.splitlines()
    assert lines[0] == "sum started"
    assert re.fullmatch(r"sum COMPLETE in \d+\.\d\ds", lines[1])
    assert lines[2] == "told started"
    assert re.fullmatch(r"COMPLETE in \d+\.\d\ds, 0 LLM calls, 1 tool call", lines[4])
    run_id = lines[5].removeprefix("planrunner runs show ")
    assert is_run_id(run_id)
    assert cli("runs", "show", run_id).code == 0


def test_json_gives_the_record_and_nothing_else(cli: Cli, sums: str) -> None:
    told = cli("run", sums, "--input", "a=2", "--user", "DemoUser123", "--data", "name=Nicholas", "--format", "json")
    value = record(told.out)
    assert value["state"] == "COMPLETE"
    assert value["execution_context"]["end_user_id"] == "DemoUser123"
    assert value["execution_context"]["additional_data"] == {"name": "Nicholas"}
    assert value["step_outputs"] == {"$sum": {"value": 3}, "$told": {"value": "nobody gets 3"}}
    assert value["inputs"] == {"a": 2, "who": "nobody"}


def test_jsonl_gives_every_event_and_the_record_last(cli: Cli, sums: str) -> None:
    told = cli("run", sums, "--input", "a=2", "--format", "jsonl", "-q")
    *events, last = map(json.loads, told.out.splitlines())
    assert [event["kind"] for event in events[:2]] == ["run_started", "step_started"]
    assert events[-1]["kind"] == "run_finished"
    assert all(set(event) == {"kind", "key", "at", "body"} for event in events)
    assert last["kind"] == "record"
    assert last["record"]["id"] == events[0]["body"]["id"]
    assert last["record"]["state"] == "COMPLETE"


@pytest.mark.parametrize(
    ("output", "out"),
    [
        ("one line", "one line\n"),
        ('"two\\nlines\\n"', "two\nlines\n"),
        ("{a: [1, null]}", '{\n  "a": [\n    1,\n    null\n  ]\n}\n'),
    ],
)
def test_text_shows_texts_as_they_are_and_the_rest_as_json(cli: Cli, here: Path, output: str, out: str) -> None:
    plan = write(here / "p.yml", f"planrunner: 1\nname: p\nsteps: [{{id: a, set: 1}}]\noutput: {output}\n")
    assert cli("run", plan).out == out


def test_quiet_and_verbose(cli: Cli, sums: str) -> None:
    assert cli("run", sums, "--input", "a=2", "-q").err == ""
    assert '  sum calls calculator {"expression": "2 + 1"}\n' in cli("run", sums, "--input", "a=2", "-v").err


@pytest.mark.parametrize("quiet", [True, False])
def test_a_failed_run(cli: Cli, here: Path, quiet: bool) -> None:
    told = cli("run", write(here / "fails.yml", FAILS), *(["-q"] if quiet else []))
    assert (told.code, told.out) == (1, "")
    assert re.search(r"^failed: step sum: tool_\w*error: .+$", told.err, re.MULTILINE)
    assert told.err.count("\n") == (1 if quiet else 5)


def test_a_failed_run_has_a_record_too(cli: Cli, here: Path) -> None:
    told = cli("run", write(here / "fails.yml", FAILS), "--format", "json")
    assert told.code == 1
    value = record(told.out)
    assert (value["state"], value["error"]["step"], value["final_output"]) == ("FAILED", "sum", None)
    assert [step["state"] for step in value["steps"]] == ["FAILED", "NOT_STARTED"]


def test_out_takes_the_result(cli: Cli, here: Path, sums: str) -> None:
    for name, words in (("record.json", ["--format", "json"]), ("text.txt", []), ("all.jsonl", ["--format", "jsonl"])):
        told = cli("run", sums, "--input", "a=2", "--out", name, *words)
        assert (told.code, told.out) == (0, "")
    assert record((here / "record.json").read_text("utf-8"))["state"] == "COMPLETE"
    assert (here / "text.txt").read_text("utf-8") == "nobody gets 3\n"
    assert (here / "all.jsonl").read_text("utf-8").count("\n") > 4
    assert [file.name for file in here.glob("*.part")] == []


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (".", "error: --out . is a folder, and a file is needed\n"),
        ("none/there.json", "error: --out none/there.json: its folder does not exist\n"),
        ("sums.yml/x", "error: --out sums.yml/x can't be written: Not a directory\n"),
        ("a\0b", "error: --out 'a\\x00b' is no possible file name\n"),
    ],
)
def test_out_is_checked_before_anything_runs(cli: Cli, here: Path, sums: str, out: str, message: str) -> None:
    told = cli("run", sums, "--input", "a=2", "--out", out)
    assert (told.code, told.out, told.err) == (2, "", message)
    assert not (here / ".planrunner").exists()


def test_a_failed_run_keeps_what_stood_in_out(cli: Cli, here: Path, sums: str) -> None:
    (here / "x.json").write_text("before")
    assert cli("run", sums, "--out", "x.json").code == 2
    assert (here / "x.json").read_text() == "before"
    assert list(here.glob("*.part")) == []


def test_descriptions_of_steps_are_shown(cli: Cli, here: Path) -> None:
    plan = write(
        here / "d.yml",
        "planrunner: 1\nname: d\nsteps: [{id: a, description: Add one to it, set: 1}, {id: b, set: 2}]\n",
    )
    told = cli("run", plan)
    assert told.code == 0
    assert "a started: Add one to it\n" in told.err
    assert "b started\n" in told.err


def test_advice_of_several_lines_stands_in_lines(cli: Cli, here: Path) -> None:
    plan = write(here / "t.yml", "planrunner: 1\nname: t\nsteps: [{id: a, task: Say hello}]\n")
    script = write(here / "t.script.yml", "planrunner_script: 1\n")
    told = cli("run", plan, "--script", script)
    assert told.code == 1
    assert "Add under `replies`:\n    a:\n      - The text of the reply\n" in told.err


def test_args_that_a_built_in_tool_refuses_are_refused_before_anything_runs(cli: Cli, here: Path) -> None:
    plan = write(here / "w.yml", "planrunner: 1\nname: w\nsteps: [{id: a, tool: calculator, args: {expression: 5}}]\n")
    told = cli("run", plan)
    assert (told.code, told.out) == (1, "")
    assert "w.yml:3:54: error: the args of 'calculator': expression: must be a string" in told.err
    assert told.err.endswith("error: the plan w.yml is not valid: nothing ran\n")
    assert not (here / ".planrunner").exists()


def test_a_tool_of_the_callers_own_may_take_other_args(here: Path) -> None:
    class Calculator(Tool):
        id = "calculator"
        args_schema: ClassVar = {"type": "object", "properties": {"expression": {"type": "integer"}}}

        def run(self, _ctx: object, expression: int) -> int:
            return expression * 2

    text = "planrunner: 1\nname: w\nsteps: [{id: a, tool: calculator, args: {expression: 5}}]\n"
    with Runner(tools=[Calculator], store="memory") as runner:
        record = runner.run(load_plan(text))
    assert record.final_output is not None
    assert record.final_output.value == 10


def test_an_invalid_plan(cli: Cli, here: Path) -> None:
    told = cli("run", write(here / "wrong.yml", "planrunner: 1\nname: wrong\nsteps: [{id: a, sett: 1}]\n"))
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("wrong.yml:3:17: error: ")
    assert told.err.endswith("error: the plan wrong.yml is not valid: nothing ran\n")
    assert not (here / ".planrunner").exists()


def test_an_unknown_tool_is_told_once(cli: Cli, here: Path) -> None:
    told = cli("run", write(here / "p.yml", "planrunner: 1\nname: p\nsteps: [{id: a, tool: calclator}]\n"))
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: ")
    assert told.err.count("'calclator'") == 1
    assert "did you mean 'calculator'?" in told.err
    assert not (here / ".planrunner").exists()


def test_inputs_come_from_a_file_and_from_flags(cli: Cli, here: Path, sums: str) -> None:
    write(here / "in.yml", "a: 4\n")
    write(here / "in.json", '{"a": 5,\n\t"who": "{{ 7*7 }}"}')
    assert cli("run", sums, "--inputs", "in.yml", "--input", "who=7").out == "7 gets 5\n"
    assert cli("run", sums, "--inputs", "in.json").out == "{{ 7*7 }} gets 6\n"


CONTEXT = "end_user_id: u1\nadditional_data: {name: Ada, age: 36}\nagent_system_context_extension: [be kind]\n"


def test_the_context_comes_from_a_file_and_flags_add_to_it(cli: Cli, here: Path, sums: str) -> None:
    write(here / "c.yml", CONTEXT)
    words = ["run", sums, "--input", "a=2", "--context", "c.yml", "--format", "json"]
    context = record(cli(*words, "--data", "tags:=[1]", "--data", "mail=7").out)["execution_context"]
    assert context["end_user_id"] == "u1"
    assert context["additional_data"] == {"name": "Ada", "age": 36, "tags": [1], "mail": "7"}
    assert context["agent_system_context_extension"] == ["be kind"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--user", "u2", "--context", "c.yml"],
            "error: the end user is named twice: by --user and in c.yml by end_user_id; keep one\n",
        ),
        (["--data", "name=Bob", "--context", "c.yml"], "error: the data name is given twice: in a file and by a flag"),
        (["--data", "name"], "error: --data name: expected NAME=VALUE, or NAME:=JSON"),
        (["--user", ""], "error: the execution context is not valid: end_user_id is empty"),
        (["--context", "none.yml"], "error: the context file none.yml does not exist in "),
        (["--context", "wrong.yml"], "error: the context file wrong.yml can't be used:\nwrong.yml:"),
        (["--context", "list.yml"], "error: the context file list.yml must hold a map of names to values"),
        (["--context", "other.yml"], "error: the execution context is not valid: there is no field 'user'"),
        (
            ["--context", "data.yml", "--data", "a=1"],
            "error: additional_data in the context file data.yml must be a map",
        ),
        (["--context", "data.yml"], "error: the execution context is not valid: additional_data"),
        (["--inputs", "wrong.json"], "error: the inputs file wrong.json is not JSON (line 1, column 2)\n"),
        (["--inputs", "in.yml"], "error: the input a is given twice: in a file and by a flag; give it once"),
        (["--input", "a=3"], "error: --input a is given twice"),
        (["--input", "b=3"], "error: --input b: the plan has no such input"),
        (["--input", "who:=3"], "error: the inputs do not fit the plan 'sums'"),
        (["--script", "none.yml"], "error: the script none.yml does not exist"),
        (["--env-file", "none.env"], "error: the env file none.env does not exist"),
        (["--store", "sums.yml/store"], "error: the store "),
        (["--store", "/proc/none/of/this"], "error: the store "),
        (["--store", "postgres://x"], "error: 'postgres://x' does not name a store. "),
    ],
    ids=spoken,
)
def test_what_is_wrong_is_told_before_anything_runs(
    cli: Cli, here: Path, sums: str, words: list[str], message: str
) -> None:
    write(here / "c.yml", CONTEXT)
    write(here / "wrong.yml", "a: [\n")
    write(here / "wrong.json", "{")
    write(here / "list.yml", "- a\n")
    write(here / "other.yml", "user: u1\n")
    write(here / "data.yml", "additional_data: [1]\n")
    write(here / "in.yml", "a: 4\n")
    told = cli("run", sums, "--input", "a=2", *words)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(message)
    assert "Traceback" not in told.err
    assert not (here / ".planrunner").exists()


def test_missing_inputs(cli: Cli, here: Path, sums: str) -> None:
    told = cli("run", sums)
    assert (told.code, told.out) == (2, "")
    assert re.search(r"\ba\b", told.err)
    assert not (here / ".planrunner").exists()


@pytest.mark.parametrize("words", [["none.yml"], ["."], ["--", "-none"]])
def test_no_plan_there(cli: Cli, words: list[str]) -> None:
    told = cli("run", *words)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"error: the plan {words[-1]} ")
    assert told.err.count("\n") == 1


def test_no_model_is_told_with_three_ways_out(cli: Cli, here: Path) -> None:
    told = cli("run", write(here / "greeting.yml", TASK), "--data", "name=Ada")
    assert (told.code, told.out) == (2, "")
    for way in ("--model", "OPENAI_API_BASE", "--script"):
        assert way in told.err


ANNOUNCED = """
planrunner: 1
name: announced
tools: {stock: {effect: read}}
steps: [{id: left, tool: stock, args: {sku: A-1}}]
"""


def test_a_script_plays_a_tool_that_is_only_announced(cli: Cli, here: Path) -> None:
    plan = write(here / "p.yml", ANNOUNCED)
    script = write(here / "s.yml", "planrunner_script: 1\ntools: {stock: {returns: 7}}\n")
    assert cli("run", plan, "--script", script).out == "7\n"
    assert "have a script play it" in cli("run", plan).err


def test_a_tool_that_is_only_announced_and_not_scripted_fails_its_step(cli: Cli, here: Path) -> None:
    plan = write(here / "p.yml", ANNOUNCED)
    script = write(here / "s.yml", "planrunner_script: 1\n")
    told = cli("run", plan, "--script", script).err
    assert "left: tool_error: nobody provides the tool stock, and the script does not answer it" in told


def test_where_a_tool_of_ones_own_failed_is_told_with_debug_alone(cli: Cli, here: Path) -> None:
    write(here / "own_fails.py", "def fails(n: int):\n    raise ValueError('no \\x1b[31m')\n")
    tools = "tools: {fails: {use: 'own_fails:fails'}}"
    plan = write(here / "p.yml", f"planrunner: 1\nname: p\n{tools}\nsteps: [{{id: a, tool: fails, args: {{n: 1}}}}]\n")
    for words in ([], ["-v"]):
        told = cli("run", plan, *words).err
        assert "a: tool_error: ValueError: no" in told
        assert "Traceback" not in told
        assert "the tool fails failed" not in told
    told = cli("run", plan, "--debug").err
    assert 'own_fails.py", line 2, in fails\n' in told
    assert "\x1b" not in told


def test_a_script_answers_for_the_model(cli: Cli, here: Path) -> None:
    plan = write(here / "greeting.yml", TASK)
    write(here / "s.yml", 'planrunner_script: 1\nreplies: {letter: ["Dear {{ 7*7 }}"]}\n')
    assert cli("run", plan, "--data", "name=Ada", "--script", "s.yml").out == "Dear {{ 7*7 }}\n"


def test_an_env_file_is_read_only_when_it_is_named(
    cli: Cli, here: Path, sums: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    write(here / ".env", "PLANRUNNER_STORE=elsewhere\n")
    assert cli("run", sums, "--input", "a=2").code == 0
    assert not (here / "elsewhere").exists()
    assert cli("run", sums, "--input", "a=2", "--env-file", ".env").code == 0
    assert (here / "elsewhere").exists()


def test_another_store_is_told_with_the_way_to_it(cli: Cli, sums: str) -> None:
    told = cli("run", sums, "--input", "a=2", "--store", "my runs")
    command = told.err.splitlines()[-1]
    assert re.fullmatch(r"planrunner runs show (\S+) --store 'my runs'", command)
    run_id = command.split()[3]
    assert cli("runs", "show", run_id).code == 2
    assert cli("runs", "show", run_id, "--store", "my runs").code == 0


def test_a_run_kept_in_memory_leaves_nothing(cli: Cli, here: Path, sums: str) -> None:
    told = cli("run", sums, "--input", "a=2", "--store", "memory")
    assert re.search(r"^run prun-\S+ was kept in memory only$", told.err, re.MULTILINE)
    assert not (here / ".planrunner").exists()


def test_a_plan_of_another_project_is_kept_there(cli: Cli, here: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "planrunner.toml").touch()
    write(other / "sums.yml", NO_MODEL)
    told = cli("run", "../other/sums.yml", "--input", "a=2")
    assert told.code == 0
    assert (other / ".planrunner").is_dir()
    assert not (here / ".planrunner").exists()
    words = told.err.splitlines()[-1].split()
    assert cli(*words[1:]).code == 0


def test_the_log_tool_is_heard(cli: Cli, here: Path) -> None:
    plan = write(
        here / "p.yml", 'planrunner: 1\nname: p\nsteps: [{id: a, tool: log, args: {message: "hello\\n\\e[0m"}}]\n'
    )
    assert "hello\\n\\x1b[0m" in cli("run", plan).err
    assert "hello" not in cli("run", plan, "-q").err
