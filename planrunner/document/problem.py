"""What is wrong in a file, and where: plain data that every reporter renders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

from planrunner.termsafe import term_safe

Level = Literal["error", "warning"]

MAX_MESSAGE = 1000
"""So many characters has a message at most: names of any length stand in it."""
MAX_PROBLEMS = 100
"""So many are told of one file; a file with more is told to be mended from the top."""
_LONG_WORD: Final = re.compile(r"\S{201,}")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. Problems order by file, then by place.

    file     the file's name as the user gave it
    line     1-based
    column   1-based, in characters
    code     the stable word of the rule that found it
    message  what, what was expected, what to do
    level    `error`: the plan can't run; `warning`: it can
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    level: Level = "error"

    @property
    def place(self) -> tuple[str, int, int]:
        """File, line and column."""
        return self.file, self.line, self.column

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.message} [{self.code}]"


def _readable(problem: Problem) -> Problem:
    """With a message that can be read: what can't be seen is shown as an escape, and what nobody would read is left
    out of long names and long messages.
    """
    text = _LONG_WORD.sub(lambda word: f"{word[0][:100]}…{word[0][-50:]}", term_safe(problem.message))
    if len(text) > MAX_MESSAGE:
        text = f"{text[: MAX_MESSAGE - 201]}…{text[-200:]}"
    return problem if text == problem.message else replace(problem, message=text)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted by place, each once (a shared node is met several times), at most MAX_PROBLEMS of them."""
    ordered = sorted(set(problems))
    if len(ordered) <= MAX_PROBLEMS:
        return tuple(map(_readable, ordered))
    last = ordered[MAX_PROBLEMS - 1]
    more = Problem(
        last.file,
        last.line,
        last.column,
        "too-many-problems",
        "there are more problems from here on: mend those above first, then check again",
    )
    return (*map(_readable, ordered[: MAX_PROBLEMS - 1]), more)
