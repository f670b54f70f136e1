"""A file that was checked, as reporters get it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from planrunner.document.problem import Problem


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, its problems in order, and its lines (without their ends; empty where there is no text to show)."""

    file: str
    problems: tuple[Problem, ...] = ()
    lines: Sequence[str] = field(default=(), repr=False)
