"""Whatever happens in a command: one clear message, the right exit code, and no traceback without --debug."""

from __future__ import annotations

import re
import signal
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from planrunner.cli.main import COMMANDS
from planrunner.cli.options import Common, common
from planrunner.errors import EXIT_USAGE, PlanrunnerError, RunBusyError, StoreError, UsageError
from tests.cli.conftest import Cli

Happening = Callable[[], Any]
happening: list[Happening] = []


@click.command()
@click.argument("words", nargs=-1)
@common
def happen(_told: Common, words: tuple[str, ...]) -> Any:
    """What a test wants to happen inside a command."""
    return happening[0]()


@pytest.fixture
def let(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Let something happen inside a command."""

    def carry_out(what: Happening, *words: str) -> Any:
        monkeypatch.setitem(COMMANDS, "happen", (f"{__name__}:happen", ""))
        happening[:] = [what]
        return cli("happen", *words)

    return carry_out


def raising(error: BaseException, *notes: str) -> Happening:
    def happen() -> None:
        for note in notes:
            error.add_note(note)
        raise error

    return happen


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("no such thing"), 2), (StoreError("no such thing"), 1), (RunBusyError("no such thing"), 1)],
)
def test_an_error_of_ours_is_one_message(let: Callable[..., Any], error: PlanrunnerError, code: int) -> None:
    told = let(raising(error, "run prun-1 is kept"))
    assert (told.code, told.out) == (code, "")
    assert told.err == "error: no such thing\nrun prun-1 is kept\n"


def test_a_message_can_not_steer_the_terminal(let: Callable[..., Any]) -> None:
    told = let(raising(UsageError("two\nlines \x1b[2J\u202e")))
    assert told.err == "error: two\nlines \\x1b[2J\\u202e\n"


def test_debug_shows_the_traceback(let: Callable[..., Any]) -> None:
    told = let(raising(UsageError("no such thing")), "--debug")
    assert told.err.startswith("Traceback (most recent call last):\n")
    assert told.err.endswith("error: no such thing\n")
    assert told.code == EXIT_USAGE


def test_a_defect_leaves_a_log(let: Callable[..., Any]) -> None:
    told = let(raising(ZeroDivisionError("of no use"), "run prun-1 is kept"), "--quiet", "top secret")
    assert (told.code, told.out) == (70, "")
    assert "Traceback" not in told.err
    match = re.fullmatch(
        r"error: this is a defect of planrunner, not of what you did: ZeroDivisionError; (\S+) tells what happened: "
        r"look through it and paste it into a report\nrun prun-1 is kept\n",
        told.err,
    )
    assert match is not None
    log = Path(match[1])
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    text = log.read_text("utf-8")
    assert re.search(r"^planrunner \S+, Python 3\.\d+", text)
    assert "\nplanrunner happen --quiet …\n" in text
    assert "ZeroDivisionError: of no use" in text
    assert "top secret" not in text


def test_a_defect_where_no_log_can_be_written(let: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    told = let(raising(ZeroDivisionError()))
    assert told.code == 70
    assert told.err == "error: this is a defect of planrunner, not of what you did: ZeroDivisionError\n"


def test_a_defect_with_debug_shows_its_traceback_too(let: Callable[..., Any]) -> None:
    told = let(raising(ZeroDivisionError("of no use")), "--debug")
    assert told.code == 70
    assert "ZeroDivisionError: of no use\n" in told.err


def test_interrupted(let: Callable[..., Any]) -> None:
    told = let(raising(KeyboardInterrupt(), "run prun-1 is kept"))
    assert (told.code, told.out, told.err) == (130, "", "interrupted\nrun prun-1 is kept\n")


def test_terminated(let: Callable[..., Any]) -> None:
    told = let(lambda: signal.raise_signal(signal.SIGTERM))
    assert (told.code, told.out, told.err) == (143, "", "terminated\n")


def test_terminated_where_interrupts_are_ignored(let: Callable[..., Any]) -> None:
    """A shell starts background jobs so."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert let(lambda: signal.raise_signal(signal.SIGTERM)).code == 143
    finally:
        signal.signal(signal.SIGINT, before)


def test_signals_are_left_as_they_were(let: Callable[..., Any]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    let(lambda: None)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("given", "code"), [(None, 0), (0, 0), (1, 1), (3, 3)])
def test_a_command_gives_its_exit_code(let: Callable[..., Any], given: int | None, code: int) -> None:
    assert let(lambda: given).code == code
