"""`planrunner ask`: a planner writes a plan for a query, a person looks at it, and it is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from planrunner.cli.answering import Ahead
from planrunner.cli.carrying import carry, carrying
from planrunner.cli.context import context_of
from planrunner.cli.options import OnStore, on_store
from planrunner.cli.planned import of_a_query, plan_of_query, text_of
from planrunner.cli.streams import talk
from planrunner.document.load import find_root
from planrunner.errors import EXIT_FAILED, UsageError
from planrunner.registry import uninterrupted
from planrunner.settings import load_settings
from planrunner.termsafe import term_safe

if TYPE_CHECKING:
    from planrunner.events import Event
    from planrunner.plan_run import PlanRun
    from planrunner.wire import Runner


@click.command()
@of_a_query
@click.option("--yes", "-y", is_flag=True, help="Run the plan without asking.")
@carrying
@on_store
def ask(told: OnStore, query: str, yes: bool, **given: Any) -> int:
    """Let a model write a plan for QUERY, look at it, and run it.

    The plan is shown on standard error, and run when the person at the terminal says yes. Results and exit codes are
    those of run; 1 also when no valid plan was written, or the answer is no.
    """
    with uninterrupted():
        from planrunner.cli.asking import can_ask, confirmed

    if not yes and (told.no_input or not can_ask()):
        raise UsageError(
            "nobody is here to look at the plan: pass --yes to run it as it comes, or see it first with plan"
        )
    described: dict[str, str] = {}

    def work(runner: Runner, hear: Callable[[Event], None]) -> PlanRun:
        written = plan_of_query(runner, query, given, at_once=True)
        if not (yes and told.quiet):
            talk(term_safe(text_of(written), lines=True))
        if not yes and not confirmed("Run this plan?"):
            talk("nothing ran")
            raise click.exceptions.Exit(EXIT_FAILED)
        described.update({step.path: step.description for step in written.walk() if step.description})
        context = context_of(given["context"], given["user"], given["data"])
        return runner.run(written, context=context, on_event=hear)

    settings = load_settings(find_root(None), store=told.store, policy=given["policy"])
    return carry(told, settings, given, Ahead({}), described, work)
