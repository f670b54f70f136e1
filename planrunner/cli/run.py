"""`planrunner run`: reads a plan and what is given to it, lets it run, and tells what came of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import click

from planrunner.cli.answering import ahead_of_run, given_answers
from planrunner.cli.carrying import carry, carrying
from planrunner.cli.context import context_of
from planrunner.cli.files import read_map
from planrunner.cli.options import OnStore, on_store, once
from planrunner.cli.plans import Given, read_plan
from planrunner.cli.streams import style, talk, talk_raw
from planrunner.cli.values import input_values, merged, utf8
from planrunner.errors import EXIT_FAILED
from planrunner.render import text
from planrunner.settings import load_settings
from planrunner.termsafe import term_safe


@click.command()
@click.argument("plan", metavar="PLAN")
@click.option("--input", "input_", metavar="K=V", type=utf8, multiple=True, help="An input; K:=JSON for JSON.")
@once("--inputs", metavar="FILE", help="Inputs, a YAML or JSON file; --input adds to it.")
@click.option(
    "--answer", metavar="STEP=V", type=utf8, multiple=True, help="Answer to a clarify step, given when it asks."
)
@carrying
@on_store
def run(told: OnStore, plan: str, **given: Any) -> int:
    """Run a plan; PLAN is a file, or - for standard input.

    The result goes to standard output: the final output (text), the record (json), or every event as it happens and
    the record in the last line (jsonl). Exit code 0 when the run is COMPLETE, 1 when it FAILED, 3 when it waits for
    a person.
    """
    found = read_plan(plan, policy=given["policy"])
    _tell_problems(found, told)
    if found.plan is None:
        return EXIT_FAILED
    checked = found.plan
    inputs = _inputs(checked.inputs, given["inputs"], given["input_"])
    context = context_of(given["context"], given["user"], given["data"])
    ahead = ahead_of_run(checked, given_answers(given["answer"]))
    return carry(
        told,
        load_settings(checked.root, store=told.store, policy=given["policy"]),
        given,
        ahead,
        {step.path: step.description for step in checked.walk() if step.description},
        lambda runner, hear: runner.run(checked, inputs, context=context, on_event=hear),
    )


def _tell_problems(found: Given, told: OnStore) -> None:
    """What is wrong with the plan goes to standard error: standard output is for results."""
    colours = style(sys.stderr)
    if found.plan is None:
        talk_raw(text.problems_of(found.checked, colours))
        talk(f"{colours('error:', 'red')} the plan {term_safe(found.checked.file)} is not valid: nothing ran")
    elif not told.quiet:  # errors that left a plan (a tool that only the Runner may know) are the Runner's to tell
        warnings = tuple(problem for problem in found.checked.problems if problem.level == "warning")
        talk_raw(text.problems_of(replace(found.checked, problems=warnings), colours))


def _inputs(schema: Mapping[str, Any], file: str | None, words: Iterable[str]) -> dict[str, Any]:
    from_file = read_map(file, "the inputs file") if file is not None else {}
    return merged("the input", from_file, input_values(words, schema))
