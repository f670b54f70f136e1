"""The command `planrunner`: which commands there are. A command's module is imported when it is called, not before."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence

import click

from planrunner import __version__
from planrunner.cli.door import enter
from planrunner.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("planrunner.cli.run:run", "Run a plan for an end user."),
    "resume": ("planrunner.cli.resume:resume", "Go on with a run that waits, was interrupted, or failed."),
    "answer": ("planrunner.cli.answer:answer", "Answer a question of a run, without running it."),
    "plan": ("planrunner.cli.plan:plan", "Let a model write a plan; nothing is run."),
    "ask": ("planrunner.cli.ask:ask", "Let a model write a plan, look at it, and run it."),
    "validate": ("planrunner.cli.validate:validate", "Check plan files and folders; nothing is run."),
    "explain": ("planrunner.cli.explain:explain", "Tell of a check: why it is made, an example, the mend."),
    "graph": ("planrunner.cli.graph:graph", "Show the steps of a plan, as a tree or a flowchart."),
    "test": ("planrunner.cli.test:test", "Run plan tests; nothing real is called."),
    "runs": ("planrunner.cli.runs:runs", "Look at stored runs, and cancel them."),
    "tools": ("planrunner.cli.tools:tools", "Look at the tools that plans may name."),
    "schema": ("planrunner.cli.schema:schema", "Print the JSON Schema of a plan, a record or a plan test."),
}
"""Command → where it stands, and its line in the list."""


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="planrunner %(version)s")
def planrunner() -> None:
    """Run plans: YAML files that say what an agent does, for whom, and with which tools."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code (see `planrunner.errors`). Nothing is raised."""
    # Where litellm was imported, looking through all that is left for garbage holds up the end for seconds.
    atexit.register(gc.freeze)
    return enter(planrunner, sys.argv[1:] if argv is None else argv)
