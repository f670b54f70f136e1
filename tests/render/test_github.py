"""Workflow commands, read back as GitHub's runner reads them."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner.document.problem import Problem
from planrunner.render import github
from planrunner.render.checked import Checked, Report
from planrunner.render.words import Style
from planrunner.termsafe import term_safe

_COMMAND = re.compile(r"::(?P<name>[a-z]+) (?P<properties>.*?)::(?P<message>.*)")


def told(problem: Problem) -> str:
    return github.problems(Report([Checked(problem.file, (problem,), ["x"])], root="/"), Style())


def unescaped(text: str, escapes: dict[str, str]) -> str:
    for escape, char in escapes.items():
        text = text.replace(escape, char)
    return text.replace("%25", "%")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """The command as the runner understands it: the first `::` after the properties ends them."""
    match = _COMMAND.fullmatch(line)
    assert match is not None, line
    pairs = (pair.partition("=") for pair in match["properties"].split(","))
    escapes = {"%0D": "\r", "%0A": "\n"}
    properties = {name: unescaped(value, {**escapes, "%3A": ":", "%2C": ","}) for name, _, value in pairs}
    return match["name"], properties, unescaped(match["message"], escapes)


def test_one_line_per_problem_in_order() -> None:
    first = Problem("plans/a.yml", 2, 5, "unknown-key", "unknown key 'prompt'; did you mean 'task'?")
    second = Problem("plans/a.yml", 3, 1, "unused", "nothing uses it", "warning")
    files = [Checked("plans/a.yml", (first, second)), Checked("plans/b.yml")]
    assert github.problems(Report(files), Style(True)) == (
        "::error file=plans/a.yml,line=2,col=5,title=unknown-key"
        "::plans/a.yml:2:5: unknown key 'prompt'; did you mean 'task'? [unknown-key]\n"
        "::warning file=plans/a.yml,line=3,col=1,title=unused::plans/a.yml:3:1: nothing uses it [unused]\n"
    )


def test_nothing_in_a_file_or_a_message_ends_the_command() -> None:
    problem = Problem("/a,line=9::b%3A%.yml", 1, 2, "c", "100%: x::\n::error file=evil::gotcha%0A\rend")
    line, rest = told(problem).split("\n", 1)
    assert rest == ""
    assert read(line) == (
        "error",
        {"file": "a,line=9::b%3A%.yml", "line": "1", "col": "2", "title": "c"},
        "a,line=9::b%3A%.yml:1:2: 100%: x::\n::error file=evil::gotcha%0A\\rend [c]",
    )


@settings(derandomize=True, deadline=None)
@given(st.text(min_size=1), st.text())
def test_any_text_is_one_line_that_says_the_same(name: str, message: str) -> None:
    out = told(Problem(f"/{name}", 1, 1, "c", message))
    assert out.count("\n") == 1
    assert term_safe(out, lines=True) == out
    _, properties, said = read(out[:-1])
    assert said == f"{properties['file']}:1:1: {term_safe(message, lines=True)} [c]"


def test_a_file_outside_of_the_root_keeps_its_name() -> None:
    report = Report([Checked("/b/x.yml", (Problem("/b/x.yml", 1, 1, "c", "m"),))], root="/a")
    assert "file=/b/x.yml," in github.problems(report, Style())
