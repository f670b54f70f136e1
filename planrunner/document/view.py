"""A plan as the rules see it: its lists of steps, who stands where, and every template with its references.

All of it bears with files that are wrong elsewhere: a rule looks at what is there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from planrunner.document.order import Order
from planrunner.document.places import place
from planrunner.document.problem import Level, Problem
from planrunner.document.shape import Path, SchemaSite, Site
from planrunner.document.source import Entry, ListNode, MapNode, Node, ScalarNode, Source
from planrunner.document.tree import text_of
from planrunner.plan import NOTHING, Handed, ModelAlias, Plan
from planrunner.policy import NO_POLICY, Policy
from planrunner.steps import VERBS
from planrunner.template import Reference, TemplateProblem, find_problems, references

if TYPE_CHECKING:
    from planrunner.document.typed import Types
    from planrunner.document.types import Type

MAX_READING: Final = 1_500_000
"""So much is read of the templates of one plan, in characters; each begins with READING_ONE of them.

All its sub-plans together may have as much again.
"""
_TAG: Final = re.compile(r"\{[{%].*?(?:[}%]\}|\Z)", re.DOTALL)
READING_ONE: Final = 300
READING_INSIDE: Final = 7
"""What a character counts for inside of a tag, and in an expression."""
READING_AGAIN: Final = 40
"""What each reference of a text counts for where that text stands again."""
MAX_BINDINGS: Final = 200
MAX_GLOBS: Final = 100
"""So many hooks may a plan bind, with so many globs in them that have a wildcard."""
_OF_TREE: Final = ("lists", "steps", "by_id", "_by_path")
"""The views that depend on the tree alone."""
_WILD: Final = re.compile(r"[*?\[]")


@dataclass(eq=False, slots=True)
class StepView:
    """One step. `id` is None when it has none that is text, `verb` when it has none or two."""

    node: MapNode
    path: Path
    within: StepList
    index: int
    id: ScalarNode | None
    verb: str | None
    lists: tuple[StepList, ...] = ()

    @property
    def name(self) -> str:
        """The id as text; empty when there is none."""
        return "" if self.id is None else str(self.id.value)

    def needs(self) -> list[ScalarNode] | None:
        """The texts under `needs`; None when the key is absent."""
        node = self.node.get("needs")
        if not isinstance(node, ListNode):
            return None
        return [item for item in node.items if isinstance(item, ScalarNode) and isinstance(item.value, str)]


@dataclass(eq=False)
class StepList:
    """A list of steps. `role` is `steps`, `finally`, `case`, `group` or `on_error`; `owner` the step it stands in."""

    role: str
    path: Path
    owner: StepView | None
    steps: list[StepView] = field(default_factory=list)

    @cached_property
    def places(self) -> dict[str, int]:
        """Id → index of the first step that has it."""
        found: dict[str, int] = {}
        for step in self.steps:
            found.setdefault(step.name, step.index)
        return found

    @cached_property
    def order(self) -> Order:
        """In which order its steps end."""
        return Order([_places(step.needs(), self.places) for step in self.steps])


def _places(needs: list[ScalarNode] | None, places: dict[str, int]) -> set[int] | None:
    return None if needs is None else {places[node.value] for node in needs if node.value in places}


@dataclass(slots=True)
class Nesting:
    """How deep one stands in values that are computed from values; one for all plans that are read together."""

    depth: int = 0


class _Read(NamedTuple):
    """What the template language says of one text."""

    problems: list[TemplateProblem]
    references: list[Reference]


def _globs(node: MapNode) -> Iterator[str]:
    """The globs with a wildcard under the keys of a binding's map."""
    for value in (entry.value for entry in node.entries.values()):
        for item in value.items if isinstance(value, ListNode) else [value]:
            text = text_of(item)
            if text is not None and _WILD.search(text):
                yield text


def cost(text: str, bare: bool) -> int:
    """What the reading of a text costs, in characters of MAX_READING."""
    inside = len(text) if bare else sum(tag.end() - tag.start() for tag in _TAG.finditer(text))
    return READING_ONE + len(text) + (READING_INSIDE - 1) * inside


def _read(text: str, bare: bool) -> _Read:
    problems = find_problems(text, bare=bare)
    return _Read(problems, [] if problems else references(text, bare=bare))


@dataclass(frozen=True)
class Document:
    """A plan file, its tree, what the walk over its shape gathered, and the templates of its prompt files.

    handed    of a plan that a planner wrote: what it was handed
    subplans  the valid ones among its sub-plans, by what stands under the verb `plan`
    finals    of these, by the same: the type of what a run of it ends with
    reading   how much may be read of its templates
    policy    what it is held against, whatever it says itself
    aliases   models of the project, which it may name
    """

    source: Source
    root: MapNode
    sites: tuple[Site, ...]
    schemas: tuple[SchemaSite, ...] = ()
    handed: Handed | None = None
    subplans: Mapping[str, Plan] = NOTHING
    finals: Mapping[str, Callable[[], Type]] = NOTHING
    reading: int = MAX_READING
    policy: Policy = NO_POLICY
    aliases: Mapping[str, ModelAlias] = NOTHING
    nesting: Nesting = field(default_factory=Nesting)

    @cached_property
    def lists(self) -> tuple[StepList, ...]:
        """The top-level lists: `steps` and `finally`, as far as they are there."""
        found = ((key, self.root.get(key)) for key in ("steps", "finally"))
        return tuple(_list(key, node, (key,), None) for key, node in found if isinstance(node, ListNode))

    @cached_property
    def steps(self) -> tuple[StepView, ...]:
        """Every step, in file order."""
        return tuple(_walk(self.lists))

    @cached_property
    def by_id(self) -> dict[str, StepView]:
        """The first step of each id."""
        found: dict[str, StepView] = {}
        for step in self.steps:
            found.setdefault(step.name, step)
        return found

    @cached_property
    def _by_path(self) -> dict[Path, StepView]:
        return {step.path: step for step in self.steps}

    def step_at(self, path: Path) -> StepView | None:
        """The innermost step around this place."""
        if path not in self._around:
            parts = (path[:end] for end in range(len(path), 1, -1))
            self._around[path] = next((self._by_path[part] for part in parts if part in self._by_path), None)
        return self._around[path]

    @cached_property
    def _around(self) -> dict[Path, StepView | None]:
        """What was found by `step_at`: every rule asks about the same places."""
        return {}

    def table(self, key: str) -> MapNode:
        """A top-level map, empty when it is absent or of another shape."""
        node = self.root.get(key)
        return node if isinstance(node, MapNode) else MapNode(0, 0)

    def named(self, key: str) -> dict[str, Entry]:
        """The entries of a top-level table by name; keys that begin with x- are no names."""
        return {name: entry for name, entry in self.table(key).entries.items() if not name.startswith("x-")}

    @cached_property
    def declared_secrets(self) -> dict[str, None]:
        """The names in the list `secrets`; an empty one for an item that is no name."""
        node = self.root.get("secrets")
        return dict.fromkeys(text_of(item) or "" for item in node.items) if isinstance(node, ListNode) else {}

    @cached_property
    def bound(self) -> tuple[tuple[str, MapNode], ...]:
        """Every binding in `hooks`, with the point at which it stands."""
        listed = ((point, entry.value) for point, entry in self.table("hooks").entries.items())
        items = ((point, node.items if isinstance(node, ListNode) else [node]) for point, node in listed)
        return tuple((point, item) for point, each in items for item in each if isinstance(item, MapNode))

    @cached_property
    def bindings(self) -> tuple[MapNode, ...]:
        """The same without the points."""
        return tuple(binding for _, binding in self.bound)

    @cached_property
    def has_few_hooks(self) -> bool:
        """Whether there are no more of them than every call can be held against."""
        if len(self.bindings) > MAX_BINDINGS:
            return False
        maps = (binding.get(key) for binding in self.bindings for key in ("match", "with"))
        wild = (text for node in maps if isinstance(node, MapNode) for text in _globs(node))
        return sum(1 for _ in islice(wild, MAX_GLOBS + 1)) <= MAX_GLOBS

    def tells(self, key: str) -> bool:
        """Whether a top-level table can be relied on: it is absent, or a map. What is broken is told as such."""
        return isinstance(self.root.get(key), MapNode) or key not in self.root.entries

    @cached_property
    def _reading(self) -> tuple[list[_Read], int]:
        """What stands in the templates, in the order of the sites, as far as they are read; and what is left to read.

        A text that stands in many places is read once; what it refers to is looked at for each of them.
        """
        known: dict[tuple[str, bool], _Read] = {}
        read: list[_Read] = []
        left = self.reading
        for site in self.sites:
            text = (site.node.value, site.bare)
            left -= READING_AGAIN * len(known[text].references) if text in known else cost(*text)
            if left < 0:
                break
            if text not in known:
                known[text] = _read(*text)
            read.append(known[text])
        return read, max(0, left)

    @property
    def _read(self) -> list[_Read]:
        return self._reading[0]

    @property
    def reading_left(self) -> int:
        """How much of what may be read was not needed."""
        return self._reading[1]

    @property
    def template_problems(self) -> Iterator[tuple[Site, TemplateProblem]]:
        """What is wrong with the templates as such."""
        for site, read in zip(self.sites, self._read, strict=False):
            for found in read.problems:
                yield site, found

    @property
    def references(self) -> Iterator[tuple[Site, Reference]]:
        """Every name that a template or expression reads, with its path."""
        for site, read in zip(self.sites, self._read, strict=False):
            for found in read.references:
                yield site, found

    @property
    def read_sites(self) -> Iterator[tuple[Site, list[Reference]]]:
        """Every template and expression that was looked at, with all that it reads."""
        return ((site, read.references) for site, read in zip(self.sites, self._read, strict=False))

    @property
    def readable(self) -> Iterator[Site]:
        """The templates and expressions that were looked at and are right."""
        return (site for site, read in zip(self.sites, self._read, strict=False) if not read.problems)

    def first_unread(self) -> Site | None:
        """The first template that is not looked at, because so much stands before it."""
        return next(iter(self.sites[len(self._read) :]), None)

    @cached_property
    def types(self) -> Types:
        """What is known of the values in the plan."""
        from planrunner.document.typed import Types

        return Types(self)

    @cached_property
    def _uses(self) -> Counter[str]:
        return Counter(site.file.name for site in self.sites if site.file)

    def use(self, site: Site) -> str:
        """Which use of a prompt file is meant, where it has several: ` (as task of the step 'b')`."""
        if site.file is None or self._uses[site.file.name] < 2:
            return ""
        step = self.step_at(site.path)
        owner = f"the agent {site.path[1]!r}" if step is None else f"the step {step.name!r}"
        return f" (as {site.path[-1]} of {owner})"

    def knowing(self, **more: Any) -> Document:
        """The same with other values of these fields, and with the views of the tree that were made already."""
        other = replace(self, **more)
        vars(other).update((name, view) for name, view in vars(self).items() if name in _OF_TREE)
        return other

    def let_go(self) -> None:
        """Forget what was worked out: it refers to itself in circles, and would wait for the garbage collector, which
        takes a tenth of the time of a check. Whoever asks again has it worked out again; the steps and types that were
        handed out before are of no use any more, nor are those of the Document that this was made from (`knowing`).
        """
        known = vars(self)
        for step in known.get("steps", ()):
            step.within.steps.clear()
        if "types" in known:
            vars(known["types"]).clear()
        for name in known.keys() - self.__dataclass_fields__.keys():
            del known[name]

    def problem(self, node: Node, code: str, message: str, level: Level = "error") -> Problem:
        """A problem at a node of the plan file."""
        return self.source.problem(node, code, message, level)

    def problem_at(self, site: Site, code: str, message: str) -> Problem:
        """A problem with a whole text."""
        return (site.file or self.source).problem(site.node, code, message)

    def problem_in(self, site: Site, offset: int, code: str, message: str, level: Level = "error") -> Problem:
        """A problem inside a text."""
        source = site.file or self.source
        line, column = place(source, site.node, offset)
        return Problem(source.name, line, column, code, message, level)


def _list(role: str, node: ListNode, path: Path, owner: StepView | None) -> StepList:
    made = StepList(role, path, owner)
    for index, item in enumerate(node.items):
        if isinstance(item, MapNode):
            made.steps.append(_step(item, (*path, index), made, len(made.steps)))
    return made


def _step(node: MapNode, path: Path, parent: StepList, index: int) -> StepView:
    id_node = node.get("id")
    verbs = [key for key in node.entries if key in VERBS]
    step = StepView(
        node=node,
        path=path,
        within=parent,
        index=index,
        id=id_node if isinstance(id_node, ScalarNode) and text_of(id_node) else None,
        verb=verbs[0] if len(verbs) == 1 else None,
    )
    step.lists = tuple(_inner(step))
    return step


def _inner(step: StepView) -> Iterator[StepList]:
    """The lists inside a step, in file order of their kinds."""
    group = step.node.get("steps")
    if isinstance(group, ListNode):
        yield _list("group", group, (*step.path, "steps"), step)
    for key, role in (("switch", "case"), ("on_error", "on_error")):
        cases = step.node.get(key)
        for index, case in enumerate(cases.items if isinstance(cases, ListNode) else ()):
            steps = case.get("steps") if isinstance(case, MapNode) else None
            if isinstance(steps, ListNode):
                yield _list(role, steps, (*step.path, key, index, "steps"), step)


def _walk(lists: tuple[StepList, ...]) -> Iterator[StepView]:
    for one in lists:
        for step in one.steps:
            yield step
            yield from _walk(step.lists)
