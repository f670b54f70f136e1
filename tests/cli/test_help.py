"""What every command says of itself, and what wrong words are answered."""

from __future__ import annotations

import pytest

from planrunner import __version__
from planrunner.cli.main import COMMANDS
from tests.cli.commands import spoken
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


def test_nothing_asked(cli: Cli) -> None:
    told = cli()
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("Usage: planrunner")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("rnu",), "error: there is no command 'rnu'; did you mean 'run'?\nplanrunner --help tells"),
        (("zzzzzz",), "error: there is no command 'zzzzzz'; the commands are run, resume, answer, validate, runs, "),
        (("runs", "lits"), "error: there is no command 'lits'; did you mean 'list'?\nplanrunner runs --help tells"),
        (("run", "x.yml", "--inptu", "a=1"), "error: No such option '--inptu'."),
        (("run", "x.yml", "--inptu", "a=1"), "'--input'"),
        (("run",), "error: Missing argument 'PLAN'.\nplanrunner run --help tells how it is used\n"),
        (("validate",), "error: Missing argument 'PATH...'."),
        (("runs", "show"), "error: Missing argument 'RUN'."),
        (("run", "a.yml", "b.yml"), "error: Got unexpected extra argument (b.yml)"),
        (("run", "a.yml", "--format", "xml"), "'xml' is not one of 'text', 'json', 'jsonl'."),
        (("runs", "list", "--limit", "0"), "0 is not in the range x>=1."),
        (("runs", "list", "--limit", "many"), "'many' is not a valid integer"),
        (
            ("runs", "list", "--state", "DONE"),
            "'DONE' is not one of 'IN_PROGRESS', 'NEED_CLARIFICATION', 'COMPLETE', 'FAILED'.",
        ),
        (("schema", "plna"), "'plna' is not one of 'plan', 'run'."),
        (("tools", "show", "calclator"), "error: there is no tool 'calclator'; did you mean 'calculator'?"),
        (("run", "--user"), "error: Option '--user' requires an argument."),
    ],
    ids=spoken,
)
def test_wrong_words(cli: Cli, words: tuple[str, ...], message: str) -> None:
    told = cli(*words)
    assert (told.code, told.out) == (2, "")
    assert message in told.err
