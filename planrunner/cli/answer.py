"""`planrunner answer`: gives the answer to a question of a run, and runs nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from planrunner.cli.answering import Typed, checked, only_question, question_named
from planrunner.cli.carrying import what_is_asked
from planrunner.cli.next import commands_for
from planrunner.cli.options import OnStore, formats, on_store, once
from planrunner.cli.stores import settings_of_run
from planrunner.cli.streams import data, style, talk
from planrunner.cli.values import utf8
from planrunner.errors import EXIT_COMPLETE, UsageError
from planrunner.registry import load
from planrunner.render import RECORDS, questions
from planrunner.run_state import ENDED

if TYPE_CHECKING:
    from planrunner.clarification import Clarification
    from planrunner.plan_run import PlanRun


@click.command()
@click.argument("run", metavar="RUN", type=utf8)
@click.argument("words", metavar="[ID] VALUE", type=utf8, nargs=-1, required=True)
@once("--as", "by", metavar="NAME", type=utf8, help="Who answers; kept with the answer.")
@formats("text", "json")
@on_store
def answer(told: OnStore, run: str, words: tuple[str, ...], by: str | None, format_: str) -> int:
    """Answer a question of a run; resume then goes on with it.

    ID is the id of the question, or the path of the clarify step that asks. It may be left out when a clarify step
    asks the only open question. VALUE is an option, yes or no, a text, or JSON where no text is asked for; put --
    before one that begins with a dash.
    """
    from planrunner.wire import Runner

    if len(words) > 2:
        raise UsageError(f"expected [ID] VALUE, and got {len(words)} words; put quotes around a value of several words")
    settings = settings_of_run(told, run)
    with Runner(settings=settings) as runner:
        record = runner.runs.get(run)
        question = only_question(record) if len(words) == 1 else _named(record, words[0])
        # A closed question refuses every answer, and says why better than any check of this one could.
        response = words[-1] if question.resolved else checked(question, Typed(words[-1]))
        record = runner.resolve_clarification(question.id, response, record, by=by)
    _tell(record, question.id, told, settings.store)
    if format_ == "json":
        data(load(RECORDS[format_])(record, style(sys.stdout)))
    return EXIT_COMPLETE


def _named(record: PlanRun, name: str) -> Clarification:
    question = question_named(record, name)
    if question is None:
        raise UsageError(f"{name}: the step has not asked yet")
    return question


def _tell(record: PlanRun, question_id: str, told: OnStore, store: str) -> None:
    """What was answered, and what is still to be done."""
    if told.quiet:
        return
    question = next(each for each in record.clarifications if each.id == question_id)
    talk(f"{style(sys.stderr)(question.path or '', 'bold')} {questions.outcome(question)}")
    if record.state not in ENDED:
        talk("\n".join(what_is_asked(record, commands_for(store))))
