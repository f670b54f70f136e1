"""For GitHub Actions: workflow commands, which the runner shows as marks at the lines they name."""

from __future__ import annotations

from planrunner.document.problem import Problem
from planrunner.render.checked import Report
from planrunner.render.words import Style
from planrunner.termsafe import term_safe

# What ends a command or a line would let a plan's text begin a command of its own. `%` is what escapes begin with.
_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def problems(report: Report, _style: Style) -> str:
    """A line `::error file=…,line=…,col=…,title=CODE::FILE:LINE:COLUMN: message [code]` for each problem.

    Paths are told from the workspace. The message says the place again: the log of a job shows nothing else.
    """
    return "".join(_command(problem, report) for file in report.files for problem in file.problems)


def _command(problem: Problem, report: Report) -> str:
    file = term_safe(report.from_root(problem.file) or problem.file)
    where = f"file={file.translate(_PROPERTY)},line={problem.line},col={problem.column}"
    message = f"{file}:{problem.line}:{problem.column}: {term_safe(problem.message, lines=True)} [{problem.code}]"
    return f"::{problem.level} {where},title={problem.code.translate(_PROPERTY)}::{message.translate(_MESSAGE)}\n"
