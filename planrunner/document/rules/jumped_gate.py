"""A step that changes something does not get past a gate above it by its `needs`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planrunner.document.effects import agent_of
from planrunner.document.problem import Problem
from planrunner.document.rules.scope import texts
from planrunner.document.rules.wrong_args import builtin_of
from planrunner.document.source import MapNode
from planrunner.document.tree import text_of
from planrunner.document.view import Document, StepView
from planrunner.document.words import listed
from planrunner.registry import load
from planrunner.tools.builtin import BUILTIN

_GATES: Final = ("user_verification", "value_confirmation")
_LOOKED_AT: Final = 16
"""So many gates above a step are looked at: the nearest."""


def check(document: Document) -> Iterator[Problem]:
    """Every step with `needs` that may start before the person at a gate above it has said yes."""
    for steps in dict.fromkeys(step.within for step in document.steps):
        gates: list[StepView] = []
        for step in steps.steps:
            jumped = [gate for gate in gates[-_LOOKED_AT:] if _is_jumped(gate, step)]
            if jumped and _changes_something(document, step):
                names = listed([repr(gate.name) for gate in jumped], "and")
                gate = "the gates" if len(jumped) > 1 else "the gate"
                message = f"{step.name!r} may start before {gate} {names} above it: add {names} to its 'needs'"
                yield document.problem(step.node.key("needs"), "jumped-gate", message, "warning")
            if _is_gate(step):
                gates.append(step)


def _is_gate(step: StepView) -> bool:
    """A question whose no fails the plan: nothing handles it at the step itself."""
    asked = step.node.get("clarify") if step.verb == "clarify" else None
    kind = text_of(asked.get("type")) if isinstance(asked, MapNode) else None
    return kind in _GATES and "on_error" not in step.node.entries


def _is_jumped(gate: StepView, step: StepView) -> bool:
    """Whether the step may start first. One that the gate itself waits for is meant to."""
    order = step.within.order
    return not order.has_ended(gate.index, step.index) and not order.has_ended(step.index, gate.index)


def _changes_something(document: Document, step: StepView) -> bool:
    """Whether it, or a step in it, has a tool that may do more than read; a tool that says nothing may."""
    if step.verb == "tool":
        return _may_write(document, text_of(step.node.get("tool")))
    if step.verb == "task":
        return any(_may_write(document, glob.value) for glob in texts(agent_of(document, step).get("tools")))
    return any(_changes_something(document, inner) for each in step.lists for inner in each.steps)


def _may_write(document: Document, name: str | None) -> bool:
    if name is None:
        return False
    entry = document.table("tools").get(name)
    said = text_of(entry.get("effect")) if isinstance(entry, MapNode) else None
    builtin = builtin_of(name, entry)
    return (said or (load(BUILTIN[builtin]).effect if builtin else None)) != "read"
