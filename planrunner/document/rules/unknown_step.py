"""A template reads steps that are there, and of a step its output, state or error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planrunner.document.problem import Problem
from planrunner.document.view import Document
from planrunner.document.words import listed, near

_FIELDS: Final = ("output", "state", "error")
_LISTED: Final = 12
_ERROR: Final = ("kind", "message")


def check(document: Document) -> Iterator[Problem]:
    """Every `steps.ID` without such a step, and every field that a step does not have."""
    for site, reference in document.references:
        if reference.names[0] != "steps" or len(reference.names) < 2:
            continue
        message = _wrong(document, tuple(map(str, reference.names[1:])))
        if message:
            yield document.problem_in(site, reference.offset, "unknown-step", message)


def _wrong(document: Document, path: tuple[str, ...]) -> str | None:
    name = path[0]
    if name not in document.by_id:
        known = [name for name in document.by_id if name]
        return f"there is no step {name!r}{near(name, known) or _there_are(known)}"
    if len(path) > 1 and path[1] not in _FIELDS:
        advice = near(path[1], _FIELDS) or f"; a field of its output is steps.{name}.output.{path[1]}"
        return f"a step has output, state and error, and no {path[1]!r}{advice}"
    if len(path) > 2 and path[1] == "error" and path[2] not in _ERROR:
        return f"a step's error has kind and message, and no {path[2]!r}{near(path[2], _ERROR)}"
    return None


def _there_are(names: list[str]) -> str:
    return f"; the steps are {listed(names, 'and')}" if 0 < len(names) <= _LISTED else ""
