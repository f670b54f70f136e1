"""Reads a test file: its cases, each with what is given and what is expected, and everything that is wrong in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from planrunner.document.load import find_root, load_document, read_plan
from planrunner.document.loaded import Loaded
from planrunner.document.problem import Problem, in_order
from planrunner.document.script import PARTS
from planrunner.document.shape import Shape, check_shape
from planrunner.document.source import ListNode, MapNode, Node, Source, parse, plain
from planrunner.document.tree import text_of
from planrunner.errors import UsageError
from planrunner.plan import Plan
from planrunner.render.checked import Checked, as_checked
from planrunner.subset import Path
from planrunner.testing.checking import problems_of_case, problems_of_expressions
from planrunner.testing.names import PlanNames
from planrunner.testing.schema import EXPECT, plan_test_schema

MARK: Final = "planrunner_test"
_NO_TESTS: Final = {
    "planrunner": "this is a plan and no test: tests of it begin with {mark}: 1 and stand in a file such as {beside}",
    "planrunner_script": "this is a script and no test: a test begins with {mark}: 1; its cases script what they need",
}
"""The first key of our other files → what to do with one."""
"""The key that a test file begins with."""

_DEEP: Final = {"context": 2}
"""How many levels of a part are merged key by key, where it is not one."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What stands under one key of `expect`."""

    value: Any
    node: Node = field(repr=False)

    def line(self, path: Path = ()) -> int:
        """The line of this part of it, or of what is nearest around."""
        node = self.node
        for key in path:
            inner = _below(node, key)
            if inner is None:
                break
            node = inner
        return node.line


@dataclass(frozen=True, slots=True)
class Case:
    """One case, with what is given to all. Steps are named by their paths.

    line    where it begins
    script  `tools`, `replies` and `answers`
    expect  key → what is expected
    """

    name: str
    line: int
    inputs: Mapping[str, Any]
    context: Mapping[str, Any]
    script: Mapping[str, Mapping[str, Any]]
    expect: Mapping[str, Expectation]


@dataclass(frozen=True, slots=True)
class Suite:
    """A test file: its cases, and the plan they are about; or what is wrong with it, or with that plan."""

    file: str
    plan: Plan | None = None
    names: PlanNames | None = None
    cases: tuple[Case, ...] = ()
    wrong: tuple[Checked, ...] = ()


class Plans:
    """Reads plans, each once."""

    def __init__(self) -> None:
        self._read: dict[str, Loaded] = {}

    def load(self, path: str) -> Loaded:
        """The plan in this file, and what is wrong with it. UsageError when the file can't be read."""
        known = self._read.get(path)
        if known is None:
            known = self._read[path] = load_document(read_plan(path), path, path=path, root=find_root(path))
        return known


def read_suite(text: bytes, name: str, folder: str, plans: Plans) -> Suite:
    """Read a test file. Raises nothing, whatever the text holds.

    name    the file's name as the user gave it; problems say it
    folder  where the file stands; its plan is named from there
    """
    source = parse(text, name)
    root = source.root
    if root is None:
        found = source.problems or (Problem(name, 1, 1, "empty", f"the file is empty: a test begins with {MARK}: 1"),)
        return Suite(name, wrong=(Checked(name, found, source.lines),))
    if isinstance(root, MapNode) and MARK not in root.entries:
        for mark in _NO_TESTS.keys() & root.entries.keys():
            message = _NO_TESTS[mark].format(mark=MARK, beside=f"{os.path.splitext(name)[0]}.test.yml")
            problem = source.problem(root.key(mark), "unknown-key", message)
            return Suite(name, wrong=(Checked(name, (problem,), source.lines),))
    return _Reader(source, check_shape(root, plan_test_schema(), name, "the test file"), folder, plans).suite(root)


class _Reader:
    """One test file on its way to a Suite."""

    def __init__(self, source: Source, shape: Shape, folder: str, plans: Plans) -> None:
        self._source = source
        self._shape = shape
        self._folder = folder
        self._plans = plans
        self._problems = [*source.problems, *shape.problems]
        self._wrong: list[Checked] = []

    def suite(self, root: Node) -> Suite:
        """The cases, or what is wrong."""
        if not isinstance(root, MapNode):
            return self._refused()
        plan = self._plan(root)
        names = None if plan is None else PlanNames(plan)
        listed = root.get("cases")
        cases = [node for node in (listed.items if isinstance(listed, ListNode) else ()) if isinstance(node, MapNode)]
        given = root.get("given")
        self._problems += problems_of_expressions(self._source, self._shape.sites, names)
        for node in (given, *cases):
            if isinstance(node, MapNode):
                self._problems += problems_of_case(self._source, node, names)
        self._problems += _same_names(self._source, cases)
        if self._problems or self._wrong or plan is None or names is None:
            return self._refused()
        return Suite(self._source.name, plan, names, tuple(_case(given, node, names) for node in cases))

    def _refused(self) -> Suite:
        own = [Checked(self._source.name, in_order(self._problems), self._source.lines)] if self._problems else []
        return Suite(self._source.name, wrong=(*own, *self._wrong))

    def _plan(self, root: MapNode) -> Plan | None:
        """The plan that the file names. What is wrong with it is told as its own."""
        node = root.get("plan")
        named = text_of(node)
        if node is None or not named:
            return None
        try:
            loaded = self._plans.load(os.path.normpath(os.path.join(self._folder, named)))
        except UsageError as error:
            self._problems.append(self._source.problem(node, "no-plan", f"{error}: 'plan' is a path from this file"))
            return None
        if any(problem.level == "error" for problem in loaded.problems):
            self._wrong.append(as_checked(loaded))
        return loaded.plan


def _same_names(source: Source, cases: list[MapNode]) -> Iterator[Problem]:
    """Cases that can't be told apart."""
    first: dict[str, int] = {}
    for case in cases:
        node = case.get("name")
        name = text_of(node)
        if node is None or not name:
            continue
        if name in first:
            message = f"the case at line {first[name]} has this name too: give each its own"
            yield source.problem(node, "duplicate-name", message)
        first.setdefault(name, node.line)


def _case(given: Node | None, node: MapNode, names: PlanNames) -> Case:
    """A case of a file without problems."""
    parts = {part: _merged(given, node, part) for part in ("inputs", "context", *PARTS, "expect")}
    return Case(
        name=str(text_of(node.get("name"))),
        line=node.line,
        inputs=_free(plain(parts["inputs"])),
        context=_free(plain(parts["context"])),
        script={part: _by_path(_free(plain(parts[part])), part, names) for part in PARTS},
        expect={
            key: Expectation(plain(entry.value), entry.value)
            for key, entry in parts["expect"].entries.items()
            if key in EXPECT
        },
    )


def _by_path(table: Mapping[str, Any], part: str, names: PlanNames) -> dict[str, Any]:
    """A part of the script, its steps named by their paths."""
    path = {"answers": names.question, "tools": names.tool_or_step}.get(part, names.path)
    return {path(key) or key: value for key, value in table.items()}


def _free(table: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in table.items() if not key.startswith("x-")}


def _merged(given: Node | None, case: MapNode, part: str) -> MapNode:
    own, common = case.get(part), given.get(part) if isinstance(given, MapNode) else None
    empty = MapNode(case.line, case.column)
    return _over(
        common if isinstance(common, MapNode) else empty, own if isinstance(own, MapNode) else empty, _DEEP.get(part, 1)
    )


def _over(below: MapNode, above: MapNode, depth: int) -> MapNode:
    """Both maps as one: a key of the upper hides that of the lower, but for maps within `depth` levels."""
    made = MapNode(above.line, above.column)
    made.entries = {**below.entries, **above.entries}
    for key in below.entries.keys() & above.entries.keys():
        lower, upper = below.entries[key].value, above.entries[key].value
        if depth > 1 and isinstance(lower, MapNode) and isinstance(upper, MapNode):
            made.entries[key] = above.entries[key]._replace(value=_over(lower, upper, depth - 1))
    return made


def _below(node: Node, key: str | int) -> Node | None:
    if isinstance(node, MapNode) and isinstance(key, str):
        return node.get(key)
    if isinstance(node, ListNode) and isinstance(key, int) and key < len(node.items):
        return node.items[key]
    return None
