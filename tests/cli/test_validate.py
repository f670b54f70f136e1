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
from tests.cli.commands import NO_MODEL, Result, process, write
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
    monkeypatch.setattr(command, "read_plan", lambda *_: Given(warned, None), raising=True)
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


def test_standard_input_under_the_name_of_a_file(here: Path) -> None:
    """As an editor gives what is not saved yet: its place counts, not what stands there."""
    (here / "other" / "prompts").mkdir(parents=True)
    write(here / "other" / "planrunner.toml", "")
    plan = write(here / "other" / "asks.yml", "saved: long ago\n")
    told = process("validate", "-", "--stdin-filename", f"other/{plan}", cwd=here, stdin=WRONG.encode())
    assert told.code == 1
    assert told.out.startswith("other/asks.yml:4:13: error: ")
    assert told.err == "1 plan checked: 1 error\n"


def test_a_name_for_standard_input_that_is_not_read(cli: Cli, sums: str) -> None:
    told = cli("validate", sums, "--stdin-filename", "a.yml")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: --stdin-filename names what comes from standard input: give - as the PATH")


@pytest.fixture
def many(here: Path) -> Path:
    """Plans in folders, among other files."""
    for name in ("plans/a.yml", "plans/b.yaml", "plans/deep/er/c.yml", "plans/.hidden/no.yml", "plans/.no.yml"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        write(here / name, WRONG)
    write(here / "plans/a.script.yml", "planrunner_script: 1\nreplies: {}\n")
    write(here / "plans/deep/other.yml", "steps: []\n")
    write(here / "plans/notes.md", "planrunner: 1\n")
    return here


def wrong_files(told: Result) -> list[str]:
    return [line.partition(":")[0] for line in told.out.splitlines() if "error:" in line]


@pytest.mark.parametrize(
    ("glob", "files"),
    [
        ("plans/*.yml", ["plans/a.yml"]),
        ("./plans/*", ["plans/a.yml", "plans/b.yaml", "plans/deep/er/c.yml"]),
        ("plans/**/*.yml", ["plans/a.yml", "plans/deep/er/c.yml"]),
        ("**/c.yml", ["plans/deep/er/c.yml"]),
        ("p*/d??p", ["plans/deep/er/c.yml"]),
        ("plans/[ab].y*ml", ["plans/a.yml", "plans/b.yaml"]),
        ("plans/.h*/*.yml", ["plans/.hidden/no.yml"]),
        ("plans/deep/er/../../*.yml", ["plans/deep/er/../../a.yml"]),
    ],
)
def test_a_glob_that_no_shell_has_expanded(cli: Cli, many: Path, glob: str, files: list[str]) -> None:
    told = cli("validate", glob)
    assert (told.code, wrong_files(told)) == (1, files)


def test_an_absolute_glob(cli: Cli, many: Path) -> None:
    told = cli("validate", f"{many}/plans/*.yml")
    assert wrong_files(told) == [f"{many}/plans/a.yml"]


def test_globs_and_names_give_each_file_once(cli: Cli, many: Path) -> None:
    told = cli("validate", "plans/**/*.yml", "plans/a.yml", "plans/*.yml", "plans/deep")
    assert wrong_files(told) == ["plans/a.yml", "plans/deep/er/c.yml"]
    assert told.err.endswith("1 other YAML file passed over: no `planrunner:` at the top\n")


def test_what_is_named_is_checked_also_where_a_folder_would_pass_it_over(cli: Cli, many: Path) -> None:
    for paths in (("plans/deep/other.yml", "plans/deep"), ("plans/deep", "plans/deep/other.yml")):
        told = cli("validate", *paths)
        assert told.err.startswith("2 plans checked: ")
        assert "plans/deep/other.yml:" in told.out


def test_a_glob_that_matches_nothing(cli: Cli, many: Path, sums: str) -> None:
    told = cli("validate", sums, "plans/*.json")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: nothing matches plans/*.json; `**` stands for any folders, as in plans/**/*.yml")


def test_a_glob_that_matches_no_plan(cli: Cli, many: Path) -> None:
    told = cli("validate", "plans/**/other.yml")
    assert told.code == 2
    assert told.err.startswith("error: there is no plan in plans/**/other.yml (YAML files that are none: 1): ")


@pytest.mark.parametrize("glob", ["plans/**.yml/*", "a\0*"])
def test_a_glob_that_is_none(cli: Cli, many: Path, glob: str) -> None:
    assert cli("validate", glob).code == 2


def test_a_file_with_the_name_of_a_glob(cli: Cli, many: Path) -> None:
    write(many / "a[1].yml", WRONG)
    assert wrong_files(cli("validate", "a[1].yml")) == ["a[1].yml"]


def test_a_glob_follows_no_links_in_circles(cli: Cli, many: Path) -> None:
    for name in ("one", "two"):
        (many / "plans" / name).symlink_to(many / "plans")
    assert wrong_files(cli("validate", "plans/**/c.yml")) == ["plans/deep/er/c.yml"]


def test_only_plans_passes_over_what_is_named_and_no_plan(cli: Cli, many: Path) -> None:
    told = cli("validate", "--only-plans", "plans/a.script.yml", "plans/deep/other.yml", "plans/a.yml", "gone.yml")
    assert (told.code, wrong_files(told)) == (1, ["plans/a.yml", "gone.yml"])
    told = cli("validate", "--only-plans", "plans/a.script.yml", "plans/deep/other.yml")
    assert (told.code, told.out) == (0, "")
    assert told.err.startswith("0 plans checked: no problems\n1 other YAML file passed over")


def test_github_is_the_usual_format_in_its_workflows(
    cli: Cli, many: Path, monkeypatch: pytest.MonkeyPatch, sums: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(many))
    monkeypatch.chdir(many / "plans")
    told = cli("validate", "a.yml", f"../{sums}")
    assert told.code == 1
    assert told.out.startswith("::error file=plans/a.yml,line=4,col=13,title=unknown-key::plans/a.yml:4:13: ")
    assert told.out.count("\n") == 1
    assert cli("validate", "a.yml", "--format", "text").out.startswith("a.yml:4:13: error: ")
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    assert cli("validate", "a.yml").out.startswith("a.yml:4:13: error: ")


@pytest.mark.parametrize("format_", ["text", "json", "github", "sarif", "junit"])
def test_every_format_is_stable_and_has_the_same_exit_codes(cli: Cli, many: Path, sums: str, format_: str) -> None:
    first, second = (cli("validate", "plans/*", sums, "--format", format_) for _ in range(2))
    assert first == second
    assert first.code == 1
    assert first.out.count("unknown key") == 3
    assert cli("validate", sums, "--format", format_).code == 0
    assert cli("validate", "gone.yml", "--format", format_).code == 1


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


def test_an_empty_path_is_no_path(cli: Cli, sums: str) -> None:
    told = cli("validate", sums, "")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: a PATH is empty: ")
