"""What a plan gives to the plan that runs it: the type of its final value, as it is seen from outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from planrunner.document.guards import Guards
from planrunner.document.source import MapNode
from planrunner.document.tree import text_of
from planrunner.document.types import ANY, Gap, Inner, Shape, Type, gap, union
from planrunner.document.view import Document, StepView

_INSIDE: Final = "in the plan that it comes from "
_NO_STEP: Final = "every step of the plan that it comes from may be skipped"


def final_of(document: Document) -> Type:
    """The value that a run of the plan ends with when it is COMPLETE."""
    from planrunner.document.typed import declared

    if "returns" in document.root.entries:
        return declared(document.root.get("returns"))
    exits = [step for step in document.steps if step.verb == "exit" and _may_complete(step)]
    if any("output" not in _ending(step).entries for step in exits):
        return ANY  # which steps have an output then is open
    return _from_outside(union(*_own(document), *(_of_exit(document, step) for step in exits)))


def _own(document: Document) -> Iterator[Type]:
    """Without an exit: `output`, else the output of the last step that is COMPLETE."""
    if "output" in document.root.entries:
        yield document.types.of_node(document.root.get("output"), ("output",))
        return
    guards = Guards(document)
    for steps in document.lists:
        if steps.role == "steps":
            skippable = any(map(guards.may_skip, steps.steps))
            yield from (ANY,) if skippable else document.types.outputs.last(steps, gap("", _NO_STEP))


def _ending(step: StepView) -> MapNode:
    node = step.node.get("exit")
    return node if isinstance(node, MapNode) else MapNode(0, 0)


def _may_complete(step: StepView) -> bool:
    return text_of(_ending(step).get("state")) != "FAILED"


def _of_exit(document: Document, step: StepView) -> Type:
    return document.types.of_node(_ending(step).get("output"), (*step.path, "exit", "output"))


def _from_outside(told: Type) -> Type:
    """The same for those who do not see the steps: of a value that may be null they know no step that would tell."""
    return Type(tuple(_shapes(told)))


def _shapes(told: Type) -> Iterator[Shape]:
    for shape in told.shapes:
        if shape.gap is not None:
            yield replace(shape, gap=Gap("", shape.gap.why if not shape.gap.step else _INSIDE + shape.gap.why))
        else:
            yield replace(shape, inner=tuple(map(_Outside, shape.inner)))


@dataclass(frozen=True, slots=True)
class _Outside:
    """What lies in a value, as it is seen from outside."""

    inside: Inner

    def field(self, name: str) -> Type | None:
        known = self.inside.field(name)
        return None if known is None else _from_outside(known)

    def names(self) -> tuple[str, ...]:
        return self.inside.names()

    def item(self) -> Type:
        return _from_outside(self.inside.item())

    def at(self, place: int) -> Type:
        return _from_outside(self.inside.at(place))
