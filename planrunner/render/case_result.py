"""What came of plan tests, as reporters get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from planrunner.render.checked import Checked

PASSED: Final = "passed"
FAILED: Final = "failed"
ERROR: Final = "error"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected.

    at       what differs: `output.verdict`, `tool_calls[1]`
    message  what was expected and what came; may have several lines
    line     of the test file, where it is expected
    """

    at: str
    message: str
    line: int


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case.

    file, line  where it begins
    state       `failed`: it differs; `error`: it can't be told, for it lacks something
    seconds     of real time
    """

    file: str
    line: int
    name: str
    state: Literal["passed", "failed", "error"]
    seconds: float
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseReport:
    """All cases that were carried, in order, and the files that can't be used."""

    cases: tuple[CaseResult, ...]
    wrong: tuple[Checked, ...] = ()

    def count(self, state: str) -> int:
        """How many cases came to this state."""
        return sum(case.state == state for case in self.cases)
