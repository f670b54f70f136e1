"""The flags that several commands share, told once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import click

from planrunner.cli.values import utf8
from planrunner.errors import UsageError
from planrunner.registry import hint

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Common:
    """What every command is told.

    quiet, verbose  less or more talk on standard error
    debug           show the traceback of an error
    """

    quiet: bool = False
    verbose: bool = False
    debug: bool = False


@dataclass(frozen=True, slots=True)
class OnStore(Common):
    """What every command that reads or carries runs is told.

    store     where runs are kept, as the flag said; None: the settings decide
    no_input  never ask at the terminal
    """

    store: str | None = None
    no_input: bool = False


class OneOf(click.Choice[str]):
    """One word of a few; a wrong one is told in our words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The word. click's error for any other."""
        if value in self.choices:
            return value
        known = ", ".join(self.choices)
        return self.fail(f"{value!r} is not one of {known}{hint(str(value), self.choices)}", param, ctx)


def once(
    flag: str,
    *names: str,
    metavar: str = "",
    type: Any = None,  # noqa: A002 - click's word
    default: Any = None,
    help: str,  # noqa: A002 - click's word
) -> Callable[[Command], Command]:
    """A flag with a value that may be given once: of two nobody can know which was meant. `default` if not given."""

    def one(_ctx: click.Context, _param: click.Parameter, values: tuple[Any, ...]) -> Any:
        if len(values) > 1:
            raise UsageError(f"{flag} is given twice; give it once")
        if metavar == "FILE" and values == ("",):
            raise UsageError(f"{flag} is empty: expected the name of a file")
        return values[0] if values else default

    told = help if default is None else f"{help}  [default: {default}]"
    return click.option(flag, *names, metavar=metavar or None, type=type, multiple=True, callback=one, help=told)


_TALK = (
    click.option("-q", "--quiet", is_flag=True, help="No talk on standard error, errors apart."),
    click.option("-v", "--verbose", is_flag=True, help="More talk on standard error."),
    click.option("--debug", is_flag=True, help="Show the traceback of an error."),
)
_ENV_FILE = once("--env-file", metavar="FILE", help="Read environment variables from this file first.")
_STORE = (
    once("--store", metavar="URL", type=utf8, help="Where runs are kept: memory, a folder, or sqlite:///FILE."),
    click.option("--no-input", is_flag=True, help="Never ask at the terminal."),
    _ENV_FILE,
)


policy_file = once("--policy", metavar="FILE", help="Hold plans against the policy in this file.")
"""For commands that check plans or carry runs; PLANRUNNER_POLICY names one as well."""


def common(command: Command) -> Command:
    """-q, -v and --debug; the command gets them as its first argument, a `Common`."""
    return _packed(command, Common, _TALK)


def common_with_env(command: Command) -> Command:
    """The flags of `common`, and --env-file, which may hold the keys of models."""
    return _packed(command, Common, (_ENV_FILE, *_TALK))


def on_store(command: Command) -> Command:
    """The flags of `common`, and --store, --no-input, --env-file; the first argument is an `OnStore`."""
    return _packed(command, OnStore, (*_STORE, *_TALK))


def formats(*names: str) -> Callable[[Command], Command]:
    """--format, the first name being the default."""
    return once("--format", "format_", type=OneOf(names), default=names[0], help="Form of the output.")


def _packed(command: Command, kind: type[Common], flags: tuple[Callable[[Command], Command], ...]) -> Command:
    @functools.wraps(command)
    def packed(*args: Any, **given: Any) -> Any:
        env_file = given.pop("env_file", None)
        if env_file is not None:
            from planrunner.cli.env_file import use_env_file

            use_env_file(env_file)
        return command(kind(**{field.name: given.pop(field.name) for field in fields(kind)}), *args, **given)

    flagged: Command = packed
    for flag in reversed(flags):
        flagged = flag(flagged)
    return flagged
