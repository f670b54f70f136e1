"""A file that was checked, as reporters get it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planrunner.document.problem import Problem


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, its problems in order, and its lines (without their ends; empty where there is no text to show).

    prompts   the lines of its prompt files by name, and of its sub-plans': problems may be told in them too
    subplans  the lines of its sub-plans by name, likewise
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
        return self.subplans.get(file) or self.prompts.get(file, ())
