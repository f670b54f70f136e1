"""What a plan calls its steps and tools: by these names a test file means them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from planrunner.document.words import listed, near
from planrunner.plan import Plan
from planrunner.scripted import names_of
from planrunner.tools.catalogue import Catalogue

_ID_WITH_MARKS: Final = re.compile(r"([a-z][a-z0-9_]*)((?:\[\d+\]|\(\d+\))*)")
_LISTED: Final = 12


class PlanNames:
    """The names of one plan and, by their paths, of the plans that run inside of it."""

    def __init__(self, plan: Plan) -> None:
        self._ids = {step.id: step.path for step in plan.walk()}
        self._paths = set(_paths(plan))
        self._tools = {name for each in plan.walk_plans() for name in (*Catalogue(each).named(), *each.tools)}

    def path(self, name: str) -> str | None:
        """The path that a path, or an id, stands for; None when the plan has no such step."""
        *_, whole = names_of(name)
        if whole in self._paths:
            return name
        found = _ID_WITH_MARKS.fullmatch(name)
        return self._ids[found[1]] + found[2] if found and found[1] in self._ids else None

    def ids(self) -> Iterable[str]:
        """The ids of all steps, in the order of the plan."""
        return self._ids

    def question(self, name: str) -> str | None:
        """As `path`, for what is asked: also `STEP/TOOL`."""
        step, slash, tool = name.rpartition("/")
        path = self.path(step) if slash and self.is_tool(tool) else None
        return self.path(name) if path is None else f"{path}/{tool}"

    def is_tool(self, name: str) -> bool:
        """Whether the plan names this tool, or one inside of it does."""
        return name in self._tools

    def tool_or_step(self, name: str) -> str | None:
        """As `path`, for the names under which a script answers calls: a tool's own name comes first."""
        return name if name in self._tools else self.path(name)

    def no_step(self, name: str) -> str:
        """What to say of a name that is no step."""
        names = list(dict.fromkeys((*self._ids, *sorted(self._paths))))
        return f"the plan has no step {name!r}{near(name, names) or _there_are('steps', names)}"

    def no_question(self, name: str) -> str:
        """What to say of a name that is neither a step nor STEP/TOOL."""
        step, _, tool = name.rpartition("/")
        return self.no_step(name) if self.path(step) is None else self.no_tool(tool)

    def no_tool(self, name: str) -> str:
        """What to say of a name that is no tool."""
        return f"the plan names no tool {name!r}{near(name, self._tools) or _there_are('tools', self._tools)}"

    def neither(self, name: str) -> str:
        """What to say of a name that is neither step nor tool."""
        names = list(dict.fromkeys((*sorted(self._tools), *self._ids, *sorted(self._paths))))
        return f"the plan has no step and no tool {name!r}{near(name, names) or _there_are('tools', self._tools)}"


def _paths(plan: Plan, prefix: str = "") -> Iterator[str]:
    """The path of every step, also of those in sub-plans."""
    for step in plan.walk():
        path = f"{prefix}{step.path}"
        yield path
        if step.verb == "plan" and step.value in plan.subplans:
            yield from _paths(plan.subplans[step.value], f"{path}/")


def _there_are(what: str, names: Iterable[str]) -> str:
    known = sorted(names) if what == "tools" else list(names)
    return f"; its {what} are {listed(known, 'and')}" if 0 < len(known) <= _LISTED else ""
