"""`planrunner runs`: looks at stored runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from planrunner.cli.carrying import what_to_type
from planrunner.cli.lazy import Group
from planrunner.cli.next import commands_for
from planrunner.cli.options import OneOf, OnStore, formats, on_store, once
from planrunner.cli.stores import is_missing, settings_of_run, store_settings
from planrunner.cli.streams import data, style, talk
from planrunner.cli.values import how_many, since, utf8
from planrunner.errors import EXIT_COMPLETE, UsageError
from planrunner.registry import load
from planrunner.render import EVENTS, LISTS, PROMPTS, RECORDS
from planrunner.run_state import COMPLETE, ENDED, FAILED, IN_PROGRESS, NEED_CLARIFICATION, READY_TO_RESUME

if TYPE_CHECKING:
    from planrunner.plan_run import PlanRun
    from planrunner.settings import Settings
    from planrunner.wire import Runner

_STATES = (IN_PROGRESS, NEED_CLARIFICATION, COMPLETE, FAILED)


@click.group(cls=Group)
def runs() -> None:
    """Look at stored runs, and cancel them."""


@runs.command("list", short_help="List the newest runs.")
@once("--user", metavar="ID", type=utf8, help="Only runs for this end user.")
@once("--state", type=OneOf(_STATES), help="Only runs in this state.")
@once("--plan", metavar="NAME", type=utf8, help="Only runs of the plan of this name.")
@once("--since", "since_", metavar="TIME", help="Only runs begun since: 2026-01-31 (UTC), or 12h, 2d ago.")
@once("--limit", metavar="N", type=how_many, default=50, help="So many at most.")
@formats(*LISTS)
@on_store
def list_(
    told: OnStore, user: str | None, state: str | None, plan: str | None, since_: str | None, limit: int, format_: str
) -> int:
    """List the newest runs, newest first."""
    from planrunner.journal.base import RunQuery

    query = RunQuery(user, state, plan, None if since_ is None else since(since_), limit)
    settings = store_settings(told)
    nobody_ran = is_missing(settings)
    with _runner(settings) as runner:
        summaries = [] if nobody_ran else runner.runs.list(query)
    if summaries or format_ != "text":
        data(load(LISTS[format_])(summaries, style(sys.stdout)))
    elif not told.quiet:
        talk(f"no runs in {settings.store}" if nobody_ran else "no runs")
    return EXIT_COMPLETE


@runs.command("show", short_help="Show the record of a run.")
@click.argument("run", type=utf8)
@click.option("--events", is_flag=True, help="Show what happened, event by event, in place of the record.")
@click.option("--prompts", is_flag=True, help="Show what models were sent and what they answered.")
@formats(*RECORDS)
@on_store
def show(told: OnStore, run: str, events: bool, prompts: bool, format_: str) -> int:
    """Show the record of a run, by its id. Of one that waits for people: also what to type next."""
    if events and prompts:
        raise UsageError("--events and --prompts are shown one at a time: leave one out")
    settings = settings_of_run(told, run)
    with _runner(settings) as runner:
        if prompts:
            data(load(PROMPTS[format_])(runner.runs.prompts(run), style(sys.stdout)))
            return EXIT_COMPLETE
        if events:
            happened = runner.runs.events(run)
            data(load(EVENTS[format_])(happened, style(sys.stdout)))
            return EXIT_COMPLETE
        record = runner.runs.get(run)
    data(load(RECORDS[format_])(record, style(sys.stdout)))
    if format_ == "text" and not told.quiet and record.state in (NEED_CLARIFICATION, READY_TO_RESUME):
        talk("\n".join(what_to_type(record, commands_for(settings.store))))
    return EXIT_COMPLETE


@runs.command("cancel", short_help="End a run that goes on or waits.")
@click.argument("run", type=utf8)
@once("--as", "by", metavar="NAME", type=utf8, help="Who cancels; kept with the run.")
@formats(*RECORDS)
@on_store
def cancel(told: OnStore, run: str, by: str | None, format_: str) -> int:
    """End a run that goes on, here or in another process, or waits: nothing new starts, and it becomes FAILED."""
    with _runner(settings_of_run(told, run)) as runner:
        record = runner.cancel(run, by=by)
    if format_ != "text":
        data(load(RECORDS[format_])(record, style(sys.stdout)))
    elif not told.quiet:
        talk(f"run {record.id} {_became(record)}")
    return EXIT_COMPLETE


def _became(record: PlanRun) -> str:
    """What became of a run that was to be cancelled."""
    if record.state not in ENDED:
        return "is being cancelled: the process that carries it ends it within a second, unless only `finally` is left"
    if record.error is not None and record.error.kind == "cancelled":
        return f"is cancelled: {record.state}"
    return f"ended by itself before it could be cancelled: {record.state}"


def _runner(settings: Settings) -> Runner:
    from planrunner.wire import Runner

    return Runner(settings=settings)
