"""What a plan declares, something in it uses."""

from __future__ import annotations

from collections.abc import Iterator, Set

from planrunner.document.problem import Problem
from planrunner.document.rules.unknown_hook import globs
from planrunner.document.source import MapNode, Node
from planrunner.document.tree import text_of
from planrunner.document.view import Document


def check(document: Document) -> Iterator[Problem]:
    """Every input, agent, model and tool of the plan that nothing in it names."""
    workers = list(_agents(document))
    for table, used, advice in (
        ("inputs", _inputs(document), "nothing reads the input {0!r}: read it as inputs.{0}, or take it out"),
        ("agents", _of_tasks(document), "no task names the agent {0!r}: name it in a step, or take it out"),
        ("models", _models(document, workers), "nothing names the model {0!r}: name it in an agent, or take it out"),
        ("tools", _tools(document, workers), "no step and no agent names the tool {0!r}: name it, or take it out"),
    ):
        for name, entry in document.named(table).items():
            if name not in used:
                yield document.problem(entry.key, "unused", advice.format(name), "warning")


def _inputs(document: Document) -> Set[str]:
    """The inputs that are read: all of them where any could be."""
    paths = [reference.names for _, reference in document.references if reference.names[0] == "inputs"]
    unread = document.first_unread() is not None or any(_has_prompt_file(node) for node in _prompts(document))
    return document.named("inputs").keys() if unread or ("inputs",) in paths else {path[1] for path in paths}


def _prompts(document: Document) -> Iterator[Node | None]:
    for worker in _agents(document):
        yield worker.get("instructions")
    for step in document.steps:
        yield step.node.get("task")
        asked = step.node.get("clarify")
        yield asked.get("guidance") if isinstance(asked, MapNode) else None


def _has_prompt_file(node: Node | None) -> bool:
    """Whether a text stands in a file of its own, where it may read what it likes."""
    return isinstance(node, MapNode) and "file" in node.entries


def _agents(document: Document) -> Iterator[MapNode]:
    """The agents of the plan, and those that stand in a step."""
    inline = (step.node.get("agent") for step in document.steps)
    for node in (*(entry.value for entry in document.named("agents").values()), *inline):
        if isinstance(node, MapNode):
            yield node


def _of_tasks(document: Document) -> set[str]:
    return {text_of(step.node.get("agent")) or "" for step in document.steps}


def _models(document: Document, workers: list[MapNode]) -> set[str]:
    nodes = [document.table("defaults").get("model"), *(worker.get("model") for worker in workers)]
    return {glob.value for node in nodes for glob in globs(node)}


def _tools(document: Document, workers: list[MapNode]) -> set[str]:
    called = {text_of(step.node.get("tool")) or "" for step in document.steps}
    return called | {glob.value for worker in workers for glob in globs(worker.get("tools"))}
