"""What a loop goes through, and what a question offers, is a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planrunner.document.complaints import Finding, in_words
from planrunner.document.problem import Problem
from planrunner.document.shape import Site
from planrunner.document.tree import MapNode, ScalarNode
from planrunner.document.view import Document
from planrunner.template import plain_path

_ENDS: Final = {("foreach", "in"): "'in'", ("clarify", "options"): "'options'"}
_ADVICE: Final = {
    "an object": ": go through its pairs, as in … | items",
    **dict.fromkeys(("a number", "a whole number"), ": count up to it, as in range(…)"),
}
_LIST: Final = ": write the list itself, as in ['a', 'b'], or read one that an input or a step gives"
_FROM_TASK: Final = ": a list comes of a task with 'returns', as in returns: {list: {type: array}}"


def check(document: Document) -> Iterator[Problem]:
    """Every `foreach.in`, and every `options` that is a template, which surely gives something else."""
    for step in document.steps:
        loop = step.node.get("foreach")
        node = loop.get("in") if isinstance(loop, MapNode) else None
        if isinstance(node, ScalarNode) and isinstance(node.value, bool):
            yield document.problem(
                node, "not-a-list", f"'in' must give a list, and this gives {str(node.value).lower()}{_LIST}"
            )
    for site in document.readable:
        what = _ENDS.get((str(site.path[-2]), str(site.path[-1]))) if len(site.path) > 1 else None
        if what is not None:
            yield from _wrong(document, site, what)


def _wrong(document: Document, site: Site, what: str) -> Iterator[Problem]:
    told = document.types.at(site).type.without("null")
    if told.shapes and "array" not in told.kinds:
        given = in_words(told)
        path = plain_path(site.node.value, site.bare) or ()
        from_task = given == "text" and path[:1] == ("steps",) and path[2:] == ("output",)
        advice = _FROM_TASK if from_task else _ADVICE.get(given, _LIST)
        message = f"{what} must give a list, and this gives {given}{advice}"
        yield document.types.problem(site, Finding("not-a-list", 0, message, told.builtin))
