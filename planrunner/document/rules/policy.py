"""A plan stays within the policy that it is held against."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from planrunner.document.effects import Tools
from planrunner.document.problem import Problem
from planrunner.document.rules.scope import models, texts
from planrunner.document.rules.unknown_tool import named_tools
from planrunner.document.tree import MapNode, Node, ScalarNode, plain, text_of
from planrunner.document.view import Document
from planrunner.limits import NAMES
from planrunner.policy import NO_POLICY
from planrunner.times import seconds


def check(document: Document) -> Iterator[Problem]:
    """Every tool that is denied, model, module or package that is not allowed, and limit above its ceiling."""
    if document.policy != NO_POLICY:
        for node, message in chain(_tools(document), _models(document), _limits(document), _imports(document)):
            yield document.problem(node, "policy", message)


def _tools(document: Document) -> Iterator[tuple[Node, str]]:
    tools = Tools(document)
    for node in named_tools(document):
        if document.policy.denies(tools.names(str(node.value))):
            yield node, f"the policy denies calls of {node.value!r}: take another tool, or ask who keeps the policy"


def _models(document: Document) -> Iterator[tuple[Node, str]]:
    own = document.named("models")
    for entry in own.values():
        if isinstance(entry.value, MapNode):
            for name in texts(entry.value.get("model")):
                yield from _refused(document, name, str(name.value))
            if refusal := document.policy.parameter_refusal(entry.value.entries):
                yield entry.value.key(refusal[0]), refusal[1]
    for name in models(document):
        alias = document.aliases.get(str(name.value))
        behind = () if name.value in own else (str(name.value),) if alias is None else alias.model
        for model in behind:
            yield from _refused(document, name, model)


def _refused(document: Document, node: ScalarNode, model: str) -> Iterator[tuple[Node, str]]:
    refusal = document.policy.model_refusal(model)
    if refusal is not None:
        yield node, refusal


def _limits(document: Document) -> Iterator[tuple[Node, str]]:
    table = document.table("limits")
    said = {name: value for name in NAMES if (value := _number(name, table.get(name))) is not None}
    for name, message in document.policy.limit_refusals(said).items():
        yield table.entries[name].value, message


def _number(name: str, node: Node | None) -> float | None:
    value = plain(node)
    if name == "duration":
        try:
            return seconds(value)
        except (TypeError, ValueError, KeyError):  # told as such
            return None
    return value if type(value) in (int, float) else None


def _imports(document: Document) -> Iterator[tuple[Node, str]]:
    for step in document.steps:
        node = step.node.get("plan") if step.verb == "plan" else None
        if node is not None and (refusal := document.policy.package_refusal(text_of(node) or "")):
            yield node, refusal
    entries = (entry.value for entry in document.named("tools").values())
    for holder in (*entries, *document.bindings):
        node = holder.get("use") if isinstance(holder, MapNode) else None
        use = text_of(node)
        if node is not None and use is not None and ":" in use and (refusal := document.policy.import_refusal(use)):
            yield node, refusal
