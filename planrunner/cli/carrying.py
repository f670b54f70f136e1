"""What `run` and `resume` share: a run is carried, followed, and told about when it has ended or waits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from planrunner.cli.follow import FOLLOWERS, Follower
from planrunner.cli.next import Commands, commands_for
from planrunner.cli.options import Command, OnStore, formats, once, policy_file
from planrunner.cli.sink import FileOutput, Output
from planrunner.cli.streams import kept_for_data, style, talk
from planrunner.cli.values import utf8
from planrunner.errors import EXIT_COMPLETE, EXIT_FAILED, EXIT_WAITING
from planrunner.registry import uninterrupted
from planrunner.render import questions, text
from planrunner.render.words import count, took
from planrunner.run_state import COMPLETE, FAILED, IN_PROGRESS
from planrunner.settings import Settings
from planrunner.termsafe import term_safe

if TYPE_CHECKING:
    from planrunner.cli.answering import Ahead
    from planrunner.events import Event
    from planrunner.execution_hooks import ExecutionHooks
    from planrunner.plan_run import PlanRun
    from planrunner.wire import Runner

Work = Callable[["Runner", Callable[["Event"], None]], "PlanRun"]
"""Carries a run with this runner and this listener; returns the record."""

_GIVEN = (
    once("--user", metavar="ID", type=utf8, help="The end user's id."),
    click.option("--data", metavar="K=V", type=utf8, multiple=True, help="Data about the end user; K:=JSON for JSON."),
    once("--context", metavar="FILE", help="The execution context, a YAML file; --user and --data add to it."),
    once("--model", metavar="NAME", type=utf8, help="Model of tasks that name none: a litellm name, or alias."),
    once("--script", metavar="FILE", help="Answer for models and tools from this file; no model is called."),
    policy_file,
)
_RESULT = (
    formats(*FOLLOWERS),
    once("--out", metavar="FILE", help="Write the result there and not to standard output."),
)


def for_a_user(command: Command) -> Command:
    """The flags of commands that call models: end user, model, script."""
    return _flagged(command, _GIVEN)


def carrying(command: Command) -> Command:
    """The flags of commands that carry a run: those of `for_a_user`, and the form of the result."""
    return _flagged(command, (*_GIVEN, *_RESULT))


def _flagged(command: Command, flags: Sequence[Callable[[Command], Command]]) -> Command:
    for flag in reversed(flags):
        command = flag(command)
    return command


def carry(
    told: OnStore,
    settings: Settings,
    given: Mapping[str, Any],
    ahead: Ahead,
    described: Mapping[str, str],
    work: Work,
    resumes: str | None = None,
) -> int:
    """Let the run go on until it has ended or waits; the exit code.

    ahead      may be filled while `work` begins
    described  step path → description; as `ahead`
    """
    commands = commands_for(settings.store, given)
    output = FileOutput(given["out"]) if given["out"] else Output()
    with (
        FOLLOWERS[given["format_"]](output, told, commands, resumes) as follower,
        kept_for_data(follower.progress.say),
        runner_of(settings, given, _people(told, ahead, follower), follower.hears_text) as runner,
    ):
        follower.progress.descriptions = described
        record = work(runner, follower)
        follower.result(record)
    tell_ending(record, told, commands, ahead)
    return exit_code(record)


def exit_code(record: PlanRun) -> int:
    """What became of the run, as an exit code."""
    return {COMPLETE: EXIT_COMPLETE, FAILED: EXIT_FAILED}.get(record.state, EXIT_WAITING)


def tell_ending(record: PlanRun, told: OnStore, commands: Commands | None, ahead: Ahead) -> None:
    """What people want to know now; of a run that waits also what they are to do, even with -q."""
    colours = style(sys.stderr)
    if record.error is not None:
        talk(text.failure(record, colours))
    if not told.quiet:
        for path in ahead.unused:
            talk(term_safe(f"--answer {path} is not taken: no clarify step asked there"))
        usage, spent = record.usage, took((record.updated_at - record.created_at).total_seconds())
        calls = f"{count(usage.llm_calls, 'LLM call')}, {count(usage.tool_calls, 'tool call')}"
        talk(f"{colours.state(record.state)} in {spent}, {calls}")
    if exit_code(record) == EXIT_WAITING:
        talk("\n".join(what_is_asked(record, commands)))
    elif not told.quiet:
        talk(commands.show(record.id) if commands else f"run {record.id} was kept in memory only")


def what_is_asked(record: PlanRun, commands: Commands | None) -> Iterator[str]:
    """Who is asked what, what may be answered, until when, and what to type."""
    colours, user = style(sys.stderr), record.execution_context.end_user_id
    for question in record.get_outstanding_clarifications():
        yield questions.heading(question, user, colours)
        yield from (f"  {line}" for line in questions.body(question))
        yield f"  {questions.terms(question)}"
        if commands is not None:
            yield f"  {commands.answer(record.id, question.id)}"
    if commands is None:
        yield f"run {record.id} was kept in memory only: nobody can answer any more"
    else:
        yield f"{_how_it_goes_on(record)}: {commands.resume(record.id)}"


def _how_it_goes_on(record: PlanRun) -> str:
    if record.state == IN_PROGRESS:
        return "whoever carries the run hears it; if nobody does any more, go on"
    return "then go on" if record.get_outstanding_clarifications() else "to go on"


def what_to_type(record: PlanRun, commands: Commands | None) -> Iterator[str]:
    """The commands alone, below a record that shows the questions."""
    if commands is not None:
        still_open = record.get_outstanding_clarifications()
        yield from (commands.answer(record.id, question.id) for question in still_open)
        yield commands.resume(record.id)


def runner_of(
    settings: Settings, given: Mapping[str, Any], people: ExecutionHooks | None = None, stream: bool = False
) -> Runner:
    """The Runner that the flags ask for."""
    with uninterrupted():
        from planrunner.document.script import load_script
        from planrunner.wire import Runner

    script = None if given["script"] is None else load_script(given["script"])
    return Runner(settings=settings, model=given["model"], script=script, execution_hooks=people, stream=stream)


def _people(told: OnStore, ahead: Ahead, follower: Follower) -> ExecutionHooks:
    """Who answers while the run goes on: what was given ahead, and the person at the terminal if there is one."""
    with uninterrupted():
        from planrunner.cli.asking import Asking, Terminal, can_ask
        from planrunner.execution_hooks import ExecutionHooks

    terminal = Terminal(follower.progress) if can_ask() and not told.no_input else None
    return ExecutionHooks(clarification_handler=Asking(ahead, terminal, follower.progress))
