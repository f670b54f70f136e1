"""What a sub-plan must know of the end user is promised by the plan's own contract: the end user is the same."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.source import MapNode
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.document.words import near
from planrunner.plan import Plan


def check(document: Document) -> Iterator[Problem]:
    """Everything that a sub-plan requires, or a plan inside of it, and that the block `context` leaves open."""
    contract = document.root.get("context")
    if not isinstance(contract, MapNode):
        return  # a plan without a contract promises nothing, and what a run is given is checked when it begins
    messages = {name: (*_end_user(plan, contract), *_data(plan, contract)) for name, plan in document.subplans.items()}
    for step in document.steps:
        node = step.node.get("plan") if step.verb == "plan" else None
        for message in messages.get(text_of(node) or "", ()):
            yield document.problem(node or step.node, "subplan-context", message)


def _end_user(plan: Plan, contract: MapNode) -> Iterator[str]:
    if text_of(contract.get("end_user_id")) not in (None, "optional"):
        return
    for each in plan.walk_plans():
        if each.context.end_user_id_required:
            yield f"the plan {each.name!r} needs an end user: write 'end_user_id: required' under 'context'"
            return


def _data(plan: Plan, contract: MapNode) -> Iterator[str]:
    data = contract.get("additional_data") or MapNode(0, 0)
    if not isinstance(data, MapNode):
        return
    needy: dict[str, str] = {}
    for each in plan.walk_plans():
        for name in (each.context.additional_data or {}).get("required", ()):
            needy.setdefault(name, each.name)
    for name, needed_by in needy.items():
        if name not in data.entries:
            advice = near(name, data.entries) or ": declare it under 'context'"
            yield f"the plan {needed_by!r} needs {name!r} of the end user{advice}"
