"""What several rules share: the words of the language, which steps have surely ended before another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planrunner.document.tree import ListNode, MapNode, Node, ScalarNode
from planrunner.document.view import Document, StepView
from planrunner.template.outcomes import literal

NAMES: Final = frozenset(
    ("inputs", "context", "steps", "run", "loop", "previous", "secrets", "error", "tool", "args", "output", "step")
)
"""First words of paths that the language gives a meaning somewhere."""

LANGUAGE_WORDS: Final = frozenset(
    ("null", "none", "true", "false", "and", "or", "not", "in", "is", "if", "else", "range")
)


def around(step: StepView) -> Iterator[StepView]:
    """The step itself and the containers it stands in, from the inside out."""
    current: StepView | None = step
    while current is not None:
        yield current
        current = current.within.owner


def has_ended(target: StepView, step: StepView) -> bool:
    """Whether `target` has surely ended when `step` starts."""
    for current in around(step):
        if current.within is target.within:
            return current.within.order.has_ended(target.index, current.index)
        if current.within.role == "finally" and target.within.role == "steps":
            return True
    return False


def is_inside(target: StepView, step: StepView) -> bool:
    """Whether `target` stands in a container from which `step` is outside."""
    return target.within.owner is not None and all(current.within is not target.within for current in around(step))


def agents(document: Document) -> Iterator[MapNode]:
    """The agents of the plan, and those that stand in a step."""
    inline = (step.node.get("agent") for step in document.steps)
    for node in (*(entry.value for entry in document.named("agents").values()), *inline):
        if isinstance(node, MapNode):
            yield node


def models(document: Document) -> Iterator[ScalarNode]:
    """Every name of a model, alone or in a list, in agents and defaults."""
    for worker in (document.table("defaults"), *agents(document)):
        yield from texts(worker.get("model"))


def texts(node: Node | None) -> Iterator[ScalarNode]:
    """A text, or those of a list."""
    for item in node.items if isinstance(node, ListNode) else [node]:
        if isinstance(item, ScalarNode) and isinstance(item.value, str):
            yield item


def is_always(node: Node | None, value: bool) -> bool:
    """Whether a condition says nothing but true (or false)."""
    if not isinstance(node, ScalarNode):
        return False
    return (literal(node.value) if isinstance(node.value, str) else node.value) is value


def where(node: Node) -> str:
    """`LINE:COLUMN`."""
    return f"{node.line}:{node.column}"
