"""What came of plan tests, for people (`text`), for programs (`json`) and for build servers (`junit`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Final

from planrunner.render.case_result import ERROR, FAILED, PASSED, CaseResult, Difference, Report
from planrunner.render.json import text as as_json
from planrunner.render.text import problems
from planrunner.render.words import Style, took
from planrunner.termsafe import term_safe

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from planrunner.render.checked import Checked

_COLOURS: Final = {PASSED: "green", FAILED: "red", ERROR: "red"}
_NO_XML: Final = re.compile("[\ufffe\uffff]")
"""Not allowed in XML, and not steering terminals either."""


def text(report: Report, style: Style, verbose: bool = False) -> str:
    """`FILE:LINE: failed: NAME` and below it every difference, with its line; with `verbose` also what passed."""
    shown = (case for case in report.cases if verbose or case.state != PASSED)
    return problems(report.wrong, style) + "".join(_case(case, style) for case in shown)


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


def json(report: Report, _style: Style, _verbose: bool = False) -> str:
    """`{cases: [{file, line, name, state, seconds, differences: [{at, message, line}]}], problems: [{file, line,
    column, code, message, level}]}`.
    """
    found = [asdict(problem) for file in report.wrong for problem in file.problems]
    return as_json({"cases": [asdict(case) for case in report.cases], "problems": found})


def junit(report: Report, _style: Style, _verbose: bool = False) -> str:
    """JUnit's XML: a suite per file, a case per case; a file that can't be used is a suite with one error."""
    from xml.etree.ElementTree import Element, indent, tostring

    root = Element("testsuites", {"name": "planrunner", **_figures(report.cases, len(report.wrong))})
    for file, cases in groupby(report.cases, lambda case: case.file):
        listed = list(cases)
        _suite(root, file, listed, 0).extend(_junit_case(case) for case in listed)
    for wrong in report.wrong:
        _suite(root, wrong.file, (), 1).append(_junit_file(wrong))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(root: Element, file: str, cases: Iterable[CaseResult], wrong: int) -> Element:
    from xml.etree.ElementTree import SubElement

    return SubElement(root, "testsuite", {"name": _xml(file), **_figures(tuple(cases), wrong)})


def _figures(cases: tuple[CaseResult, ...], wrong: int) -> dict[str, str]:
    """The numbers that stand at a suite. A file that can't be used counts as one case."""
    states = [case.state for case in cases]
    return {
        "tests": str(len(states) + wrong),
        "failures": str(states.count(FAILED)),
        "errors": str(states.count(ERROR) + wrong),
        "skipped": "0",
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }


def _junit_case(case: CaseResult) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    made = Element("testcase", name=_xml(case.name), classname=_xml(case.file), time=f"{case.seconds:.3f}")
    if case.state != PASSED:
        first = _told(case.differences[0]).split("\n")[0]
        tag = "failure" if case.state == FAILED else "error"
        told = SubElement(made, tag, message=_xml(first), type=case.state)
        told.text = _xml("\n".join((f"{case.file}:{case.line}", *map(_told, case.differences))))
    return made


def _junit_file(wrong: Checked) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    made = Element("testcase", name="the file can be used", classname=_xml(wrong.file), time="0.000")
    told = SubElement(made, "error", message=_xml(str(wrong.problems[0])), type=wrong.problems[0].code)
    told.text = _xml("\n".join(f"{problem.file}:{problem}" for problem in wrong.problems))
    return made


def _xml(content: str) -> str:
    """Text that XML can hold: what it can't, and what would steer a terminal, as visible escapes."""
    return _NO_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", term_safe(content, lines=True))
