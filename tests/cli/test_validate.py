"""`planrunner validate`: problems on standard output, the summary on standard error."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from planrunner.cli import validate as command
from planrunner.cli.plans import Given
from planrunner.document.problem import Problem
from planrunner.render.checked import Checked
from tests.cli.commands import NO_MODEL, process, write
from tests.cli.conftest import Cli

WRONG = "planrunner: 1\nname: wrong\nsteps:\n  - {id: a, sett: 1}\n"


def test_a_good_plan(cli: Cli, sums: str) -> None:
    told = cli("validate", sums)
    assert (told.code, told.out, told.err) == (0, "", "1 plan checked: no problems\n")


def test_a_wrong_plan(cli: Cli, here: Path) -> None:
    told = cli("validate", write(here / "wrong.yml", WRONG))
    assert told.code == 1
    head, line, caret = told.out.splitlines()
    assert head.startswith("wrong.yml:4:13: error: ")
    assert "set" in head
    assert line == "    4 |   - {id: a, sett: 1}"
    assert caret == "      |             ^"
    assert told.err == "1 plan checked: 1 error\n"


def test_json(cli: Cli, here: Path, sums: str) -> None:
    told = cli("validate", sums, write(here / "wrong.yml", WRONG), "--format", "json")
    assert told.code == 1
    value = json.loads(told.out)
    assert value["files"] == 2
    assert [(each["file"], each["line"], each["column"]) for each in value["problems"]] == [("wrong.yml", 4, 13)]


def test_quiet(cli: Cli, sums: str) -> None:
    assert cli("validate", "-q", sums).err == ""


def test_a_folder_gives_its_plans(cli: Cli, here: Path, sums: str) -> None:
    for name in ("b/two.yaml", "b/.hidden/no.yml", ".git/no.yml"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        write(here / name, WRONG)
    write(here / "b/quoted.yml", "# a comment first\n'planrunner': 1\nname: Wrong\nsteps: []\n")
    write(here / "sums.script.yml", "planrunner_script: 1\nreplies: {}\n")
    write(here / "sums.test.yml", "planrunner_test: 1\n")
    write(here / "other.yml", "steps: []\nkeys: {planrunner: 1}\n")
    write(here / "notes.txt", "planrunner: 1\n")
    told = cli("validate", ".", sums, "./sums.yml")
    assert told.code == 1
    files = {line.partition(":")[0] for line in told.out.splitlines() if "error:" in line}
    assert files == {"./b/two.yaml", "./b/quoted.yml"}
    lines = told.err.splitlines()
    assert lines[0].startswith("4 plans checked: ")
    assert lines[1:] == ["1 other YAML file passed over: no `planrunner:` at the top"]
    assert cli("validate", "-q", ".").err == ""
    assert json.loads(cli("validate", ".", "--format", "json").out)["passed_over"] == 1


def test_a_folder_without_plans(cli: Cli, here: Path) -> None:
    (here / "empty").mkdir()
    told = cli("validate", "empty")
    assert told.code == 2
    assert told.err == ("error: there is no plan in empty: a plan is a YAML file with `planrunner: 1` at the top\n")


def test_a_file_that_is_named_is_checked_whatever_it_is(cli: Cli, here: Path) -> None:
    assert cli("validate", write(here / "other.yml", "steps: []\n")).code == 1
    assert cli("validate", write(here / "empty.yml", "")).code == 1


def test_a_missing_file_does_not_hide_the_others(cli: Cli, here: Path, sums: str) -> None:
    told = cli("validate", "smus.yml", write(here / "wrong.yml", WRONG), sums)
    assert told.code == 1
    assert f"smus.yml:1:1: error: the plan smus.yml does not exist in {here} [unreadable]\n" in told.out
    assert "wrong.yml:4:13: error: " in told.out
    assert told.err == "3 plans checked: 2 errors\n"


def test_what_a_folder_holds_and_nobody_can_read(cli: Cli, here: Path, sums: str) -> None:
    (here / "dangling.yml").symlink_to("nowhere.yml")
    (here / "loop.yml").symlink_to("loop.yml")
    os.mkfifo(here / "pipe.yml")
    told = cli("validate", ".")
    assert told.code == 1
    assert told.out.splitlines() == [
        "./dangling.yml:1:1: error: the file ./dangling.yml does not exist: the link leads nowhere [unreadable]",
        "./loop.yml:1:1: error: the file ./loop.yml can't be read: Too many levels of symbolic links [unreadable]",
        "./pipe.yml:1:1: error: the file ./pipe.yml is not a regular file [unreadable]",
    ]
    assert told.err == "4 plans checked: 3 errors\n"


@pytest.mark.parametrize("command", ["validate", "run"])
def test_a_pipe_or_a_device_is_no_plan(command: str, here: Path) -> None:
    os.mkfifo(here / "pipe")
    for name in ("pipe", "/dev/zero"):
        told = process(command, name, cwd=here)
        assert told.code == {"validate": 1, "run": 2}[command]
        assert f"the plan {name} is not a regular file" in told.out + told.err


def test_standard_input_by_its_name_is_a_plan(here: Path) -> None:
    assert process("validate", "/dev/stdin", cwd=here, stdin=NO_MODEL.encode()).code == 0


def test_a_plan_in_utf16_is_found_in_a_folder(cli: Cli, here: Path) -> None:
    for name, codec in (("little.yml", "utf-16"), ("big.yml", "utf-16-be")):
        (here / name).write_bytes(NO_MODEL.encode(codec))
    write(here / "nothing.yml", "")
    write(here / "comment.yml", "# nothing yet\n")
    told = cli("validate", ".")
    assert told.code == 1
    assert {line.partition(":")[0] for line in told.out.splitlines() if "error:" in line} == {
        "./little.yml",
        "./big.yml",
    }
    assert told.err.endswith("2 other YAML files passed over: no `planrunner:` at the top\n")


def test_an_impossible_name(cli: Cli) -> None:
    told = cli("validate", "a\0b.yml")
    assert (told.code, told.err) == (1, "1 plan checked: 1 error\n")
    assert "the plan 'a\\x00b.yml' is no possible file name [unreadable]" in told.out


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="a file that can be opened and not be read")
def test_an_unreadable_file(cli: Cli) -> None:
    told = cli("validate", "/proc/self/mem")
    assert told.code == 1
    assert "the plan /proc/self/mem can't be read: Input/output error [unreadable]\n" in told.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_and_folder(cli: Cli, here: Path, sums: str) -> None:
    (here / sums).chmod(0)
    (here / "closed").mkdir(mode=0)
    told = cli("validate", ".")
    assert told.code == 1
    assert "the file ./sums.yml can't be read: Permission denied [unreadable]" in told.out
    assert "the folder ./closed can't be read: Permission denied [unreadable]" in told.out
    (here / "closed").chmod(0o700)


def test_warnings_count_only_when_strict(cli: Cli, sums: str, monkeypatch: pytest.MonkeyPatch) -> None:
    warned = Checked("sums.yml", (Problem("sums.yml", 1, 1, "unused", "nothing uses it", "warning"),), ["x"])
    monkeypatch.setattr(command, "read_plan", lambda _: Given(warned, None), raising=True)
    told = cli("validate", sums)
    assert (told.code, told.err) == (0, "1 plan checked: 1 warning\n")
    assert "sums.yml:1:1: warning: nothing uses it [unused]" in told.out
    assert cli("validate", sums, "--strict").code == 1


def test_at_a_terminal_it_is_told_how_to_learn_more(cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = write(here / "wrong.yml", WRONG)
    monkeypatch.setattr(command, "is_terminal", lambda stream: stream is sys.stderr)
    more = "planrunner explain unknown-key tells why, with an example\n"
    assert cli("validate", wrong).err == "1 plan checked: 1 error\n" + more
    for words in (("validate", "-q", wrong), ("validate", wrong, "--format", "json"), ("validate", sums_of(here))):
        assert more not in cli(*words).err


def sums_of(here: Path) -> str:
    return write(here / "right.yml", NO_MODEL)


def test_standard_input(here: Path) -> None:
    assert process("validate", "-", cwd=here, stdin=NO_MODEL.encode()).code == 0
    told = process("validate", "-", cwd=here, stdin=WRONG.encode())
    assert told.code == 1
    assert told.out.startswith("<stdin>:4:13: error: ")


def test_nothing_of_the_plan_is_imported(cli: Cli, here: Path) -> None:
    (here / "mine.py").write_text("raise SystemExit('imported')\n")
    plan = write(
        here / "own.yml",
        """
        planrunner: 1
        name: own
        tools: {mine: {use: "mine:run", effect: read}}
        steps: [{id: a, tool: mine}]
        """,
    )
    assert cli("validate", plan).code == 0
