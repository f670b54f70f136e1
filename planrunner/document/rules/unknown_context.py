"""What is read of the execution context, by a template or for an agent, is what the plan's contract declares."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from planrunner.document.problem import Problem
from planrunner.document.rules.scope import agents, texts
from planrunner.document.source import ListNode, MapNode
from planrunner.document.view import Document
from planrunner.document.words import near

_FIELDS: Final = ("end_user_id", "additional_data")


def check(document: Document) -> Iterator[Problem]:
    """Every `context.…` that there is not. A plan without the block `context` may read any additional data."""
    contract = document.root.get("context")
    data = contract.get("additional_data") if isinstance(contract, MapNode) else None
    if data is not None and not isinstance(data, MapNode):
        return
    declared = data.entries if data is not None else {}
    for site, reference in document.references if document.tells("context") else ():
        if reference.names[0] != "context":
            continue
        message = _wrong(list(map(str, reference.names[1:3])), isinstance(contract, MapNode), declared)
        if message:
            yield document.problem_in(site, reference.offset, "unknown-context", message)
    if isinstance(contract, MapNode):
        yield from _seen(document, declared)


def _seen(document: Document, declared: Collection[str]) -> Iterator[Problem]:
    """What an agent `sees` that the contract does not declare: a misspelt name would leave the agent in the dark."""
    for worker in agents(document):
        sees = worker.get("sees")
        for node in texts(sees) if isinstance(sees, ListNode) else ():
            if node.value not in declared:
                yield document.problem(node, "unknown-context", _undeclared(node.value, declared))


def _wrong(path: list[Any], has_contract: bool, declared: Collection[str]) -> str | None:
    if path and path[0] not in _FIELDS:
        meant = near(path[0], _FIELDS) or f"; what is known of the end user is context.additional_data.{path[0]}"
        return f"'context' has no {path[0]!r}{meant}"
    if has_contract and path[:1] == ["additional_data"] and len(path) > 1 and path[1] not in declared:
        return _undeclared(path[1], declared)
    return None


def _undeclared(name: str, declared: Collection[str]) -> str:
    advice = near(name, declared) or "; declare it under context.additional_data"
    return f"the plan's context does not declare {name!r}{advice}"
