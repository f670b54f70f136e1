"""What is done at the end waits for nobody, ends nothing, and does nothing that a person would have to approve."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.effects import Tools, agent_of, calls
from planrunner.document.problem import Problem
from planrunner.document.rules.scope import where
from planrunner.document.tree import Node, ScalarNode
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Every question, agent that asks, `exit` and irreversible call under `finally`, however deep it stands."""
    told: set[int] = set()
    for node, message in _found(document):
        if id(node) not in told:  # an agent may serve many tasks
            told.add(id(node))
            yield document.problem(node, "not-in-finally", message)


def _found(document: Document) -> Iterator[tuple[Node, str]]:
    for step in document.steps:
        if step.path[0] != "finally":
            continue
        if step.verb == "clarify":
            yield step.node.key("clarify"), "nobody is asked under 'finally': the outcome is settled; ask in 'steps'"
        elif step.verb == "exit":
            yield step.node.key("exit"), "under 'finally' the plan has ended already: leave the exit out"
        elif step.verb == "task":
            ask = agent_of(document, step).get("ask")
            if isinstance(ask, ScalarNode) and ask.value is True:
                task = f"the task {step.name!r} at {where(step.node)} stands under 'finally', where nobody is asked"
                yield ask, f"{task}: give it an agent without 'ask'"
    tools = Tools(document)
    for call in calls(document):
        name = str(call.tool.value)
        if call.step.path[0] == "finally" and tools.is_irreversible(name):
            task = f", and the task {call.step.name!r} may call it there" if call.by_agent else ""
            told = f"nobody can take back a call of {name!r}, and under 'finally' nobody can approve it{task}"
            yield call.tool, f"{told}: call it in 'steps'"
