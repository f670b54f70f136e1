"""A path in a template begins with a name that has a meaning at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from planrunner.document.hints import NAMES
from planrunner.document.later import NOT_YET, TOP, not_yet
from planrunner.document.problem import Problem
from planrunner.document.rules.scope import around
from planrunner.document.shape import Path, Site
from planrunner.document.source import ListNode, MapNode, ScalarNode
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.document.words import near
from planrunner.template import Reference

_EVERYWHERE: Final = ("inputs", "context", "steps", "run", "secrets")
_CALL: Final = ("step", "tool", "args")
_IN_HOOKS: Final[dict[str, tuple[str, ...]]] = {
    "before_plan_run": (),
    "after_plan_run": ("output",),
    "before_step_execution": ("step",),
    "after_step_execution": ("step", "output"),
    "before_tool_call": _CALL,
    "after_tool_call": (*_CALL, "output"),
}
"""Hook point → what is known there beside the rest."""
_JOINED: Final = re.compile(r"(?<![\w-])([A-Za-z]\w*-)(?:\w+-)*$")
"""What stands before a name that is joined to it by a hyphen."""
_NEAR: Final = 100
"""So many characters before a name are looked at."""
_BROKEN: Final = ""
"""Stands for the name of an item that can't be read: any name could be it."""
_FIELDS: Final = {
    "run": ("id", "started_at", "state", "error"),
    "error": ("kind", "message"),
    "loop": ("index", "index0"),
}
_FIELDS_IN_HOOKS: Final = {"run": _FIELDS["run"], "tool": ("id",), "step": ("id",)}


def check(document: Document) -> Iterator[Problem]:
    """Every first word that nothing gives a value, and every field that such a name does not have.

    Which names there are depends on where a text stands: one that stands in several places is told of once.
    """
    told: set[tuple[ScalarNode, int]] = set()
    for site, reference in document.references:
        place = (site.node, reference.offset)
        message = None if place in told else _wrong(document, site, reference)
        if message:
            told.add(place)
            yield document.problem_in(site, reference.offset, "unknown-name", message + document.use(site))


def _wrong(document: Document, site: Site, reference: Reference) -> str | None:
    name, *rest = reference.names
    known = names_at(document, site.path)
    if name not in known:
        if _BROKEN in known:
            return None
        if joined := _JOINED.search(site.node.value, max(0, reference.offset - _NEAR), reference.offset):
            return f"a - in a name is read as minus: no {joined[1] + name!r} is known; names have _ here"
        return _unknown(str(name), document, known) + _or_text(str(name), document, rest)
    if name == "secrets" and rest:
        return _undeclared_secret(str(rest[0]), document)
    fields = (_FIELDS_IN_HOOKS if site.path[0] == "hooks" else _FIELDS).get(str(name))
    if fields and rest and rest[0] not in fields and name not in _items(document, site.path):
        return f"{name!r} has no {str(rest[0])!r}{near(str(rest[0]), fields)}; it has {', '.join(fields)}"
    return None


def names_at(document: Document, path: Path) -> tuple[str, ...]:
    """The first words that have a meaning at this place."""
    if path[:1] == ("hooks",):
        return (*_EVERYWHERE, *_IN_HOOKS.get(str(path[1]), ()))
    if path[:1] == ("models",):
        return ("secrets",)
    return (*_EVERYWHERE, *_items(document, path), *_of_step(document, path))


def _of_step(document: Document, path: Path) -> Iterator[str]:
    step = document.step_at(path)
    for current in around(step) if step else ():
        inside = path[len(current.path) :]
        if "foreach" in current.node.entries and inside[:1] not in (("when",), ("foreach",)):
            yield "loop"
        if "repeat" in current.node.entries and inside[:1] not in (("when",), ("foreach",)):
            yield "previous"
        if inside[:1] == ("on_error",):
            yield "error"


def _items(document: Document, path: Path) -> Iterator[str]:
    """What the items of the loops around this place are called."""
    step = document.step_at(path)
    for current in around(step) if step else ():
        if "foreach" not in current.node.entries or path[len(current.path) :][:1] in (("when",), ("foreach",)):
            continue
        loop = current.node.get("foreach")
        if not isinstance(loop, MapNode):
            yield _BROKEN
        else:
            yield (text_of(loop.get("as")) or _BROKEN) if "as" in loop.entries else "item"


def _unknown(name: str, document: Document, known: tuple[str, ...]) -> str:
    if known == ("secrets",):
        return f"only secrets can be read here, and no {name!r}: write the value itself"
    if name in document.by_id:
        return f"nothing is called {name!r} here; a step's output is read as steps.{name}.output"
    for table in ("inputs",):
        if name in document.named(table):
            return f"nothing is called {name!r} here; did you mean {table}.{name}?"
    contract = document.table("context").get("additional_data")
    if isinstance(contract, MapNode) and name in contract.entries:
        return f"nothing is called {name!r} here; did you mean context.additional_data.{name}?"
    if name in NAMES:
        return f"nothing is called {name!r} here: {NAMES[name]}{not_yet(NAMES[name], 'step')}"
    shown = [word for word in dict.fromkeys(known) if word not in TOP or word in document.root.entries]
    advice = near(name, shown) or f"; known here are {', '.join(shown)}"
    return f"nothing is called {name!r} here{advice}"


def _or_text(name: str, document: Document, rest: Sequence[str | int]) -> str:
    """A word that stands alone may be meant as a text."""
    contract = document.table("context").get("additional_data")
    known = isinstance(contract, MapNode) and name in contract.entries
    if rest or known or name in NAMES or name in document.by_id or name in document.named("inputs"):
        return ""
    return f" (a text stands in quotes: {name!r})"


def _undeclared_secret(name: str, document: Document) -> str | None:
    node = document.root.get("secrets")
    if node is not None and not isinstance(node, ListNode):
        return None
    declared = document.declared_secrets
    if name in declared or "" in declared:
        return None
    return f"the plan names no secret {name!r}{near(name, declared) or f'; a secret {NOT_YET}'}"
