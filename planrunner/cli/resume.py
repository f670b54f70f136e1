"""`planrunner resume`: goes on with a run that waits for people, was interrupted, or failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from planrunner.cli.answering import Ahead, given_answers, settled
from planrunner.cli.carrying import carry, carrying
from planrunner.cli.context import context_in_place_of
from planrunner.cli.options import OnStore, on_store
from planrunner.cli.stores import settings_of_run
from planrunner.cli.values import pairs, utf8

if TYPE_CHECKING:
    from planrunner.events import Event
    from planrunner.plan_run import PlanRun
    from planrunner.wire import Runner


@click.command()
@click.argument("run", metavar="RUN", type=utf8)
@click.option(
    "--answer",
    metavar="ID=V",
    type=utf8,
    multiple=True,
    help="Answer to a question, by its id; of a clarify step also by the step.",
)
@click.option("--retry", is_flag=True, help="Try again what failed in a FAILED run; what is finished is kept.")
@click.option("--limit", metavar="K=V", type=utf8, multiple=True, help="With --retry: raise a limit, such as usd=2.")
@carrying
@on_store
def resume(told: OnStore, run: str, retry: bool, limit: tuple[str, ...], **given: Any) -> int:
    """Go on with a run, by its id; what is finished is not done again.

    The end user's context stays what it was. --data replaces single data; --context, or another --user, replaces all
    of it. Results and exit codes are those of run.
    """
    answers = given_answers(given["answer"])
    limits = pairs("--limit", limit, lambda _, text: text)
    ahead = Ahead({})
    described: dict[str, str] = {}

    def work(runner: Runner, hear: Callable[[Event], None]) -> PlanRun:
        record = runner.runs.get(run)
        context = context_in_place_of(record.execution_context, given["context"], given["user"], given["data"])
        described.update({step.path: told for step in record.steps if (told := getattr(step, "description", None))})
        to_post, later = settled(record, answers)
        for question_id, answer in to_post.items():
            runner.resolve_clarification(question_id, answer, record)
        ahead.add(later)
        return runner.resume(record, context=context, retry=retry, limits=limits, on_event=hear)

    return carry(told, settings_of_run(told, run, given["policy"]), given, ahead, described, work, run)
