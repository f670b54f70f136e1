"""JUnit's XML, read back by an XML parser."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner.document.problem import Problem
from planrunner.render import junit
from planrunner.render.checked import Checked, Report
from planrunner.render.junit import Case, Suite, junit_text
from planrunner.render.words import Style
from planrunner.termsafe import term_safe

WRONG = Problem("a.yml", 1, 3, "unknown-key", "unknown key '<b>'")
WARNED = Problem("a.yml", 1, 1, "unused", "nothing uses it", "warning")


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text.encode())


def test_suites_count_their_cases_and_times() -> None:
    slow = Suite("slow", [Case("a", "x.y", 1.25), Case("b", "x.y", 0.5, "line 1\nline 2", "no")])
    root = parsed(junit_text([slow, Suite("empty", [])]))
    assert root.attrib == {"tests": "2", "failures": "1", "time": "1.750"}
    first, second = root
    assert first.attrib == {
        "name": "slow",
        "tests": "2",
        "failures": "1",
        "time": "1.750",
        "errors": "0",
        "skipped": "0",
    }
    assert second.attrib == {"name": "empty", "tests": "0", "failures": "0", "errors": "0", "skipped": "0"}
    passed, failed = first
    assert passed.attrib == {"name": "a", "classname": "x.y", "time": "1.250"}
    assert len(passed) == 0
    (failure,) = failed
    assert (failure.tag, failure.get("message"), failure.text) == ("failure", "no", "line 1\nline 2")


def test_a_failure_may_be_empty() -> None:
    (case,) = parsed(junit_text([Suite("s", [Case("a", "b", failure="")])]))[0]
    assert [child.tag for child in case] == ["failure"]


def test_the_bytes_are_as_they_are_expected() -> None:
    report = Report([Checked("a.yml", (WRONG,), ["- <b>: 1"]), Checked("b.yml")])
    assert junit.problems(report, Style(True)) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites tests="2" failures="1">\n'
        '  <testsuite name="planrunner validate" tests="2" failures="1" errors="0" skipped="0">\n'
        '    <testcase name="a.yml" classname="planrunner.validate">\n'
        '      <failure message="1 error">'
        "a.yml:1:3: error: unknown key '&lt;b&gt;' [unknown-key]\n"
        "    1 | - &lt;b&gt;: 1\n"
        "      |   ^\n"
        "</failure>\n"
        "    </testcase>\n"
        '    <testcase name="b.yml" classname="planrunner.validate"/>\n'
        "  </testsuite>\n"
        "</testsuites>\n"
    )


@pytest.mark.parametrize(("strict", "tag"), [(False, "system-out"), (True, "failure")])
def test_a_warning_fails_the_file_only_when_strict(strict: bool, tag: str) -> None:
    root = parsed(junit.problems(Report([Checked("a.yml", (WARNED,))], strict=strict), Style()))
    assert root.get("failures") == str(int(strict))
    ((told,),) = root[0]
    assert told.tag == tag
    assert "nothing uses it [unused]" in (told.text or "")


@settings(derandomize=True, deadline=None)
@given(st.text(), st.text(), st.text())
def test_any_text_is_xml_and_says_the_same(name: str, failure: str, output: str) -> None:
    (case,) = parsed(junit_text([Suite(name, [Case(name, name, 0.0, failure, name, output)])]))[0]
    shown = sayable(name)
    assert (case.get("name"), case.get("classname"), case[0].get("message")) == (shown, shown, shown)
    assert (case[0].text or "") == sayable(failure)
    assert len(case) == (2 if output else 1)
    assert not output or case[1].text == sayable(output)


def sayable(text: str) -> str:
    return term_safe(text, lines=True).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
