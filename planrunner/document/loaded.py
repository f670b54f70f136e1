"""What comes of reading a plan file: the plan and all problems together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planrunner.document.problem import Problem
from planrunner.document.source import Source
from planrunner.plan import Plan


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file that was read: its plan (None when a problem stands in the way), all problems, its text.

    build     gives the plan, the same one each time; None when there is none. Who only checks has no use for it
    problems  those of the plan and its prompt files, in order; then those told in its sub-plans
    prompts   the prompt files, in which problems may be told too
    for_the_runner  errors stand in the way that hold only if the Python caller of a Runner has no tools in the place of
              built-in ones, and no hooks that approve
    subplans  the files of its sub-plans, their prompt files and their sub-plans, likewise
    """

    build: Callable[[], Plan] | None
    problems: tuple[Problem, ...]
    source: Source
    prompts: tuple[Source, ...] = ()
    subplans: tuple[Source, ...] = ()
    for_the_runner: bool = False

    @property
    def plan(self) -> Plan | None:
        """The plan, built when it is first asked for."""
        return None if self.build is None else self.build()
