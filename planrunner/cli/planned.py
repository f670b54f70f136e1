"""What `plan` and `ask` share: a planner writes a plan; when none is valid, its best try is told, and what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from planrunner.cli.context import context_of
from planrunner.cli.options import Command
from planrunner.cli.streams import style, talk, talk_raw
from planrunner.cli.values import utf8
from planrunner.errors import EXIT_FAILED, PlannerError
from planrunner.render import text
from planrunner.render.checked import Checked
from planrunner.termsafe import term_safe

if TYPE_CHECKING:
    from planrunner.plan import Plan
    from planrunner.wire import Runner


def of_a_query(command: Command) -> Command:
    """The query, and the flag that says which tools the planner is handed."""
    tools = click.option(
        "--tools", metavar="GLOB", type=utf8, multiple=True, help="Hand the planner these tools only, by id or glob."
    )
    flagged: Command = click.argument("query", metavar="QUERY", type=utf8)(tools(command))
    return flagged


def plan_of_query(runner: Runner, query: str, given: Mapping[str, Any], at_once: bool) -> Plan:
    """The plan that the planner wrote. Ends the command when it wrote no valid one."""
    context = context_of(given["context"], given["user"], given["data"])
    try:
        return runner.plan(query, context=context, tools=given["tools"] or None, at_once=at_once)
    except PlannerError as error:
        _tell_best_try(error)
        raise click.exceptions.Exit(EXIT_FAILED) from None


def text_of(plan: Plan) -> str:
    """The plan as a file."""
    return next(iter(plan.files.values()))


def _tell_best_try(error: PlannerError) -> None:
    colours = style(sys.stderr)
    talk(term_safe(error.text.rstrip("\n"), lines=True) + "\n")
    talk_raw(text.problems_of(Checked(error.problems[0].file, error.problems, error.text.split("\n")), colours))
    talk(f"{colours('error:', 'red')} {term_safe(error.reason, lines=True)}\nnothing ran")
