"""JUnit's XML, which nearly every CI server reads: a suite of cases, each passed or failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum

from planrunner.render import text
from planrunner.render.checked import Checked, Report, tally
from planrunner.render.words import Style
from planrunner.termsafe import term_safe

_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# A line break that stands in an attribute as it is reaches its reader as a blank.
_ATTRIBUTE = _TEXT | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})
_NO_XML = re.compile("[\ufffe\uffff]")
"""What XML has no way to say, even escaped, and `term_safe` leaves as it is."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was tested.

    classname  what viewers group by, dotted
    seconds    how long it took; None: not measured
    failure    what is wrong, as many lines as it takes; None: it passed
    message    the failure in one line
    is_error   it can't be told whether it would pass: no failure, but an error
    output     what is worth saying of it, failed or not
    """

    name: str
    classname: str
    seconds: float | None = None
    failure: str | None = None
    message: str = ""
    output: str = ""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases under one name."""

    name: str
    cases: Sequence[Case]


def junit_text(suites: Sequence[Suite]) -> str:
    """The suites as one XML document. Characters that XML can't say, and control characters, are shown as escapes."""
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', *_document(suites), ""))


def problems(report: Report, _style: Style) -> str:
    """A case for each file; a file fails where the exit code would. Warnings that don't count are its output."""
    return junit_text([Suite("planrunner validate", [_case(file, report) for file in report.files])])


def _case(file: Checked, report: Report) -> Case:
    told = text.problems_of(file, Style())
    if report.fails(file):
        return Case(file.file, "planrunner.validate", failure=told, message=tally(file.problems))
    return Case(file.file, "planrunner.validate", output=told)


def _document(suites: Sequence[Suite]) -> Iterator[str]:
    yield f"<testsuites{_counts([case for suite in suites for case in suite.cases])}>"
    for suite in suites:
        errors = sum(case.is_error for case in suite.cases)
        yield f'  <testsuite name="{_attribute(suite.name)}"{_counts(suite.cases)} errors="{errors}" skipped="0">'
        for case in suite.cases:
            yield from _testcase(case)
        yield "  </testsuite>"
    yield "</testsuites>"


def _counts(cases: Sequence[Case]) -> str:
    failures = sum(case.failure is not None and not case.is_error for case in cases)
    measured = [case.seconds for case in cases if case.seconds is not None]
    return f' tests="{len(cases)}" failures="{failures}"{_time(fsum(measured) if measured else None)}'


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f' time="{seconds:.3f}"'


def _testcase(case: Case) -> Iterator[str]:
    names = f'name="{_attribute(case.name)}" classname="{_attribute(case.classname)}"{_time(case.seconds)}'
    if case.failure is None and not case.output:
        yield f"    <testcase {names}/>"
        return
    yield f"    <testcase {names}>"
    if case.failure is not None:
        tag = "error" if case.is_error else "failure"
        yield f'      <{tag} message="{_attribute(case.message)}">{_sayable(case.failure).translate(_TEXT)}</{tag}>'
    if case.output:
        yield f"      <system-out>{_sayable(case.output).translate(_TEXT)}</system-out>"
    yield "    </testcase>"


def _attribute(value: str) -> str:
    return _sayable(value).translate(_ATTRIBUTE)


def _sayable(value: str) -> str:
    return _NO_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", term_safe(value, lines=True))
