"""`planrunner tools`: looks at the tools that every plan may name. The tools of one plan are in its file."""

from __future__ import annotations

import sys

import click

from planrunner.cli.lazy import Group
from planrunner.cli.options import Common, common, formats
from planrunner.cli.streams import data, style
from planrunner.cli.values import utf8
from planrunner.errors import EXIT_COMPLETE, ToolUnusableError, UnknownToolError
from planrunner.registry import Registry, hint, load
from planrunner.render import TOOL, TOOLS
from planrunner.tools.base import Tool


@click.group(cls=Group)
def tools() -> None:
    """Look at the tools that plans may name: built-in ones and those of installed plug-ins."""


@tools.command("list", short_help="List the tools.")
@formats(*TOOLS)
@common
def list_(_told: Common, format_: str) -> int:
    """List the built-in tools, then those of plug-ins."""
    known = _registry()
    found: dict[str, Tool | str] = {}
    for name in known.names():
        try:
            found[name] = _tool(known, name)
        except ToolUnusableError as error:  # one broken plug-in must not hide the others
            found[name] = str(error)
    data(load(TOOLS[format_])(found, style(sys.stdout)))
    return EXIT_COMPLETE


@tools.command("show", short_help="Show what a tool takes and gives.")
@click.argument("tool", metavar="ID", type=utf8)
@formats(*TOOL)
@common
def show(_told: Common, tool: str, format_: str) -> int:
    """Show what a tool does, its effect, its arguments and its result."""
    known = _registry()
    if tool not in known.names():
        raise UnknownToolError(
            f"there is no tool {tool!r}{hint(tool, known.names())} (planrunner tools list tells them all)"
        )
    data(load(TOOL[format_])(_tool(known, tool), style(sys.stdout)))
    return EXIT_COMPLETE


def _registry() -> Registry:
    from planrunner.tools.builtin import BUILTIN

    return Registry(BUILTIN, "planrunner.tools")


def _tool(known: Registry, name: str) -> Tool:
    from planrunner.tools.loading import as_tool

    what = f"the tool {name!r}"
    try:
        return as_tool(known.get(name), what)
    except ToolUnusableError:
        raise
    except Exception as error:  # whatever the module of a plug-in does when it is imported
        raise ToolUnusableError(f"{what} can't be imported: {type(error).__name__}: {error}") from error
