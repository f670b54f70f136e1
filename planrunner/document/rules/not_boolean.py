"""A condition gives true or false."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from planrunner.document.complaints import Finding, in_words
from planrunner.document.problem import Problem
from planrunner.document.shape import Site
from planrunner.document.view import Document
from planrunner.template.outcomes import outcomes

_ADVICE: Final = {
    "a number": "compare it, as in … > 0",
    **dict.fromkeys(("a number or text", "a sum"), "compare it, as in … > 1"),
    "text": "compare it, as in … == 'yes'",
    "a list": "compare its length, as in … | length > 0",
    "an object": "compare a field of it",
    "an object or null": "compare it, as in … != null",
    "null": "write false",
    "an empty text": "write default(false)",
}
_FIELDS: Final = {
    "run": {"id": "text", "started_at": "text", "state": "text", "error": "an object or null"},
    "context": {"end_user_id": "text", "additional_data": "an object"},
    "loop": {"index": "a number", "index0": "a number"},
    "error": {"kind": "text", "message": "text"},
    "tool": {"id": "text"},
    "step": {"id": "text"},
}
"""What the language itself says of its names; the name alone is an object."""

_OF_STEP: Final = {
    (): "an object",
    ("state",): "text",
    ("error",): "an object or null",
    ("error", "kind"): "text",
    ("error", "message"): "text",
}


def check(document: Document) -> Iterator[Problem]:
    """Every `when` and `until` that can have a value which is neither."""
    for site in document.readable:
        key = site.path[-1]
        if not site.bare or key not in ("when", "until"):
            continue
        for offset, kind, path in outcomes(site.node.value):
            told = kind or _known(path)
            found = _Found(told, _ADVICE[told]) if told else _typed(document, site, path)
            if found:
                message = f"{key!r} must give true or false, and this gives {found.what}: {found.advice}"
                yield document.types.problem(site, Finding("not-boolean", offset, message, found.builtin))


class _Found(NamedTuple):
    """What a condition gives, and what to do. `builtin`: it is known from a built-in tool."""

    what: str
    advice: str
    builtin: bool = False


def _typed(document: Document, site: Site, path: tuple[str, ...]) -> _Found | None:
    """What stands at a path, by its type, if it is surely neither true nor false."""
    told = document.types.of_path(site, path).without("null")
    if not told.shapes or "boolean" in told.kinds:
        return None
    what = in_words(told)
    words = [value for value in told.values or () if isinstance(value, str)]
    number = "compare it, as in … > 0" if told.kinds <= {"integer", "number"} else ""
    advice = (
        f"compare it, as in … == {words[0]!r}" if words else number or _ADVICE.get(what, _ADVICE["an object or null"])
    )
    return _Found(what, advice, told.builtin)


def _known(path: tuple[str, ...]) -> str:
    """What kind of value stands at a path; empty where only the run knows."""
    name, *rest = path
    if name == "steps":
        return _OF_STEP.get(tuple(rest[1:]), "")
    if len(rest) == 1:
        return _FIELDS.get(name, {}).get(rest[0], "")
    return "an object" if not rest and name in ("inputs", *_FIELDS) else ""
