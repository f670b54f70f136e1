"""Problems as people and programs get them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planrunner.document.problem import Problem
from planrunner.render import json as render_json
from planrunner.render import text as render_text
from planrunner.render.checked import Checked, Report, tally
from planrunner.render.words import Style

WRONG = Problem("plans/a.yml", 2, 5, "unknown-key", "unknown key 'prompt'; did you mean 'task'?")


def told(problem: Problem, *lines: str, style: Style = Style()) -> str:  # noqa: B008 frozen
    return render_text.problems(Report([Checked(problem.file, (problem,), lines)]), style)


def test_a_problem_in_a_prompt_file_shows_a_line_of_that_file() -> None:
    problems = (Problem("a.yml", 1, 1, "x", "in the plan"), Problem("p.md", 2, 3, "x", "in the prompt"))
    checked = Checked("a.yml", problems, ["the plan"], {"p.md": ["first", "  the prompt"], "other.md": ["no"]})
    assert render_text.problems_of(checked, Style(False)) == (
        "a.yml:1:1: error: in the plan [x]\n    1 | the plan\n      | ^\n"
        "p.md:2:3: error: in the prompt [x]\n    2 |   the prompt\n      |   ^\n"
    )


def test_place_message_code_line_and_caret() -> None:
    assert told(WRONG, "steps:", "  - prompt: hello") == (
        "plans/a.yml:2:5: error: unknown key 'prompt'; did you mean 'task'? [unknown-key]\n"
        "    2 |   - prompt: hello\n"
        "      |     ^\n"
    )


def test_a_warning_says_so() -> None:
    assert ": warning: " in told(Problem("a.yml", 1, 1, "x", "y", "warning"), "z")


def caret(text: str) -> tuple[str, str]:
    """The source line and the caret line, without the gutter."""
    _, line, below = text.splitlines()
    return line[8:], below[8:]


@pytest.mark.parametrize(
    ("source", "column", "shown", "below"),
    [
        ("日本: x", 5, "日本: x", "      ^"),
        ("\tx: 1", 2, "    x: 1", "    ^"),
        ("a\x1b[31mb", 7, "a\\x1b[31mb", "         ^"),
        ("ab", 3, "ab", "  ^"),
        ("ab", 99, "ab", "  ^"),
        ("", 1, "", "^"),
    ],
)
def test_the_caret_stands_under_the_place(source: str, column: int, shown: str, below: str) -> None:
    assert caret(told(Problem("a.yml", 1, column, "c", "m"), source)) == (shown, below)


@pytest.mark.parametrize("column", [1, 61, 500_000, 999_990, 1_000_001])
def test_of_a_long_line_only_a_window_is_shown(column: int) -> None:
    source = "".join(str(place % 10) for place in range(1_000_000))
    line, below = caret(told(Problem("a.yml", 1, column, "c", "m"), source))
    assert len(line) <= 130
    place = below.index("^")
    assert (line[place] if place < len(line) else "end") == (source[column - 1] if column <= len(source) else "end")


def test_no_line_to_show() -> None:
    assert told(WRONG).count("\n") == 1
    assert told(Problem("a.yml", 9, 1, "c", "m"), "one line").count("\n") == 1


def test_nothing_reaches_the_terminal_raw() -> None:
    hostile = "\x1b]0;title\x07\r\u202egnp"
    text = told(Problem(f"{hostile}.yml", 1, 1, "c", f"no key {hostile}"), hostile)
    assert not set("\x1b\x07\r\u202e") & set(text)
    assert text.count("\\x1b]0;title\\x07") == 3


def test_colours() -> None:
    assert "\x1b[31merror\x1b[0m" in told(WRONG, "a", "b", style=Style(True))


def test_json() -> None:
    checked = [Checked("plans/a.yml", (WRONG,)), Checked("plans/b.yml")]
    assert json.loads(render_json.problems(Report(checked, passed_over=3), Style())) == {
        "files": 2,
        "passed_over": 3,
        "problems": [
            {
                "file": "plans/a.yml",
                "line": 2,
                "column": 5,
                "code": "unknown-key",
                "message": "unknown key 'prompt'; did you mean 'task'?",
                "level": "error",
            }
        ],
    }


def test_a_warning_counts_only_when_strict() -> None:
    warned = Checked("a.yml", (Problem("a.yml", 1, 1, "unused", "m", "warning"),))
    wrong = Checked("b.yml", (WRONG,))
    assert [Report([]).fails(file) for file in (warned, wrong)] == [False, True]
    assert [Report([], strict=True).fails(file) for file in (warned, wrong, Checked("c.yml"))] == [True, True, False]


def test_a_tally_names_errors_first() -> None:
    warning = Problem("a.yml", 1, 1, "unused", "m", "warning")
    assert tally([warning, WRONG, WRONG]) == "2 errors, 1 warning"
    assert tally([warning]) == "1 warning"
    assert tally([]) == ""


def test_files_are_told_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    report = Report([], root=str(tmp_path))
    assert report.from_root("./a.yml") == "inner/a.yml"
    assert report.from_root("../b.yml") == "b.yml"
    assert report.from_root(str(tmp_path / "..c.yml")) == "..c.yml"
    assert report.from_root("../../d.yml") is None


def test_files_are_named_also_when_the_working_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert Report([], root=str(tmp_path)).from_root("a.yml") is None
