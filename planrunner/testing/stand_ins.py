"""Tools that a plan announces and that nobody provides here: a test knows what they answer, from its script alone."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.errors import UnknownToolError
from planrunner.plan import Plan
from planrunner.tools.base import Tool
from planrunner.tools.catalogue import Catalogue


class StandIn(Tool):
    """Takes any args, so far as the plan's entry does not say which. Its effect is the entry's."""

    def run(self, *args: object, **kwargs: object) -> None:
        """Never called: under a strict script only self-contained tools are."""
        raise AssertionError(f"{self!r} was really called")


def stand_ins(plan: Plan) -> tuple[Tool, ...]:
    """One for every name that `tools` of the plan, or of one inside of it, announces and no tool is known for."""
    lacking = {name: StandIn(id=name) for each in plan.walk_plans() for name in _lacking(each)}
    return tuple(lacking.values())


def _lacking(plan: Plan) -> Iterator[str]:
    known = Catalogue(plan)
    for entry in plan.tools.values():
        if entry.use is None:
            try:
                known.resolve(entry.name)
            except UnknownToolError:
                yield entry.name
