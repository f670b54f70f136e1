"""`planrunner run`: reads a plan and what is given to it, lets it run, and tells what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from planrunner.cli.answering import ahead_of_run, given_answers
from planrunner.cli.carrying import carry, carrying
from planrunner.cli.context import context_of
from planrunner.cli.files import read_map
from planrunner.cli.options import OnStore, on_store, once
from planrunner.cli.plans import Projects, read_plan
from planrunner.cli.problems import tell_not_valid, tell_warnings
from planrunner.cli.values import input_values, merged, utf8
from planrunner.errors import EXIT_FAILED
from planrunner.settings import load_settings


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
    found = read_plan(plan, Projects(given["policy"]))
    if found.plan is None:
        tell_not_valid(found, "nothing ran")
        return EXIT_FAILED
    if not told.quiet:  # errors that left a plan (a tool that only the Runner may know) are the Runner's to tell
        tell_warnings(found)
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


def _inputs(schema: Mapping[str, Any], file: str | None, words: Iterable[str]) -> dict[str, Any]:
    from_file = read_map(file, "the inputs file") if file is not None else {}
    return merged("the input", from_file, input_values(words, schema))
