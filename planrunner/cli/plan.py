"""`planrunner plan`: a planner writes a plan file; nothing is run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from planrunner.cli.carrying import for_a_user, runner_of
from planrunner.cli.follow import Follower
from planrunner.cli.options import Common, common_with_env, once
from planrunner.cli.planned import of_a_query, plan_of_query, text_of
from planrunner.cli.sink import FileOutput, Output
from planrunner.cli.streams import kept_for_data, talk
from planrunner.document.load import find_root
from planrunner.errors import EXIT_COMPLETE, UsageError
from planrunner.render.words import count
from planrunner.settings import load_settings
from planrunner.termsafe import term_safe

if TYPE_CHECKING:
    from planrunner.plan import Plan


@click.command()
@of_a_query
@for_a_user
@once("--out", "-o", metavar="FILE", help="Write the plan there, a new file, and not to standard output.")
@click.option("--force", is_flag=True, help="Let --out replace a file that is there.")
@common_with_env
def plan(told: Common, query: str, out: str | None, force: bool, **given: Any) -> int:
    """Let a model write a plan for QUERY, out of the tools that --tools names or of all.

    The plan is checked before it is shown: it names no code, servers, secrets, files or other plans, and no tools but
    those that were handed over. It goes to standard output. Exit code 1 when no valid plan was written.
    """
    if out is not None and not force:
        _refuse_to_replace(out)
    output = FileOutput(out) if out is not None else Output()
    with (
        _Follower(output, told, None) as follower,
        kept_for_data(follower.progress.say),
        runner_of(load_settings(find_root(None), policy=given["policy"]), given) as runner,
    ):
        written = plan_of_query(runner, query, given, at_once=False)
        follower.plan(written)
    if out is not None and not told.quiet:
        steps = count(sum(1 for _ in written.walk()), "step")
        talk(term_safe(f"{out} holds the plan {written.name}, {steps}"))
    return EXIT_COMPLETE


class _Follower(Follower):
    """Hears what is logged meanwhile, and writes the plan."""

    def plan(self, written: Plan) -> None:
        """The plan is the result."""
        self._write(self.output.fit(text_of(written)))


def _refuse_to_replace(path: str) -> None:
    """UsageError, before a model is paid, when a file would be lost."""
    if os.path.isfile(path) or os.path.islink(path):
        raise UsageError(f"--out {path}: there is such a file already; take another name, or replace it with --force")
