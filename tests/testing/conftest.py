"""A plan and the cases of a test file, carried as `planrunner test` carries them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest

from planrunner.render.case_result import CaseResult
from planrunner.testing.case import Plans, Suite, read_suite
from planrunner.testing.run import CaseRunner

Read = Callable[..., Suite]
Carry = Callable[..., list[CaseResult]]


def whole(cases: str, given: str = "") -> str:
    """A test file of these cases: the text of `cases`, and of what stands before it."""
    return f"planrunner_test: 1\nplan: ./p.yml\n{dedent(given)}cases:\n{indent(dedent(cases).strip(), '  ')}\n"


@pytest.fixture
def plans() -> Plans:
    """Who reads the plans."""
    return Plans()


@pytest.fixture
def read(tmp_path: Path, plans: Plans) -> Read:
    """Reads a test file of the plan with these steps and whatever else it has."""

    def read(plan: str, text: str) -> Suite:
        (tmp_path / "p.yml").write_text("planrunner: 1\nname: p\n" + dedent(plan), "utf-8")
        return read_suite(text.encode(), "p.test.yml", str(tmp_path), plans)

    return read


@pytest.fixture
def carry(read: Read) -> Carry:
    """Carries the cases. What is wrong with the files is a failure of the test."""

    def carry(plan: str, cases: str, given: str = "") -> list[CaseResult]:
        suite = read(plan, whole(cases, given))
        assert not suite.wrong, [str(problem) for wrong in suite.wrong for problem in wrong.problems]
        with CaseRunner() as runner:
            return [runner.test(suite, case) for case in suite.cases]

    return carry


def told(case: CaseResult) -> list[str]:
    """Its differences, each in one text."""
    return [f"{each.at}: {each.message}" if each.at else each.message for each in case.differences]
