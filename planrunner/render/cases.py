"""What came of plan tests, for people (`text`), for programs (`json`) and for build servers (`junit`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Final

from planrunner.render.case_result import ERROR, FAILED, PASSED, CaseReport, CaseResult, Difference
from planrunner.render.checked import Checked, tally
from planrunner.render.json import text as as_json
from planrunner.render.junit import Case, Suite, junit_text
from planrunner.render.text import problems_of
from planrunner.render.words import Style, took
from planrunner.termsafe import term_safe

_COLOURS: Final = {PASSED: "green", FAILED: "red", ERROR: "red"}


def text(report: CaseReport, style: Style, verbose: bool = False) -> str:
    """`FILE:LINE: failed: NAME` and below it every difference, with its line; with `verbose` also what passed."""
    shown = (case for case in report.cases if verbose or case.state != PASSED)
    return "".join((*(problems_of(file, style) for file in report.wrong), *(_case(case, style) for case in shown)))


def _case(case: CaseResult, style: Style) -> str:
    place = style(f"{term_safe(case.file)}:{case.line}:", "bold")
    tail = style(f"  {took(case.seconds)}", "dim") if case.state == PASSED else ""
    head = f"{place} {style(case.state, _COLOURS[case.state])}: {term_safe(case.name)}{tail}\n"
    return head + "".join(f"{line}\n" for each in case.differences for line in _lines(each))


def _lines(difference: Difference) -> Iterator[str]:
    """A difference, each further line of it indented more."""
    first, *more = term_safe(_told(difference), lines=True).split("\n")
    yield f"  {first}"
    yield from (f"      {line}" for line in more)


def _told(difference: Difference) -> str:
    return f"line {difference.line}: {difference.at}: {difference.message}" if difference.at else difference.message


def json(report: CaseReport, _style: Style, _verbose: bool = False) -> str:
    """`{cases: [{file, line, name, state, seconds, differences: [{at, message, line}]}], problems: [{file, line,
    column, code, message, level}]}`.
    """
    found = [asdict(problem) for file in report.wrong for problem in file.problems]
    return as_json({"cases": [asdict(case) for case in report.cases], "problems": found})


def junit(report: CaseReport, _style: Style, _verbose: bool = False) -> str:
    """A suite per file; a file that can't be used is a suite with one error."""
    files = groupby(report.cases, lambda case: case.file)
    suites = [Suite(file, [_junit_case(case) for case in cases]) for file, cases in files]
    return junit_text([*suites, *(Suite(wrong.file, [_junit_file(wrong)]) for wrong in report.wrong)])


def _junit_case(case: CaseResult) -> Case:
    if case.state == PASSED:
        return Case(case.name, case.file, case.seconds)
    told = [_told(difference) for difference in case.differences]
    return Case(
        case.name,
        case.file,
        case.seconds,
        failure="\n".join((f"{case.file}:{case.line}", *told)),
        message=told[0].partition("\n")[0],
        is_error=case.state == ERROR,
    )


def _junit_file(wrong: Checked) -> Case:
    told = problems_of(wrong, Style())
    return Case("the file can be used", wrong.file, failure=told, message=tally(wrong.problems), is_error=True)
