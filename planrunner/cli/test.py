"""`planrunner test`: carries the cases of test files, and tells in what they are not as expected."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from planrunner.cli.files import UnreadableError, read_bytes, refuse_special
from planrunner.cli.options import Common, common, formats, once
from planrunner.cli.plans import Kind, gather, unreadable
from planrunner.cli.streams import data, kept_for_data, style, talk
from planrunner.cli.values import utf8
from planrunner.document.source import MAX_BYTES
from planrunner.errors import EXIT_COMPLETE, EXIT_FAILED, UsageError
from planrunner.registry import load, uninterrupted
from planrunner.render import CASES
from planrunner.render.case_result import ERROR, FAILED, PASSED, CaseReport, CaseResult
from planrunner.render.checked import Checked
from planrunner.render.words import count

if TYPE_CHECKING:
    from planrunner.testing.case import Plans, Suite

_AT_ONCE = "text"
"""The format that is told case by case; a document of any other is written whole, at the end."""


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@once("-k", "part", metavar="TEXT", type=utf8, help="Only cases with this text in their name.")
@click.option("-x", "first", is_flag=True, help="Stop at the first case that does not pass.")
@formats(*CASES)
@common
def test(told: Common, paths: tuple[str, ...], part: str | None, first: bool, format_: str) -> int:
    """Run the cases of plan tests: files named, and those in folders that begin with `planrunner_test: 1`.

    Models, tools and people are played by each case, and time is virtual: nothing real is called, nobody is asked, and
    nothing is waited for. What is not as expected goes to standard output; exit code 1 when there is any.
    """
    files = gather(paths, Kind.TEST).files
    logging.getLogger("planrunner").addHandler(logging.NullHandler())  # what plans log is no result of a test
    tell = load(CASES[format_])
    cases: list[CaseResult] = []
    wrong: list[Checked] = []
    try:
        with kept_for_data(_silent if told.quiet else talk):  # what hooks print
            for each in _reports(files, part):
                cases += each.cases
                wrong += each.wrong
                if format_ == _AT_ONCE:
                    data(tell(each, style(sys.stdout), told.verbose))
                if first and _found(each):
                    break
    except KeyboardInterrupt as stop:
        stop.add_note(f"until then: {_summary(CaseReport(tuple(cases), tuple(wrong)))}")
        raise
    report = CaseReport(tuple(cases), tuple(wrong))
    if not report.cases and not report.wrong:
        raise UsageError(f"no case has {part!r} in its name")
    if format_ != _AT_ONCE:
        data(tell(report, style(sys.stdout), told.verbose))
    if not told.quiet:
        talk(_summary(report))
    return EXIT_FAILED if _found(report) else EXIT_COMPLETE


def _silent(_line: str) -> None:
    """With -q nothing is said but the report."""


def _reports(files: list[str | Checked], part: str | None) -> Iterator[CaseReport]:
    """What comes of the files, one by one: a report on each case, and one on each file that can't be used."""
    with uninterrupted():
        from planrunner.testing.case import Plans
        from planrunner.testing.run import CaseRunner

    plans, told = Plans(), set[str]()
    with CaseRunner() as runner:
        for file in files:
            if isinstance(file, Checked):
                yield CaseReport((), (file,))
                continue
            suite = _suite(file, plans)
            for wrong in suite.wrong:
                if wrong.file not in told:  # a plan that several files name
                    told.add(wrong.file)
                    yield CaseReport((), (wrong,))
            for case in suite.cases:
                if part is None or part.casefold() in case.name.casefold():
                    yield CaseReport((runner.test(suite, case),))


def _suite(file: str, plans: Plans) -> Suite:
    from planrunner.testing.case import Suite, read_suite

    try:
        refuse_special(file, "the test")
        return read_suite(read_bytes(file, "the test", MAX_BYTES), file, os.path.dirname(file), plans)
    except UnreadableError as error:
        return Suite(file, wrong=(unreadable(file, str(error)),))


def _found(report: CaseReport) -> bool:
    return bool(report.wrong) or any(case.state != PASSED for case in report.cases)


def _summary(report: CaseReport) -> str:
    """`15 cases: 13 passed, 1 failed, 1 error; 1 file can't be used`."""
    counted = ((report.count(PASSED), "passed"), (report.count(FAILED), "failed"))
    parts = [f"{number:,} {word}" for number, word in counted if number]
    parts += [count(report.count(ERROR), "error")] if report.count(ERROR) else []
    wrong = f"; {count(len(report.wrong), 'file')} can't be used" if report.wrong else ""
    return f"{count(len(report.cases), 'case')}: {', '.join(parts) or 'none was carried'}{wrong}"
