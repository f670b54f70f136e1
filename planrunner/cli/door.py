"""The single way out: whatever happens inside a command becomes one clear message and an exit code."""

from __future__ import annotations

import contextlib
import errno
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

import click

from planrunner.cli.streams import silence, style, talk, use_utf8
from planrunner.errors import (
    EXIT_DEFECT,
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    EXIT_USAGE,
    PlanrunnerError,
)
from planrunner.termsafe import term_safe

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def enter(group: click.Group, argv: Sequence[str]) -> int:
    """Carry out a command line. Returns the exit code; raises nothing."""
    use_utf8()
    debug = "--debug" in argv
    with _termination_is_interruption() as terminated:
        try:
            return _invoke(group, list(argv))
        except click.exceptions.Exit as asked:
            return asked.exit_code
        except click.ClickException as error:
            return _wrong_usage(error)
        except (KeyboardInterrupt, click.Abort) as stop:
            return _interrupted(stop, bool(terminated))
        except BrokenPipeError:
            silence(sys.stdout)
            return 0
        except PlanrunnerError as error:
            return _refused(error, debug)
        except OSError as error:
            if error.errno not in _FULL or error.filename is not None:
                return _defect(error, argv, debug)
            silence(sys.stdout)  # the help, which click writes itself
            return _refused(PlanrunnerError(f"standard output can't be written: {error.strerror}"), debug)
        except Exception as error:
            return _defect(error, argv, debug)


def _invoke(group: click.Group, argv: list[str]) -> int:
    with group.make_context("planrunner", argv) as context:
        return int(group.invoke(context) or 0)


class _Terminated(KeyboardInterrupt):
    """SIGTERM. Not a bare KeyboardInterrupt: when one hits code made by `exec`, Python ends itself by SIGINT."""


@contextlib.contextmanager
def _termination_is_interruption() -> Iterator[list[int]]:
    """SIGTERM takes the way of ^C, so that a run in progress is left in good order. Yields the signals that came."""
    came: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        handler = signal.getsignal(signal.SIGINT)  # the event loop has one of its own while it runs
        if not callable(handler) or handler is signal.default_int_handler:
            raise _Terminated
        handler(signal.SIGINT, frame)

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread: signals are somebody else's
        yield came
        return
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


def _wrong_usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    message = _no_such_flag(error) if isinstance(error, click.NoSuchOption) else error.format_message()
    if context is None:
        _say(message)
    elif isinstance(error, click.exceptions.NoArgsIsHelpError):
        talk(context.get_help())
    else:
        _say(f"{message}\n{context.command_path} --help tells how it is used")
    return EXIT_USAGE


def _no_such_flag(error: click.NoSuchOption) -> str:
    from difflib import get_close_matches

    params = error.ctx.command.get_params(error.ctx) if error.ctx is not None else []
    known = {name.lstrip("-"): name for param in params for name in param.opts if name.startswith("--")}
    # Without the dashes, which make every word a little like every other.
    near = get_close_matches(error.option_name.lstrip("-"), known, n=1, cutoff=0.7)
    return f"there is no flag {error.option_name!r}" + (f"; did you mean {known[near[0]]!r}?" if near else "")


def _interrupted(stop: BaseException, terminated: bool) -> int:
    word = "terminated" if terminated else "interrupted"
    talk("\n".join((word, *_notes(stop))))
    return EXIT_TERMINATED if terminated else EXIT_INTERRUPTED


def _refused(error: PlanrunnerError, debug: bool) -> int:
    _traceback(error, debug)
    _say("\n".join((str(error), *_notes(error))))
    return error.exit_code


def _defect(error: Exception, argv: Sequence[str], debug: bool) -> int:
    from planrunner.cli.defect import write_log

    _traceback(error, debug)
    log = write_log(error, argv)
    where = f"; {log} tells what happened: look through it and paste it into a report" if log else ""
    what = f"this is a defect of planrunner, not of what you did: {type(error).__name__}{where}"
    _say("\n".join((what, *_notes(error))))
    return EXIT_DEFECT


def _notes(error: BaseException) -> tuple[str, ...]:
    """What the command knew to add: which run is kept."""
    return tuple(getattr(error, "__notes__", ()))


def _traceback(error: Exception, debug: bool) -> None:
    if debug:
        import traceback

        talk(term_safe("".join(traceback.format_exception(error)), lines=True).rstrip())


def _say(message: str) -> None:
    talk(f"{style(sys.stderr)('error:', 'red')} {term_safe(message, lines=True)}")
