"""The answer that counts when nobody gives one is one that could be given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planrunner.document.problem import Problem
from planrunner.document.rules.bad_schema import node_at
from planrunner.document.tree import ListNode, MapNode, Node, plain
from planrunner.document.view import Document
from planrunner.document.words import listed, near
from planrunner.errors import SchemaError
from planrunner.json_schema import compile_schema, short_form
from planrunner.jsonsafe import to_json_safe
from planrunner.schema_words import shown
from planrunner.template import is_template

_SHOWN = 12


def check(document: Document) -> Iterator[Problem]:
    """Every `on_timeout: {answer: …}` that the options, the form or the schema of its question refuse."""
    for step in document.steps:
        asked = step.node.get("clarify")
        late = asked.get("on_timeout") if isinstance(asked, MapNode) else None
        answer = late.get("answer") if isinstance(late, MapNode) else None
        if isinstance(asked, MapNode) and answer is not None:
            for node, message in _wrong(asked, answer):
                yield document.problem(node, "wrong-answer", message)


def _wrong(asked: MapNode, answer: Node) -> Iterator[tuple[Node, str]]:
    value, options = plain(answer), asked.get("options")
    if isinstance(options, ListNode):
        known = plain(options)
        if not any(is_template(str(option)) for option in known) and not _is_one_of(value, known):
            words = [option for option in known if isinstance(option, str)]
            advice = near(value, words) if isinstance(value, str) else ""
            yield answer, f"{shown(value)} is none of the options: {listed(map(shown, known[:_SHOWN]), 'or')}{advice}"
        return
    schema = _schema(plain(asked.get("fields")), plain(asked.get("schema")))
    try:
        found = [] if schema is None else compile_schema(schema).problems(to_json_safe(value, "the answer"))
    except SchemaError:  # told as such
        return
    for problem in found:
        where = f"{'.'.join(map(str, problem.path))}: " if problem.path else "it "
        yield node_at(answer, problem), f"nobody could give this answer: {where}{problem.message}"


def _schema(fields: Any, schema: Any) -> Mapping[str, Any] | bool | None:
    if isinstance(fields, dict):
        return short_form({name: each for name, each in fields.items() if not name.startswith("x-")})
    return schema if isinstance(schema, dict | bool) else None


def _is_one_of(value: Any, known: list[Any]) -> bool:
    return any(value == each and type(value) is type(each) for each in known)
