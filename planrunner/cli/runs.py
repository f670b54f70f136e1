"""`planrunner runs`: looks at stored runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from planrunner.cli.lazy import Group
from planrunner.cli.options import OnStore, formats, on_store
from planrunner.cli.streams import data, style, talk
from planrunner.cli.values import since, utf8
from planrunner.errors import EXIT_COMPLETE
from planrunner.registry import load
from planrunner.render import EVENTS, LISTS, RECORDS
from planrunner.run_state import COMPLETE, FAILED, IN_PROGRESS

if TYPE_CHECKING:
    from planrunner.wire import Runner

_STATES = (IN_PROGRESS, COMPLETE, FAILED)


@click.group(cls=Group)
def runs() -> None:
    """Look at stored runs."""


@runs.command("list", short_help="List the newest runs.")
@click.option("--user", metavar="ID", type=utf8, help="Only runs for this end user.")
@click.option("--state", type=click.Choice(_STATES), help="Only runs in this state.")
@click.option("--plan", metavar="NAME", type=utf8, help="Only runs of the plan of this name.")
@click.option("--since", "since_", metavar="TIME", help="Only runs begun since: 2026-01-31 (UTC), or 12h, 2d ago.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="So many at most.")
@formats(*LISTS)
@on_store
def list_(
    told: OnStore, user: str | None, state: str | None, plan: str | None, since_: str | None, limit: int, format_: str
) -> int:
    """List the newest runs, newest first."""
    from planrunner.journal.base import RunQuery

    query = RunQuery(user, state, plan, None if since_ is None else since(since_), limit)
    with _runner(told) as runner:
        summaries = runner.runs.list(query)
    if summaries or format_ != "text":
        data(load(LISTS[format_])(summaries, style(sys.stdout)))
    elif not told.quiet:
        talk("no runs")
    return EXIT_COMPLETE


@runs.command("show", short_help="Show the record of a run.")
@click.argument("run", type=utf8)
@click.option("--events", is_flag=True, help="Show what happened, event by event, in place of the record.")
@formats(*RECORDS)
@on_store
def show(told: OnStore, run: str, events: bool, format_: str) -> int:
    """Show the record of a run, by its id."""
    with _runner(told) as runner:
        if events:
            happened = runner.runs.events(run)
            data(load(EVENTS[format_])(happened, style(sys.stdout)))
        else:
            data(load(RECORDS[format_])(runner.runs.get(run), style(sys.stdout)))
    return EXIT_COMPLETE


def _runner(told: OnStore) -> Runner:
    from planrunner.document.load import find_root
    from planrunner.settings import load_settings
    from planrunner.wire import Runner

    return Runner(settings=load_settings(find_root(None), store=told.store))
