"""Every code that a problem can carry has a page, and what the page shows is true."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from planrunner.cli.files import UnreadableError
from planrunner.cli.plans import Projects, read_plan, unreadable
from planrunner.document import facts as room
from planrunner.document.facts import CODES, Example, Facts, facts, found, grouped
from planrunner.document.load import load_document
from planrunner.document.problem import Problem

PACKAGE = Path(room.__file__).parent.parent
LATER = "not-supported"
"""What is not built yet is refused beside whatever else is said of it."""
_CODE = re.compile(r"[a-z]+(-[a-z]+)*")
_TELLERS = {
    "Problem",
    "problem",
    "problems_of",
    "Finding",
    "problem_in",
    "_problem",
    "tell",
    "_stop",
    "_must",
    "Told",
    "Said",
    "_Refusal",
    "_RefusedError",
}
"""Whoever makes a problem, or hands on what makes one."""


def known(code: str) -> Facts:
    told = facts(code)
    assert told is not None
    return told


def said(example: Example) -> set[tuple[str, str]]:
    """Level and code of every problem of an example."""
    assert example.file is not None
    problems = load_document(example.file, "plan.yml", path=None, root=".").problems
    return {(problem.level, problem.code) for problem in problems if problem.code != LATER}


SHOWN = [code for code in CODES if known(code).broken.file is not None and code != LATER]


@pytest.mark.parametrize("code", SHOWN)
def test_the_broken_example_breaks_this_and_nothing_else(code: str) -> None:
    told = known(code)
    assert said(told.broken) == {(told.level, code)}


@pytest.mark.parametrize("code", [code for code in CODES if known(code).mended.file is not None])
def test_the_mended_example_is_clean(code: str) -> None:
    assert said(known(code).mended) == set()


def test_what_is_not_built_yet_is_refused_by_name() -> None:
    told = known(LATER)
    assert {problem.code for problem in found(told)} == {LATER}
    assert told.mended.file is not None
    assert load_document(told.mended.file, "plan.yml", path=None, root=".").plan is not None


def test_only_what_no_short_file_can_show_is_shown_as_a_terminal_shows_it() -> None:
    of_several_files = {"subplan-invalid", "subplan-cycle", "subplan-limit", "wrong-inputs", "subplan-context"}
    others = {"too-many-hooks", "unreadable", "too-large", "too-many-problems", "planned", "policy", LATER}
    assert set(CODES) - set(SHOWN) == others | of_several_files


def _last_line(code: str) -> str:
    return known(code).broken.text.splitlines()[-1]


def test_what_a_terminal_shows_is_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnreadableError) as refused:
        read_plan("smus.yml", Projects())
    gone = _lines("smus.yml", unreadable("smus.yml", str(refused.value)).problems)
    assert [line.replace(str(tmp_path), "/srv/shop") for line in gone] == [_last_line("unreadable")]
    large = load_document(b"#" * (4 * 1024 * 1024 + 1), "catalogue.yml", path=None, root=".").problems
    assert _lines("catalogue.yml", large) == [_last_line("too-large")]


def test_of_too_many_problems_the_first_and_the_last_are_shown() -> None:
    keys = "".join(f"  ordre_{number}: x\n" for number in range(1, 121))
    many = f"planrunner: 1\nname: orders\n#\n#\nsteps:\n- id: a\n  tool: log\n  args: {{message: x}}\n{keys}"
    lines = _lines("all.yml", load_document(many.encode(), "all.yml", path=None, root=".").problems)
    _, first, _, last = known("too-many-problems").broken.text.splitlines()
    assert len(lines) == 100
    assert lines[-1] == last
    assert lines[0].startswith(first.partition("…")[0])


def _lines(name: str, problems: tuple[Problem, ...]) -> list[str]:
    return [f"{name}:{each.line}:{each.column}: {each.level}: {each.message} [{each.code}]" for each in problems]


def _calls(file: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        name = getattr(getattr(node, "func", None), "attr", None) or getattr(getattr(node, "func", None), "id", None)
        if isinstance(node, ast.Call) and name in _TELLERS:
            yield node


def _told_in(call: ast.Call) -> set[str]:
    """The codes that stand in a call; nothing where the code is handed on."""
    texts = {arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return {text for text in texts if _CODE.fullmatch(text) and text not in ("error", "warning")}


def test_every_code_in_the_source_is_known_and_every_known_one_is_in_the_source() -> None:
    files = [*(PACKAGE / "document").rglob("*.py"), PACKAGE / "cli" / "plans.py"]
    told = {code for file in files for call in _calls(file) for code in _told_in(call)}
    assert sorted(told) == sorted(CODES)


def test_every_problem_is_made_with_its_code_in_sight() -> None:
    handed_on = ("code", "told", "said", "problem")
    for file in (PACKAGE / "document").rglob("*.py"):
        for call in _calls(file):
            names = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
            attributes = {node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)}
            assert _told_in(call) or (names | attributes) & {*handed_on}, f"{file}:{call.lineno}"


def test_every_page_is_of_a_code_and_every_code_has_one() -> None:
    pages = {page.stem.replace("_", "-") for page in (PACKAGE / "document" / "rules").glob("*.md")}
    assert pages == set(CODES)
    assert len(CODES) == len(set(CODES))
    assert [told.code for checks in grouped().values() for told in checks] == list(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_in_short_lines_what_and_why(code: str) -> None:
    told = known(code)
    for line in (f"{told.level.capitalize()}: {told.name}.", told.why, told.advice, *told.broken.text.splitlines()):
        assert 0 < len(line) <= 120
    assert told.why.endswith(".")
    assert told.advice.endswith(".")
    assert "\n" not in told.name + told.why + told.advice


def test_of_what_is_no_code_nothing_is_known() -> None:
    assert facts("unknown") is None
    assert facts("../facts") is None


def test_checking_reads_no_page() -> None:
    import subprocess
    import sys

    program = """
import sys
from planrunner.document.load import load_document
load_document(b"planrunner: 1\\nname: a\\nsteps: [{id: a, if: x}]\\n", "plan.yml", path=None, root=".")
print("planrunner.document.facts" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
