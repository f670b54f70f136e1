"""`planrunner graph`: shows what a plan does, runs nothing, imports nothing of its tools."""

from __future__ import annotations

import sys

import click

from planrunner.cli.options import Common, common, formats, policy_file
from planrunner.cli.plans import Projects, read_plan
from planrunner.cli.problems import tell_not_valid, tell_warnings
from planrunner.cli.streams import data, style
from planrunner.errors import EXIT_COMPLETE, EXIT_FAILED
from planrunner.registry import load
from planrunner.render import GRAPHS


@click.command()
@click.argument("plan", metavar="PLAN")
@formats(*GRAPHS)
@policy_file
@common
def graph(told: Common, plan: str, format_: str, policy: str | None) -> int:
    """Show the steps of a plan: as a tree, or as a flowchart for Mermaid or Graphviz. PLAN is a file, or -.

    Nothing is run, and no code that the plan names is imported. A plan that is not valid is not shown: its problems
    go to standard error, with exit code 1.
    """
    found = read_plan(plan, Projects(policy))
    if found.plan is None or any(problem.level == "error" for problem in found.checked.problems):
        tell_not_valid(found, "there is nothing to show")
        return EXIT_FAILED
    if not told.quiet:
        tell_warnings(found)
    data(load(GRAPHS[format_])(found.plan, style(sys.stdout)))
    return EXIT_COMPLETE
