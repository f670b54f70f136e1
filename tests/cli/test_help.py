"""What every command says of itself, and what wrong words are answered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planrunner import __version__
from planrunner.cli.main import COMMANDS
from tests.cli.commands import process, spoken
from tests.cli.conftest import Cli

EVERY = [
    (),
    *((name,) for name in COMMANDS),
    ("runs", "list"),
    ("runs", "show"),
    ("runs", "cancel"),
    ("tools", "list"),
    ("tools", "show"),
]


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("words", EVERY, ids=spoken)
def test_help(cli: Cli, words: tuple[str, ...], flag: str) -> None:
    told = cli(*words, flag)
    assert told.code == 0
    assert told.out.startswith("Usage: planrunner")
    assert told.err == ""
    assert "None" not in told.out


def test_the_list_of_commands(cli: Cli) -> None:
    told = cli("--help")
    for name, (_, short) in COMMANDS.items():
        assert f"  {name:<9} {short}\n" in told.out


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_version(cli: Cli, flag: str) -> None:
    assert cli(flag).out == f"planrunner {__version__}\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("--version",)], ids=spoken)
def test_help_that_can_not_be_written(here: Path, words: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        told = process(*words, cwd=here, stdout=full)
    assert told.code == 1
    assert told.err == "error: standard output can't be written: No space left on device\n"


def test_nothing_asked(cli: Cli) -> None:
    told = cli()
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("Usage: planrunner")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("rnu",), "error: there is no command 'rnu'; did you mean 'run'?\nplanrunner --help tells"),
        (
            ("zzzzzz",),
            "error: there is no command 'zzzzzz'; the commands are run, resume, answer, plan, ask, validate, explain, ",
        ),
        (("runs", "lits"), "error: there is no command 'lits'; did you mean 'list'?\nplanrunner runs --help tells"),
        (
            ("run", "x.yml", "--inptu", "a=1"),
            "error: there is no flag '--inptu'; did you mean '--input'?\nplanrunner run --help",
        ),
        (("runs", "list", "--answer", "a=1"), "error: there is no flag '--answer'\nplanrunner runs list --help"),
        (("runs", "list", "--limit", "99999999999999999999"), "is not a whole number from 1 to 1000000\n"),
        (("runs", "list", "--user", "a", "--user", "a"), "error: --user is given twice; give it once\n"),
        (("runs", "list", "--store", "memory", "--store", "memory"), "error: --store is given twice; give it once\n"),
        (
            ("validate", "x.yml", "--format", "json", "--format", "text"),
            "error: --format is given twice; give it once\n",
        ),
        *(
            (("run", "x.yml", flag, "a", flag, "b"), f"error: {flag} is given twice; give it once\n")
            for flag in ("--script", "--context", "--inputs", "--model", "--out", "--env-file")
        ),
        *(
            (("run", "x.yml", flag, ""), f"error: {flag} is empty: expected the name of a file\n")
            for flag in ("--script", "--context", "--inputs", "--out", "--env-file")
        ),
        (("run",), "error: Missing argument 'PLAN'.\nplanrunner run --help tells how it is used\n"),
        (("validate",), "error: Missing argument 'PATH...'."),
        (("runs", "show"), "error: Missing argument 'RUN'."),
        (("run", "a.yml", "b.yml"), "error: Got unexpected extra argument (b.yml)"),
        (("run", "a.yml", "--format", "xml"), "'xml' is not one of text, json, jsonl\n"),
        (("runs", "list", "--limit", "0"), "0 is not a whole number from 1 to 1000000\n"),
        (("runs", "list", "--limit", "many"), "many is not a whole number from 1 to 1000000\n"),
        (
            ("runs", "list", "--state", "DONE"),
            "'DONE' is not one of IN_PROGRESS, NEED_CLARIFICATION, COMPLETE, FAILED\n",
        ),
        (("schema", "plna"), "'plna' is not one of plan, run, test; did you mean 'plan'?\n"),
        (("tools", "show", "calclator"), "error: there is no tool 'calclator'; did you mean 'calculator'?"),
        (("run", "--user"), "error: Option '--user' requires an argument."),
    ],
    ids=spoken,
)
def test_wrong_words(cli: Cli, words: tuple[str, ...], message: str) -> None:
    told = cli(*words)
    assert (told.code, told.out) == (2, "")
    assert message in told.err
