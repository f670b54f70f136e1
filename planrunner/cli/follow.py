"""Whoever follows a run on the command line: hears its events, shows the progress, writes the result."""

from __future__ import annotations

import logging
import os
import sys
from traceback import format_exception
from typing import TYPE_CHECKING, Any, Self

from planrunner import events
from planrunner.cli.sink import Output
from planrunner.cli.streams import style, talk_raw
from planrunner.errors import PlanrunnerError
from planrunner.render import json, jsonl, text
from planrunner.render.progress import Live, Plain, Quiet
from planrunner.render.words import is_terminal
from planrunner.run_state import COMPLETE
from planrunner.termsafe import term_safe

if TYPE_CHECKING:
    from planrunner.cli.next import Commands
    from planrunner.cli.options import Common
    from planrunner.events import Event
    from planrunner.plan_run import PlanRun


class Follower:
    """`--format text`: the final output is the result.

    run_id    None until a run is carried
    progress  what people see meanwhile
    hears_text  whether it wants the text of models as it comes
    commands  what to type about the run; None when nothing is kept
    resumes   the run that is gone on with; None for a new one
    """

    def __init__(self, output: Output, told: Common, commands: Commands | None, resumes: str | None = None) -> None:
        self.output = output
        self.run_id: str | None = None
        self.progress = _progress(told)
        self.hears_text = self.progress.hears_text
        self._commands = commands
        self._resumes = resumes
        self._has_result = False
        self._log = _Log(self.progress, told.debug)
        level = logging.DEBUG if told.verbose or told.debug else logging.INFO
        self._log.setLevel(logging.ERROR if told.quiet else level)
        _logger.setLevel(min(self._log.level, logging.INFO))
        _logger.addHandler(self._log)

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        if event.kind == events.RUN_STARTED:
            self.run_id = event.body["id"]
        elif event.kind == events.RUN_RESUMED:
            self.run_id = self._resumes
        self.progress(event)

    def result(self, plan_run: PlanRun) -> None:
        """The run has come to its end, or waits: write what came of it."""
        if plan_run.state == COMPLETE and plan_run.final_output is not None:
            value = text.value(plan_run.final_output.value)
            self._write(self.output.fit(value if value.endswith("\n") else value + "\n"))

    def _write(self, text: str) -> None:
        self.progress.close()
        self._has_result = True
        self.output.write(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Stop talking, leave terminal and logger as they were found, and put the result in place."""
        self.progress.close()
        _logger.removeHandler(self._log)
        if error is not None:
            self.output.abandon()
            self._note(error)
            return
        if not self._has_result:
            self.output.abandon()
            return
        try:
            self.output.finish()
        except PlanrunnerError as failure:
            self._note(failure)
            raise

    def _note(self, error: BaseException) -> None:
        """Whatever went wrong: if there is a run, say where it is."""
        if self.run_id is not None:
            error.add_note(self._kept(self.run_id))

    def _kept(self, run_id: str) -> str:
        if self._commands is None:
            return f"run {run_id} was kept in memory only: it is gone"
        return f"run {run_id} is kept as it stands; to go on with it: {self._commands.resume(run_id)}"


class Json(Follower):
    """`--format json`: the record is the result."""

    def result(self, plan_run: PlanRun) -> None:
        """Write the record."""
        self._write(json.record(plan_run, style(None)))


class JsonLines(Follower):
    """`--format jsonl`: every event in a line as it happens, and the record in the last one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hears_text = True

    def __call__(self, event: Event) -> None:
        """Hear an event, and write it."""
        super().__call__(event)
        self.output.write(jsonl.event(event))

    def result(self, plan_run: PlanRun) -> None:
        """Write the record."""
        self._write(jsonl.record(plan_run))


FOLLOWERS: dict[str, type[Follower]] = {"text": Follower, "json": Json, "jsonl": JsonLines}
"""Format of `run` and `resume` → who writes it."""

_logger = logging.getLogger("planrunner")


def _progress(told: Common) -> Quiet:
    if told.quiet:
        return Quiet()
    moving = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
    return (Live if moving else Plain)(talk_raw, style(sys.stderr), told.verbose)


class _Log(logging.Handler):
    """What planrunner and the `log` tool log, one line each, between the lines of the progress."""

    def __init__(self, progress: Quiet, debug: bool) -> None:
        super().__init__()
        self._progress = progress
        self._debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record; a traceback, and what is of no use without one, only with --debug."""
        line = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            if record.levelno <= logging.DEBUG and not self._debug:
                return
            line = f"{line}: {type(error).__name__}: {error}"
        if record.levelno >= logging.WARNING:
            line = f"{record.levelname.lower()}: {line}"
        self._progress.say(term_safe(line))
        if error is not None and self._debug:
            self._progress.say(term_safe("".join(format_exception(error)).rstrip(), lines=True))
