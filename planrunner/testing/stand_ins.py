"""Tools that a plan announces and that nobody provides here: a test knows what they answer, from its script alone."""

from __future__ import annotations

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
    """One for every entry of the plan's `tools` without `use` that no tool is known for."""
    known = Catalogue(plan)
    return tuple(
        StandIn(id=entry.name) for entry in plan.tools.values() if entry.use is None and _lacks(known, entry.name)
    )


def _lacks(known: Catalogue, name: str) -> bool:
    try:
        known.resolve(name)
    except UnknownToolError:
        return True
    return False
