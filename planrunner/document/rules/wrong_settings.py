"""The settings of a built-in hook are those that it takes: a guard with a typo in them does not guard."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.rules.bad_schema import node_at
from planrunner.document.rules.wrong_args import UNKNOWN
from planrunner.document.source import ListNode, MapNode, Node, plain
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.hooks import RENDERED, SETTINGS
from planrunner.json_schema import compile_schema
from planrunner.jsonsafe import to_json_safe
from planrunner.schema_words import SchemaProblem
from planrunner.template import is_template

_MATCHED = ("step", "effect", "args")
_ESCAPE = "mend it, with a \\ before each sign that is meant as it stands"


def check(document: Document) -> Iterator[Problem]:
    """Every setting in `with` of a built-in hook that it does not have, lacks, or can't use as it is."""
    for binding in document.bindings:
        use = text_of(binding.get("use"))
        settings = binding.get("with") or MapNode(0, 0)
        if use in SETTINGS and isinstance(settings, MapNode):
            for node, message in _wrong(use, binding, settings):
                yield document.problem(node, "wrong-settings", message)


def _wrong(use: str, binding: MapNode, settings: MapNode) -> Iterator[tuple[Node, str]]:
    found = compile_schema(SETTINGS[use]).problems(to_json_safe(plain(settings), "the settings"))
    unknown = [problem for problem in found if problem.message.startswith(UNKNOWN)]
    for problem in found:
        name = str(problem.path[-1])
        if problem.message != "is missing" or not settings.entries:
            yield _place(binding, settings, problem), _said(use, problem)
        elif not any(repr(name) in other.message for other in unknown):
            yield binding.key("with"), _said(use, problem)
    for name, entry in settings.entries.items():
        yield from _as_written(use, name, entry.value)


def _place(binding: MapNode, settings: MapNode, problem: SchemaProblem) -> Node:
    """The wrong setting; the key of one that there is not, and of all of them where one is missing."""
    if problem.message == "is missing" and problem.path[:-1] == ():
        return binding.key("with" if "with" in binding.entries else "use")
    return node_at(settings, problem)


def _said(use: str, problem: SchemaProblem) -> str:
    name = repr(".".join(map(str, problem.path)))
    if problem.message == "is missing":
        return f"the hook {use!r} needs the setting {name}: add it under 'with'"
    if problem.message.startswith(UNKNOWN):
        takes = problem.message.removeprefix(UNKNOWN) or ": it takes none"
        where = f"; which {problem.path[-1]} it is for stands under 'match'" if problem.path[-1] in _MATCHED else ""
        return f"the hook {use!r} has no setting {name}{where or takes}"
    if problem.path[0] == "to":
        return f"the setting 'to' of the hook {use!r} must be end_user or {{role: NAME}}"
    return f"the setting {name} of the hook {use!r} {problem.message}"


def _as_written(use: str, name: str, value: Node) -> Iterator[tuple[Node, str]]:
    """What is neither rendered, though it looks so, nor a regular expression, though it should be."""
    for node in value.items if isinstance(value, ListNode) else [value]:
        text = text_of(node) or ""
        if is_template(text) and name not in RENDERED:
            yield node, f"the setting {name!r} of the hook {use!r} is fixed, and no template: write the value itself"
        elif name == "patterns" and not _is_pattern(text):
            yield node, f"{text!r} is no regular expression, as 'patterns' of the hook {use!r} are: {_ESCAPE}"


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True
