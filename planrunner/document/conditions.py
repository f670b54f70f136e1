"""What is certain where a template stands: the conditions that held before it was rendered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

from planrunner.document.outputs import is_skippable
from planrunner.document.proofs import Proof
from planrunner.document.rules.scope import around, has_ended
from planrunner.document.shape import Site
from planrunner.document.source import ListNode, MapNode, Node
from planrunner.document.tree import text_of
from planrunner.document.types import SKIPPED, UNREACHED, Gap
from planrunner.document.view import Document, StepView
from planrunner.template.syntax import TemplateSyntaxFault, parse

if TYPE_CHECKING:
    from planrunner.document.infer import Assumed
    from planrunner.template.syntax import Node as Tree

_LOOKED_AT: Final = 16
"""So many ways out of the plan, and cases of a switch, are looked at: the nearest above a step."""
_MAX_QUESTIONS: Final = 1000
"""So many doubts about null are looked into; all after them are let be."""


class Conditions:
    """The conditions of one plan."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._asked = 0

    def is_sure(
        self, site: Site, step: StepView | None, path: tuple[str | int, ...], gap: Gap, assumed: Assumed
    ) -> bool:
        """Whether what stands at the path is surely not null for that reason. True where nobody can tell."""
        self._asked += 1
        if self._asked > _MAX_QUESTIONS or (step is None and site.path[0] != "output"):
            return True
        proof = Proof(self._of_step)
        for condition, truth in (*self._around(site, step), *assumed):
            proof.learn(condition, truth)
        if proof.is_there(path):
            return True
        if gap.why == UNREACHED:
            return proof.has_value(("run", "state"), "COMPLETE")
        return gap.why == SKIPPED and proof.ran(gap.step)

    def _of_step(self, name: str) -> Iterator[tuple[Tree, bool]]:
        """Under what a step runs that is not skipped."""
        step = self._document.by_id.get(name)
        if step is not None and is_skippable(step):
            yield from _condition(step.node.get("when"), True)

    def _around(self, site: Site, step: StepView | None) -> Iterator[tuple[Tree, bool]]:
        """The conditions that came out so before the template at this place is rendered."""
        if step is None:
            yield from self._passed(None)
            return
        yield from self._passed(step)
        for current in around(step):
            inside = site.path[len(current.path) :]
            if inside[:1] != ("when",):
                yield from _condition(current.node.get("when"), True)
            if inside[:1] == ("switch",) and isinstance(inside[1], int):
                yield from _cases(current, inside[1], inside[2:] != ("when",))

    def _passed(self, step: StepView | None) -> Iterator[tuple[Tree, bool]]:
        """The ways out of the plan that were not taken."""
        near = self._ways_out[-_LOOKED_AT:] if step is None else self._nearest_above(step)
        ends = (each for each in near if step is None or (each is not step and has_ended(each, step)))
        for end in ends:
            if end.verb == "exit":
                yield from _condition(end.node.get("when"), False)
            else:
                yield from _condition(_first_case(end), False)

    def _nearest_above(self, step: StepView) -> list[StepView]:
        """The ways out that stand above a step in the file, the nearest of them."""
        places = self._places
        above = bisect_left(self._ways_out, places[step], key=lambda each: places[each])
        return self._ways_out[max(0, above - _LOOKED_AT) : above]

    @cached_property
    def _places(self) -> dict[StepView, int]:
        return {step: place for place, step in enumerate(self._document.steps)}

    @cached_property
    def _ways_out(self) -> list[StepView]:
        """Steps that end the plan when a condition holds."""
        steps = (step for step in self._document.steps if step.within.role != "finally")
        return [step for step in steps if _ends_the_plan(step)]


def _ends_the_plan(step: StepView) -> bool:
    if step.verb == "exit":
        return is_skippable(step)
    if step.verb != "switch" or "when" in step.node.entries or not step.lists:
        return False
    first = step.lists[0]
    return first.role == "case" and any(each.verb == "exit" and not is_skippable(each) for each in first.steps)


def _first_case(step: StepView) -> Node | None:
    cases = step.node.get("switch")
    case = cases.items[0] if isinstance(cases, ListNode) and cases.items else None
    return case.get("when") if isinstance(case, MapNode) else None


def _cases(step: StepView, number: int, chosen: bool) -> Iterator[tuple[Tree, bool]]:
    """Of a switch: no case above held, and this one did, if it is chosen already."""
    cases = step.node.get("switch")
    listed = cases.items if isinstance(cases, ListNode) else []
    for place in range(max(0, number - _LOOKED_AT), min(number + 1, len(listed))):
        case = listed[place]
        if isinstance(case, MapNode) and (place < number or chosen):
            yield from _condition(case.get("when"), place == number)


def _condition(node: Node | None, truth: bool) -> Iterator[tuple[Tree, bool]]:
    text = text_of(node)
    if text is not None:
        try:
            yield parse(text, bare=True), truth
        except TemplateSyntaxFault:
            return
