"""Groups of commands that know what they could import, and what was probably meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from planrunner.registry import hint, load, uninterrupted


class Group(click.Group):
    """A group that answers a wrong word with the right one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was named, and the arguments left for it."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            known = self.list_commands(ctx)
            meant = hint(name, known) or f"; the commands are {', '.join(known)}"
            ctx.fail(f"there is no command {name!r}{meant}")
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """A group whose commands are imported when they are called. `table`: name → (`module:attr`, short help)."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None when there is none of that name."""
        if cmd_name not in self._table:
            return None
        with uninterrupted():
            command: click.Command = load(self._table[cmd_name][0])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in self._table.items()])
