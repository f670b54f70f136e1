"""The table of docs/hooks.md: which hooks fire, in which order, how often, and how the run stands then."""

from __future__ import annotations

import re

import pytest

from tests.conftest import PROJECT, PlanOf
from tests.hooks.cases import CASES
from tests.hooks.rig import kind_of


def rows() -> dict[str, tuple[list[str], str]]:
    """Case → the words of the second column, and the third."""
    text = (PROJECT / "docs" / "hooks.md").read_text(encoding="utf-8").partition("| run | fires | ends |")[2]
    found = re.findall(r"^\| (.+?) \| (.+?) \| (\w+(?: \w+)?) \|$", text, re.MULTILINE)
    return {case: (fires.split(" · "), ends) for case, fires, ends in found}


def test_each_row_is_tested_and_each_test_has_a_row() -> None:
    assert rows().keys() == CASES.keys()


def in_parts(case: str, log: list[str]) -> list[list[str]]:
    """The log, parted where the run was resumed. The calls of one turn run side by side: their order is not told."""
    parts = [part.split(" · ") for part in " · ".join(log).split(" · resume · ")]
    return [sorted(part) for part in parts] if "calls in one turn" in case else parts


@pytest.mark.parametrize("case", rows())
def test_what_fires(case: str, plan_of: PlanOf) -> None:
    fires, ends = rows()[case]
    rig, record = CASES[case](plan_of)
    assert in_parts(case, rig.log) == in_parts(case, fires)
    kind = kind_of(record)
    assert (f"{record.state} {kind}" if kind else str(record.state)) == ends
