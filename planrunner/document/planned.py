"""What a plan that a planner wrote may hold: it names what was handed over, and brings nothing of its own.

A planner is a model, and so is whoever talked it into something. Such a plan names no code, server, secret or file,
and binds no hook that makes a run less careful.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from planrunner.document.problem import MAX_PROBLEMS, Problem
from planrunner.document.rules.unknown_tool import named_tools, texts
from planrunner.document.tree import MapNode, Node, ScalarNode, text_of
from planrunner.document.view import Document
from planrunner.document.words import listed, near
from planrunner.hooks import LOOSENING
from planrunner.plan import Handed
from planrunner.termsafe import term_safe, unseen

OWN: Final = ("tools", "mcp_servers", "models", "secrets")
"""The tables by which a plan brings something of its own."""
HANDLER: Final = "clarification_handler"
_PROMPTS: Final = ("task", "instructions", "guidance")
_BREAK = re.compile(r"\r\n|\r|\n")
_STEERS_EDITORS = re.compile(r"(?:^|[ \t])#[ \t]*yaml-language-server[ \t]*:", re.MULTILINE)
_WHO: Final = "a plan that a planner wrote"


def check(document: Document, handed: Handed) -> Iterator[Problem]:
    """Everything that was not handed over, at its own line and column."""
    for node, message in _found(document, handed):
        yield document.problem(node, "planned", message)
    for offset, message in islice(_in_text(document.source.text), MAX_PROBLEMS):
        before = _BREAK.split(document.source.text[:offset])
        yield Problem(document.source.name, len(before), len(before[-1]) + 1, "planned", message)


def _found(document: Document, handed: Handed) -> Iterator[tuple[Node, str]]:
    for key in OWN:
        if key in document.root.entries:
            yield document.root.key(key), f"{_WHO} can't have {key!r}: leave it out"
    for step in document.steps:
        if "plan" in step.node.entries:
            yield step.node.key("plan"), f"{_WHO} can't run other plans: leave the step out"
    for prompt in _prompts(document):
        yield prompt.key("file"), f"{_WHO} can't name files: write the text here"
    for tool in named_tools(document):
        if tool.value not in handed.tools:
            yield tool, _not_handed("tool", str(tool.value), handed.tools)
    for model in _models(document):
        if model.value not in handed.models:
            yield model, _not_handed("model", str(model.value), handed.models)
    yield from _hooks(document, handed)


def _not_handed(what: str, name: str, handed: Iterable[str]) -> str:
    names = list(handed)
    known = f"; use one of: {', '.join(names)}" if names else f"; no {what}s were: leave it out"
    return f"the {what} {name!r} was not handed to the planner{near(name, names) or known}"


def _prompts(document: Document) -> Iterator[MapNode]:
    """The texts that stand in files of their own."""
    asking = (step.node.get("clarify") for step in document.steps)
    for holder in (*(step.node for step in document.steps), *_agents(document), *asking):
        for key in _PROMPTS:
            prompt = holder.get(key) if isinstance(holder, MapNode) else None
            if isinstance(prompt, MapNode) and "file" in prompt.entries:
                yield prompt


def _models(document: Document) -> Iterator[ScalarNode]:
    for holder in (document.table("defaults"), *_agents(document)):
        yield from texts(holder.get("model"))


def _agents(document: Document) -> Iterator[MapNode]:
    """The agents of the plan, and those that stand in their steps."""
    named = (entry.value for entry in document.named("agents").values())
    for agent in (*named, *(step.node.get("agent") for step in document.steps)):
        if isinstance(agent, MapNode):
            yield agent


def _hooks(document: Document, handed: Handed) -> Iterator[tuple[Node, str]]:
    hooks = document.table("hooks")
    if HANDLER in hooks.entries:
        yield hooks.key(HANDLER), f"{_WHO} can't say who answers questions: leave it out"
    for binding in document.bindings:
        node, name = binding.get("use"), text_of(binding.get("use"))
        if node is None or name is None:
            continue
        if ":" in name:
            known = listed(handed.hooks, "or") or "none"
            yield node, f"{_WHO} can't name code: use a built-in hook, which is {known}"
        elif name in LOOSENING:
            yield node, f"{_WHO} can't bind {name!r}, which makes a run less careful: leave it out"
        elif name not in handed.hooks:
            yield node, _not_handed("hook", name, handed.hooks)


def _in_text(text: str) -> Iterator[tuple[int, str]]:
    for offset in unseen(text):
        if not text.startswith("\r\n", offset):
            character = term_safe(text[offset])
            yield offset, f"the character {character} can't be seen, and changes what a reader sees: leave it out"
    for match in _STEERS_EDITORS.finditer(text):
        yield match.start(), f"{_WHO} can't tell editors which schema to fetch: leave the comment out"
