"""Files that were checked, as reporters get them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from planrunner.document.loaded import Loaded
from planrunner.document.problem import Problem
from planrunner.render.words import count


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, its problems in order, and its lines (without their ends; empty where there is no text to show).

    prompts   the lines of its prompt files by name; problems may be told in them too
    subplans  the lines of its sub-plans and of their prompt files by name, likewise
    """

    file: str
    problems: tuple[Problem, ...] = ()
    lines: Sequence[str] = field(default=(), repr=False)
    prompts: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    subplans: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)

    def lines_of(self, file: str) -> Sequence[str]:
        """The lines of the file in which a problem stands."""
        if file == self.file:
            return self.lines
        return self.prompts.get(file) or self.subplans.get(file, ())

    def has(self, file: str) -> bool:
        """Whether what stands in this file is the plan's own: not a sub-plan's."""
        return file == self.file or file in self.prompts


def as_checked(loaded: Loaded) -> Checked:
    """A plan as it was read."""
    prompts, subplans = ({each.name: each.lines for each in files} for files in (loaded.prompts, loaded.subplans))
    return Checked(loaded.source.name, loaded.problems, loaded.source.lines, prompts, subplans)


@dataclass(frozen=True, slots=True)
class Report:
    """All that was checked.

    files        in the order in which they were given
    passed_over  how many YAML files are no files of planrunner
    strict       whether warnings count as errors
    root         the folder from which other programs name files; absolute
    """

    files: Sequence[Checked]
    passed_over: int = 0
    strict: bool = False
    root: str = ""

    def fails(self, file: Checked) -> bool:
        """Whether something counts against this file."""
        return any(self.strict or problem.level == "error" for problem in file.problems)

    def from_root(self, file: str) -> str | None:
        """The file's path from `root`, with forward slashes; None when it lies outside."""
        try:
            path = os.path.relpath(file, self.root)
        except (OSError, ValueError):  # the working folder is gone; another drive
            return None
        return None if path.split(os.sep, 1)[0] == os.pardir else path.replace(os.sep, "/")


def tally(problems: Iterable[Problem]) -> str:
    """`2 errors, 1 warning`; empty when there are none."""
    levels = [problem.level for problem in problems]
    return ", ".join(count(levels.count(level), level) for level in ("error", "warning") if level in levels)
