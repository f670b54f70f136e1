"""`planrunner runs`: what is stored, found again."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.cli.commands import COMMAND, environment, spoken, write
from tests.cli.conftest import Cli

FAILS = """
planrunner: 1
name: fails
steps: [{id: sum, tool: calculator, args: {expression: "1/0"}}]
"""


@pytest.fixture
def stored(cli: Cli, here: Path, sums: str) -> list[str]:
    """Three runs, oldest first: sums for u1, sums for u2, fails for u2."""
    fails = write(here / "fails.yml", FAILS)
    words = [
        (sums, "--input", "a=1", "--user", "u1"),
        (sums, "--input", "a=2", "--user", "u2"),
        (fails, "--user", "u2"),
    ]
    return [json.loads(cli("run", *each, "--format", "json").out)["id"] for each in words]


def ids(cli: Cli, *words: str) -> list[str]:
    return [run["id"] for run in json.loads(cli("runs", "list", "--format", "json", *words).out)]


def test_the_list_is_newest_first(cli: Cli, stored: list[str]) -> None:
    told = cli("runs", "list")
    assert (told.code, told.err) == (0, "")
    head, *rows = told.out.splitlines()
    assert head.split() == ["RUN", "STATE", "PLAN", "END", "USER", "STARTED", "TOOK"]
    assert [row.split()[:4] for row in rows] == [
        [stored[2], "FAILED", "fails", "u2"],
        [stored[1], "COMPLETE", "sums", "u2"],
        [stored[0], "COMPLETE", "sums", "u1"],
    ]


def test_the_list_as_json(cli: Cli, stored: list[str]) -> None:
    newest = json.loads(cli("runs", "list", "--format", "json").out)[0]
    assert newest.keys() == {"id", "end_user_id", "plan", "state", "created_at", "updated_at"}
    assert (newest["end_user_id"], newest["state"], newest["plan"]["name"]) == ("u2", "FAILED", "fails")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--user", "u1"], [0]),
        (["--state", "FAILED"], [2]),
        (["--plan", "sums"], [1, 0]),
        (["--plan", "sums", "--user", "u2"], [1]),
        (["--limit", "1"], [2]),
        (["--since", "1h"], [2, 1, 0]),
        (["--since", "2999-01-01"], []),
        (["--user", "u"], []),
    ],
    ids=spoken,
)
def test_filters(cli: Cli, stored: list[str], words: list[str], found: list[int]) -> None:
    assert ids(cli, *words) == [stored[place] for place in found]


def test_an_empty_store(cli: Cli, here: Path) -> None:
    told = cli("runs", "list")
    assert (told.code, told.out, told.err) == (0, "", f"no runs in {here / '.planrunner'}\n")
    assert cli("runs", "list", "--format", "json").out == "[]\n"
    assert cli("runs", "list", "-q").err == ""
    assert not (here / ".planrunner").exists()


READERS = [
    ("runs", "list"),
    ("runs", "show", "prun-1"),
    ("runs", "show", "prun-1", "--events"),
    ("runs", "cancel", "prun-1"),
    ("answer", "prun-1", "yes"),
    ("resume", "prun-1"),
]


@pytest.mark.parametrize("store", ["typo", "typo.db", "sqlite:///typo.db"])
@pytest.mark.parametrize("words", READERS, ids=spoken)
def test_a_mistyped_store_is_not_made(cli: Cli, here: Path, words: tuple[str, ...], store: str) -> None:
    told = cli(*words, "--store", store)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"error: there is no store at {store}: ")
    assert {path.name for path in here.iterdir()} == {"planrunner.toml"}


@pytest.mark.parametrize("words", READERS[1:], ids=spoken)
def test_a_run_where_nothing_ever_ran(cli: Cli, here: Path, words: tuple[str, ...]) -> None:
    told = cli(*words)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"error: there is no run 'prun-1': no runs in {here / '.planrunner'}")
    assert not (here / ".planrunner").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_store_of_somebody_else(cli: Cli, here: Path) -> None:
    (here / "theirs").mkdir(mode=0)
    told = cli("runs", "list", "--store", "theirs")
    (here / "theirs").chmod(0o700)
    assert told.code == 2
    assert "can't be opened (Permission denied)" in told.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_store_that_can_only_be_read_is_listed_and_shown(cli: Cli, here: Path, stored: list[str]) -> None:
    folder = here / ".planrunner"
    places = [*folder.rglob("*"), folder]
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    try:
        assert sorted(ids(cli)) == sorted(stored)
        assert cli("runs", "show", stored[0]).code == 0
        told = cli("run", "sums.yml", "--input", "a=1")
        assert told.code == 2
        assert "can't be opened (attempt to write a readonly database)" in told.err
    finally:
        for place in reversed(places):
            place.chmod(0o700 if place.is_dir() else 0o600)


@pytest.mark.parametrize("words", [("runs", "list"), ("run", "a.yml"), ("validate", "a.yml")], ids=spoken)
def test_the_working_folder_is_gone(here: Path, words: tuple[str, ...]) -> None:
    gone = here / "gone"
    gone.mkdir()
    line = f"cd {shlex.quote(str(gone))} && rmdir ../gone && exec {shlex.quote(str(COMMAND))} {shlex.join(words)}"
    done = subprocess.run(["sh", "-c", line], env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == (1 if words[0] == "validate" else 2)
    told = done.stdout + done.stderr
    wanted = (
        "error: the working folder does not exist any more" if words == ("runs", "list") else "a.yml does not exist"
    )
    assert wanted in told


def test_show_for_people(cli: Cli, stored: list[str]) -> None:
    lines = cli("runs", "show", stored[0]).out.splitlines()
    assert lines[:4] == [f"run       {stored[0]}", "state     COMPLETE", "plan      sums", "end user  u1"]
    assert [line.split()[:2] for line in lines if line.startswith("  ✓")] == [["✓", "sum"], ["✓", "told"]]
    assert lines[-2:] == ["final output", "  nobody gets 2"]


def test_show_a_failed_run(cli: Cli, stored: list[str]) -> None:
    lines = cli("runs", "show", stored[2]).out.splitlines()
    assert lines[1] == "state     FAILED"
    assert any(line.startswith("  ✗ sum  FAILED") for line in lines)
    assert lines[-1].startswith("failed: step sum: ")


def test_show_as_json_is_the_record_that_run_printed(cli: Cli, sums: str) -> None:
    printed = json.loads(cli("run", sums, "--input", "a=1", "--format", "json").out)
    assert json.loads(cli("runs", "show", printed["id"], "--format", "json").out) == printed


def test_show_events(cli: Cli, stored: list[str]) -> None:
    told = cli("runs", "show", stored[0], "--events").out.splitlines()
    assert [line.split()[1] for line in told][:2] == ["run_started", "step_started"]
    events = json.loads(cli("runs", "show", stored[0], "--events", "--format", "json").out)
    assert [event["kind"] for event in events] == [line.split()[1] for line in told]
    assert events[-1]["body"]["state"] == "COMPLETE"


@pytest.mark.parametrize("run_id", ["prun-00000000-0000-4000-8000-000000000000", "nonsense", "../../etc/passwd", ""])
def test_show_an_unknown_run(cli: Cli, stored: list[str], run_id: str) -> None:
    told = cli("runs", "show", run_id)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: ")
    assert "Traceback" not in told.err


def test_data_of_users_can_not_steer_the_terminal(cli: Cli, sums: str) -> None:
    hostile = "u\x1b]0;title\x07\u202e"
    told = cli("run", sums, "--input", "a=1", "--input", f"who={hostile}", "--user", hostile)
    assert hostile in told.out, "data goes out byte for byte where it is no terminal"
    run_id = told.err.split()[-1]
    for words in (("runs", "list"), ("runs", "show", run_id), ("runs", "show", run_id, "--events")):
        shown = cli(*words).out
        assert not set("\x1b\x07\u202e") & set(shown)
        assert "\\u202e" in shown


def test_a_store_that_can_not_be_used(cli: Cli, here: Path, sums: str) -> None:
    for store in (f"{sums}/store", "postgres://x"):
        told = cli("runs", "list", "--store", store)
        assert (told.code, told.out) == (2, "")
        assert told.err.startswith("error: ")


NESTED = """
planrunner: 1
name: nested
steps:
  - id: each
    foreach: {in: "[1, 0]", as: n}
    steps:
      - {id: sum, tool: calculator, args: {expression: "1/{{ n }}"}, retry: {max_attempts: 2, delay: 1ms}}
  - {id: never, set: 1}
"""


def test_show_tells_of_steps_inside_of_others_and_of_attempts_that_failed(cli: Cli, here: Path) -> None:
    record = json.loads(cli("run", write(here / "nested.yml", NESTED), "--format", "json").out)
    shown = cli("runs", "show", record["id"]).out
    steps = shown.partition("steps\n")[2].partition("\n\n")[0]
    assert re.sub("[0-9.]+s", "0.00s", steps).splitlines() == [
        "  ✗ each             FAILED  0.00s  2 items  tool_soft_error: division by zero",
        "    ✗ each[1]        FAILED  0.00s  tool_soft_error: division by zero",
        "      ✗ each[1]/sum  FAILED  0.00s  1 tool call  1 failed attempt  tool_soft_error: division by zero",
        "    never            NOT_STARTED",
    ]
