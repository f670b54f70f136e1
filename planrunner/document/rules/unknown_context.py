"""A template reads of the execution context what the plan's contract declares."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from planrunner.document.problem import Problem
from planrunner.document.source import MapNode
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


def _wrong(path: list[Any], has_contract: bool, declared: Collection[str]) -> str | None:
    if path and path[0] not in _FIELDS:
        meant = near(path[0], _FIELDS) or f"; what is known of the end user is context.additional_data.{path[0]}"
        return f"'context' has no {path[0]!r}{meant}"
    if has_contract and path[:1] == ["additional_data"] and len(path) > 1 and path[1] not in declared:
        advice = near(path[1], declared) or "; declare it under context.additional_data"
        return f"the plan's context does not declare {path[1]!r}{advice}"
    return None
