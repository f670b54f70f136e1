"""What a schema can't tell of a test file: names that the plan does not have, and expressions that can't be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from planrunner.document.places import place
from planrunner.document.problem import Problem
from planrunner.document.shape import Site
from planrunner.document.source import ListNode, MapNode, Node, ScalarNode, Source
from planrunner.document.tree import text_of
from planrunner.document.words import listed, near
from planrunner.run_state import FAILED, NOT_STARTED
from planrunner.template import find_problems, references
from planrunner.testing.names import PlanNames

NAMES: Final = ("inputs", "context", "steps", "run", "output", "outputs", "prompts")
"""What expressions under `that` can read."""

_BY_STEP: Final = ("steps", "outputs", "prompts")


def problems_of_expressions(source: Source, sites: Iterable[Site], names: PlanNames | None) -> Iterator[Problem]:
    """What is wrong with the expressions under `that`."""
    for site in sites:
        text = site.node.value
        for found in find_problems(text, bare=True):
            yield _at(source, site, found.offset, "template-syntax", found.message)
        for reference in references(text, bare=True):
            first, *rest = reference.names
            if first not in NAMES:
                known = near(first, NAMES) or f"; known here are {listed(NAMES, 'and')}"
                yield _at(source, site, reference.offset, "unknown-name", f"nothing is called {first!r} here{known}")
            elif first in _BY_STEP and rest and names is not None and names.path(rest[0]) is None:
                yield _at(source, site, reference.offset, "unknown-step", names.no_step(rest[0]))


def _at(source: Source, site: Site, offset: int, code: str, message: str) -> Problem:
    line, column = place(source, site.node, offset)
    return Problem(source.name, line, column, code, message)


def problems_of_case(source: Source, case: MapNode, names: PlanNames | None) -> Iterator[Problem]:
    """Names in a case, or in what is given to all, that the plan does not have; and expectations at odds."""
    expect = case.get("expect")
    if isinstance(expect, MapNode):
        yield from _at_odds(source, expect)
    if names is None:
        return
    for node, code, message in (*_in_script(case, names), *_in_expect(expect, names)):
        yield source.problem(node, code, message)


_Found = tuple[Node, str, str]


def _at_odds(source: Source, expect: MapNode) -> Iterator[Problem]:
    state = expect.get("state")
    if state is not None and "error" in expect.entries and text_of(state) not in (None, FAILED, NOT_STARTED):
        message = f"a run with an error is {FAILED}, or {NOT_STARTED} when it is refused: leave 'state' or 'error' out"
        yield source.problem(state, "at-odds", message)


def _in_script(case: MapNode, names: PlanNames) -> Iterator[_Found]:
    yield from _keys(case.get("replies"), names.path, "unknown-step", names.no_step)
    yield from _keys(case.get("answers"), names.question, "unknown-step", names.no_question)
    yield from _keys(case.get("tools"), names.tool_or_step, "unknown-tool", names.neither)


def _in_expect(expect: Node | None, names: PlanNames) -> Iterator[_Found]:
    if not isinstance(expect, MapNode):
        return
    yield from _keys(expect.get("steps"), names.path, "unknown-step", names.no_step)
    for node in _items(expect.get("tool_calls")):
        yield from _tool(node.get("tool") if isinstance(node, MapNode) else node, names)
    for node in _items(expect.get("never")):
        yield from _tool(node, names)
    for node in _items(expect.get("asked")):
        if isinstance(node, MapNode):
            yield from _step(node.get("id"), names)
            yield from _step(node.get("path"), names)
            yield from _tool(node.get("tool"), names)
        elif isinstance(node, ScalarNode) and isinstance(node.value, str) and names.question(node.value) is None:
            yield node, "unknown-step", names.no_question(node.value)
    error = expect.get("error")
    if isinstance(error, MapNode):
        yield from _step(error.get("step"), names)


def _keys(
    table: Node | None, is_known: Callable[[str], object], code: str, tell: Callable[[str], str]
) -> Iterator[_Found]:
    if isinstance(table, MapNode):
        for name in table.entries:
            if not name.startswith("x-") and not is_known(name):
                yield table.key(name), code, tell(name)


def _items(node: Node | None) -> list[Node]:
    return node.items if isinstance(node, ListNode) else []


def _step(node: Node | None, names: PlanNames) -> Iterator[_Found]:
    name = text_of(node)
    if node is not None and name and names.path(name) is None:
        yield node, "unknown-step", names.no_step(name)


def _tool(node: Node | None, names: PlanNames) -> Iterator[_Found]:
    name = text_of(node)
    if node is not None and name and not names.is_tool(name):
        yield node, "unknown-tool", names.no_tool(name)
