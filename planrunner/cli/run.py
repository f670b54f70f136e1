"""`planrunner run`: reads a plan and what is given to it, lets it run, and tells what came of it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from planrunner.cli.files import read_map
from planrunner.cli.follow import FOLLOWERS
from planrunner.cli.options import OnStore, formats, on_store
from planrunner.cli.plans import Given, read_plan
from planrunner.cli.sink import FileOutput, Output
from planrunner.cli.streams import style, talk, talk_raw
from planrunner.cli.values import input_values, merged, pairs, utf8
from planrunner.document.load import find_root
from planrunner.errors import EXIT_COMPLETE, EXIT_FAILED, UsageError
from planrunner.render import text
from planrunner.render.words import count, took
from planrunner.run_state import COMPLETE
from planrunner.settings import Settings, load_settings
from planrunner.termsafe import term_safe

if TYPE_CHECKING:
    from planrunner.plan_run import PlanRun
    from planrunner.wire import Runner


@click.command()
@click.argument("plan", metavar="PLAN")
@click.option("--user", metavar="ID", type=utf8, help="The end user's id.")
@click.option("--data", metavar="K=V", type=utf8, multiple=True, help="Data about the end user; K:=JSON for JSON.")
@click.option("--context", metavar="FILE", help="The execution context, a YAML file; --user and --data add to it.")
@click.option("--input", "input_", metavar="K=V", type=utf8, multiple=True, help="An input; K:=JSON for JSON.")
@click.option("--inputs", metavar="FILE", help="Inputs, a YAML or JSON file; --input adds to it.")
@click.option("--model", metavar="NAME", type=utf8, help="Model of tasks that name none: a litellm name, or an alias.")
@click.option("--script", metavar="FILE", help="Answer for models and tools from this file; no model is called.")
@formats(*FOLLOWERS)
@click.option("--out", metavar="FILE", help="Write the result there and not to standard output.")
@on_store
def run(told: OnStore, plan: str, format_: str, out: str | None, **given: Any) -> int:
    """Run a plan; PLAN is a file, or - for standard input.

    The result goes to standard output: the final output (text), the record (json), or every event as it happens and
    the record in the last line (jsonl). Exit code 0 when the run is COMPLETE, 1 when it FAILED.
    """
    found = read_plan(plan)
    _tell_problems(found, told)
    if found.plan is None:
        return EXIT_FAILED
    inputs = _inputs(found.plan.inputs, given["inputs"], given["input_"])
    context = _context(given["context"], given["user"], given["data"])
    settings = load_settings(found.plan.root, store=told.store)
    show = _show_command(settings.store)
    output = FileOutput(out) if out else Output()
    with (
        FOLLOWERS[format_](output, told, show) as follower,
        _runner(settings, given["model"], given["script"]) as runner,
    ):
        record = runner.run(found.plan, inputs, context=context, on_event=follower)
        follower.result(record)
    _tell_ending(record, told, show)
    return EXIT_COMPLETE if record.state == COMPLETE else EXIT_FAILED


def _tell_problems(found: Given, told: OnStore) -> None:
    """What is wrong with the plan goes to standard error: standard output is for results."""
    colours = style(sys.stderr)
    if found.plan is None:
        talk_raw(text.problems([found.checked], colours))
        talk(f"{colours('error:', 'red')} the plan {term_safe(found.checked.file)} is not valid: nothing ran")
    elif not told.quiet:  # errors that left a plan (a tool that only the Runner may know) are the Runner's to tell
        warnings = tuple(problem for problem in found.checked.problems if problem.level == "warning")
        talk_raw(text.problems([replace(found.checked, problems=warnings)], colours))


def _inputs(schema: Mapping[str, Any], file: str | None, words: Iterable[str]) -> dict[str, Any]:
    from_file = read_map(file, "the inputs file") if file is not None else {}
    return merged("the input", from_file, input_values(words, schema))


def _context(file: str | None, user: str | None, words: Iterable[str]) -> dict[str, Any]:
    """The fields of the execution context; what they may be is checked where the run begins."""
    context = dict(read_map(file, "the context file")) if file is not None else {}
    if user is not None:
        context = merged("the end user's id (--user, end_user_id)", context, {"end_user_id": user})
    data = pairs("--data", words, lambda _, value: value)
    known = context.get("additional_data", {})
    if data and not isinstance(known, dict):
        raise UsageError(f"additional_data in the context file {file} must be a map of names to values")
    return {**context, "additional_data": merged("the data", known, data)} if data else context


def _runner(settings: Settings, model: str | None, script: str | None) -> Runner:
    from planrunner.document.script import load_script
    from planrunner.wire import Runner

    return Runner(settings=settings, model=model, script=None if script is None else load_script(script))


def _show_command(store: str) -> str | None:
    """The command that shows a run of this store, `RUN` standing for its id. None when nothing will be left of it."""
    if store == "memory":
        return None
    try:
        usual = load_settings(find_root(None)).store
    except UsageError:
        usual = ""
    same = os.path.abspath(usual) == os.path.abspath(store)
    return "planrunner runs show RUN" + ("" if same else f" --store {shlex.quote(store)}")


def _tell_ending(record: PlanRun, told: OnStore, show: str | None) -> None:
    colours = style(sys.stderr)
    if record.error is not None:
        talk(text.failure(record, colours))
    if told.quiet:
        return
    spent = took((record.updated_at - record.created_at).total_seconds())
    talk(
        f"{colours.state(record.state)} in {spent}, {count(record.usage.llm_calls, 'LLM call')}, "
        f"{count(record.usage.tool_calls, 'tool call')}"
    )
    talk(show.replace("RUN", record.id) if show else f"run {record.id} was kept in memory only")
