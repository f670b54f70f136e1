"""What a plan declares, something in it uses."""

from __future__ import annotations

from collections.abc import Iterator, Set

from planrunner.document.problem import Problem
from planrunner.document.rules.scope import agents, models, texts
from planrunner.document.rules.unknown_model import misspelt
from planrunner.document.tree import text_of
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Every input, agent, model and tool of the plan that nothing in it names."""
    for table, used, advice in (
        ("inputs", _inputs(document), "nothing reads the input {0!r}: read it as inputs.{0}, or take it out"),
        ("agents", _of_tasks(document), "no task names the agent {0!r}: name it in a step, or take it out"),
        ("models", _models(document), "nothing names the model {0!r}: name it in an agent, or take it out"),
        ("tools", _tools(document), "no step and no agent names the tool {0!r}: name it, or take it out"),
    ):
        for name, entry in document.named(table).items():
            if name not in used:
                yield document.problem(entry.key, "unused", advice.format(name), "warning")


def _inputs(document: Document) -> Set[str]:
    """The inputs that are read: all of them where any could be."""
    paths = [reference.names for _, reference in document.references if reference.names[0] == "inputs"]
    unread = document.first_unread() is not None
    return document.named("inputs").keys() if unread or ("inputs",) in paths else {path[1] for path in paths}


def _of_tasks(document: Document) -> set[str]:
    return {text_of(step.node.get("agent")) or "" for step in document.steps}


def _models(document: Document) -> set[str]:
    """The aliases that are named; those of which the spelling is told are meant."""
    return {node.value for node in models(document)} | set(misspelt(document).values())


def _tools(document: Document) -> set[str]:
    called = {text_of(step.node.get("tool")) or "" for step in document.steps}
    return called | {node.value for worker in agents(document) for node in texts(worker.get("tools"))}
