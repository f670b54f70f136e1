"""The plans that run inside of a plan: found, read and checked with it, each once, and never inside of themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final, NamedTuple

from planrunner.document.beside import Beside
from planrunner.document.file_names import UnreadableFileError, joined, plan_of
from planrunner.document.finals import final_of
from planrunner.document.loaded import Loaded
from planrunner.document.problem import MAX_PROBLEMS, Problem
from planrunner.document.prompts import Shelf
from planrunner.document.source import MAX_BYTES, MAX_NODES, MapNode, ScalarNode, Source, parse
from planrunner.document.tree import text_of
from planrunner.document.types import Type
from planrunner.document.view import MAX_READING, Document, Nesting
from planrunner.plan import Handed, Plan
from planrunner.settings import Settings

MAX_DEPTH: Final = 20
"""So deep may plans run inside of each other, below the one at the top."""
MAX_SUBPLANS: Final = 200
"""So many plan files are read below one plan. Together they may be as large as one plan may be."""
MAX_RUNS: Final = 10_000
"""So many plans may run inside of one, each counted as often as it is named."""

_OTHERS: Final = {"planrunner_script": "a script", "planrunner_test": "a test"}
_BEYOND: Final = (
    f"are more than {MAX_SUBPLANS}",
    f"hold more than {MAX_BYTES // 1024 // 1024} MiB",
    f"hold more than {MAX_NODES:,} values",
)


@dataclass(frozen=True, slots=True)
class Subplans:
    """The sub-plans of one plan.

    plans     what stands under the verb → the plan, for those that are valid
    finals    the same → the type of what a run of it ends with
    files     name → text of all their files, as seen from the folder of this plan
    problems  what is wrong with naming them, told in this plan
    told      what is wrong in them, told in their own files
    sources   these files
    """

    plans: dict[str, Plan]
    finals: dict[str, Callable[[], Type]]
    files: dict[str, str]
    problems: tuple[Problem, ...]
    told: tuple[Problem, ...]
    sources: tuple[Source, ...]


class _Size(NamedTuple):
    """How many plans run when a plan runs, itself included; how many levels they make."""

    runs: int
    height: int


class _Refusal(NamedTuple):
    """Why a plan can't be run here: the code and the message of a problem."""

    code: str
    message: str


class _RefusedError(Exception):
    """What is told of a plan further up, whose name in the snapshot is `at`: what stands below is not looked at."""

    def __init__(self, at: str, code: str, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.refusal = _Refusal(code, message)


@dataclass(frozen=True, slots=True)
class Branch:
    """Where one stands among plans that run inside of each other: their names in the snapshot, from the top down."""

    tree: Tree
    names: tuple[str, ...]

    @property
    def own(self) -> str:
        """The plan that is being read."""
        return self.names[-1]

    @property
    def reading(self) -> int:
        """How much of its templates may be read: the plan at the top has as much as all others together."""
        return self.tree.reading if len(self.names) > 1 else MAX_READING

    def has_read(self, document: Document) -> None:
        """Count what was read of the plan's templates, and keep what the plan around it may ask."""
        if len(self.names) > 1:
            self.tree.reading = document.reading_left
            self.tree.finals[self.own] = cache(partial(final_of, document))

    def has_checked(self, document: Document) -> None:
        """Let go of what was worked out of it, unless the plan around it may ask."""
        if len(self.names) == 1:
            document.let_go()


Check = Callable[[Source, bytes, str | None, Branch], Loaded]
"""Checks a plan that was read: its tree, its bytes, where it stands on disk, where it stands among the plans."""


class Tree:
    """All plans below one at the top.

    root    the project root
    shelf   the prompt files of all
    finals  of each plan by its name in the snapshot: the type of what a run of it ends with
    nesting  shared by their types
    handed  of a plan that a planner wrote: what it may name
    settings  of the project: all are held against their policy
    """

    def __init__(
        self,
        beside: Beside,
        root: str,
        check: Check,
        handed: Handed | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.root = root
        self.handed = handed
        self.settings = settings
        self.shelf = Shelf(beside)
        self.reading = MAX_READING
        self.finals: dict[str, Callable[[], Type]] = {}
        self.nesting = Nesting()
        self._beside = beside
        self._check = check
        self._known: dict[str, Loaded] = {}
        self._sizes: dict[int, _Size] = {}
        self._left = [MAX_SUBPLANS, MAX_BYTES, MAX_NODES]

    def take(self, name: str, names: tuple[str, ...]) -> Loaded:
        """The plan of this name in the snapshot, for the last of the `names`.

        UnreadableFileError when there is no plan under it, _RefusedError when it can't run there.
        """
        self._refuse_circle(name, names)
        if name not in self._known:
            self._refuse_depth(name, names, 1)
            self._known[name] = self._read(name, names)
        known = self._known[name]
        self._refuse_depth(name, names, self.size(known.plan).height)
        return known

    def size(self, plan: Plan | None) -> _Size:
        """The size of a plan that was taken."""
        return _Size(1, 1) if plan is None else self._sizes[id(plan)]

    def _read(self, name: str, names: tuple[str, ...]) -> Loaded:
        self._refuse_more(name, names)
        content = self._beside.read(name, MAX_BYTES, names[-1])
        source = parse(content, self._beside.shown(name))
        values = len(content) // 2 if source.root is None else source.root.size
        self._left = [left - used for left, used in zip(self._left, (1, len(content), values), strict=True)]
        other = _no_plan(source)
        if other is not None:
            raise UnreadableFileError(other)
        if source.root is not None:
            self._refuse_more(name, names)
        loaded = self._check(source, content, self._beside.place(name), Branch(self, (*names, name)))
        if loaded.plan is not None:
            inner = [self._sizes[id(plan)] for plan in loaded.plan.subplans.values()]
            height = max((size.height for size in inner), default=0)
            self._sizes[id(loaded.plan)] = _Size(1 + sum(size.runs for size in inner), 1 + height)
        return replace(
            loaded, source=replace(loaded.source, root=None)
        )  # the tree is large, and nobody needs it any more

    def _refuse_more(self, name: str, names: tuple[str, ...]) -> None:
        for left, beyond in zip(self._left, _BEYOND, strict=True):
            if left < 0:
                message = f"the plans inside of this one {beyond}, from {self._beside.shown(name)} on: split it"
                raise _RefusedError(names[0], "subplan-limit", message)

    def _refuse_circle(self, name: str, names: tuple[str, ...]) -> None:
        place = self._place(name)
        for index, outer in enumerate(names):
            if self._place(outer) == place:
                way = self._way((*names[index:], outer))
                message = f"a plan can't run inside itself: {way}; take one of these steps out"
                raise _RefusedError(outer, "subplan-cycle", message)

    def _refuse_depth(self, name: str, names: tuple[str, ...], height: int) -> None:
        if len(names) + height - 1 > MAX_DEPTH:
            message = f"plans run more than {MAX_DEPTH} deep inside of each other, along {self._way((*names, name))}"
            raise _RefusedError(names[0], "subplan-limit", f"{message}: make fewer plans of them")

    def _place(self, name: str) -> str:
        return self._beside.place(name) or name

    def _way(self, names: tuple[str, ...]) -> str:
        return " → ".join(map(self._beside.shown, names))


def _no_plan(source: Source) -> str | None:
    """What a file is that is no plan; None for a plan, right or wrong."""
    root, name = source.root, repr(source.name)
    if root is None and source.problems:
        wrong = source.problems[0]
        is_plan = "planrunner" in source.text
        return None if is_plan else f"{source.name}:{wrong.line}:{wrong.column}: {wrong.message}"
    if root is None:
        return f"{name} is empty: write the plan into it"
    keys = root.entries if isinstance(root, MapNode) else {}
    if "planrunner" in keys:
        return None
    other = next((what for key, what in _OTHERS.items() if key in keys), None)
    if other is not None:
        return f"{name} is {other} and no plan: name the plan's own file"
    return f"{name} is no plan: a plan is a YAML file with `planrunner: 1` at the top"


def read_subplans(document: Document, found: list[Problem], branch: Branch) -> Subplans:
    """Read and check every plan that a plan names. Raises nothing but the refusals for plans further up.

    found  the problems found so far: a name that is wrong as such leads nowhere
    """
    reading = _Reading(branch)
    told = {problem.place for problem in found}
    for node in _named(document):
        if (document.source.name, node.line, node.column) not in told:
            refusal = reading.take(node.value)
            reading.problems += [] if refusal is None else [document.problem(node, *refusal)]
        if len(reading.problems) > MAX_PROBLEMS:
            break
    return reading.done()


def _named(document: Document) -> Iterator[ScalarNode]:
    """What stands under the verb, in file order. For a plan that a planner wrote no file is read."""
    for step in document.steps if document.handed is None else ():
        node = step.node.get("plan") if step.verb == "plan" else None
        if isinstance(node, ScalarNode) and text_of(node):
            yield node


class _Reading:
    """The sub-plans of one plan, as they are read."""

    def __init__(self, branch: Branch) -> None:
        self.problems: list[Problem] = []
        self._branch = branch
        self._refusals: dict[str, _Refusal | None] = {}
        self._taken: dict[str, Loaded] = {}
        self._plans: dict[str, Plan] = {}
        self._finals: dict[str, Callable[[], Type]] = {}
        self._runs = 1

    def take(self, written: str) -> _Refusal | None:
        """Why the plan that is named so can't be run; None when it can."""
        if written not in self._refusals:
            self._refusals[written] = self._try(written)
        return self._refusals[written]

    def _try(self, written: str) -> _Refusal | None:
        branch = self._branch
        try:
            name = plan_of(written)
            whole = joined(branch.own, name)
            loaded = branch.tree.take(whole, branch.names)
        except UnreadableFileError as error:
            return _Refusal("subplan-file", str(error))
        except _RefusedError as error:
            if error.at != branch.own:
                raise
            return error.refusal
        self._taken[name] = loaded
        if loaded.plan is None:
            shown = loaded.source.name
            return _Refusal("subplan-invalid", f"the plan {shown} is not valid: mend what is told of it first")
        self._runs += branch.tree.size(loaded.plan).runs
        if self._runs > MAX_RUNS:
            most = f"more than {MAX_RUNS:,} plans would run inside of this one, counted as often as they are named"
            return _Refusal("subplan-limit", f"{most}: name fewer")
        self._plans[written] = loaded.plan
        self._finals[written] = branch.tree.finals[whole]
        return None

    def done(self) -> Subplans:
        """Everything together, each file and each problem once."""
        taken = self._taken.values()
        files: dict[str, str] = {}
        for name, loaded in self._taken.items():
            for inner, text in loaded.plan.files.items() if loaded.plan is not None else ():
                files.setdefault(joined(name, inner), text)
        return Subplans(
            plans=self._plans,
            finals=self._finals,
            files=files,
            problems=tuple(self.problems),
            told=tuple(dict.fromkeys(problem for loaded in taken for problem in loaded.problems)),
            sources=tuple({source.name: source for loaded in taken for source in _sources(loaded)}.values()),
        )


def _sources(loaded: Loaded) -> tuple[Source, ...]:
    return loaded.source, *loaded.prompts, *loaded.subplans
