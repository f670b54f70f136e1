"""From a plan file to a Plan: reads, checks, builds. The value and all problems come back together."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Final

from planrunner.document import planned
from planrunner.document.beside import Beside, OnDisk
from planrunner.document.build import build
from planrunner.document.file_names import base_name
from planrunner.document.hidden import hide
from planrunner.document.loaded import Loaded
from planrunner.document.problem import MAX_PROBLEMS, Problem, in_order
from planrunner.document.prompts import read_prompts, with_texts
from planrunner.document.rules import RULES
from planrunner.document.rules.key_in_plan import written_keys
from planrunner.document.rules.unapproved import approves_inside, unapproved_calls
from planrunner.document.schema import plan_schema
from planrunner.document.shape import check_shape
from planrunner.document.source import MAX_BYTES, MapNode, Source, parse, plain
from planrunner.document.subplans import Branch, Tree, read_subplans
from planrunner.document.view import Document
from planrunner.errors import InvalidPlanError, UsageError
from planrunner.plan import Handed, Plan, UnapprovedCall
from planrunner.registry import load as load_named
from planrunner.registry import split_package
from planrunner.settings import Settings

_MARKS: Final = ("planrunner.toml", ".git")
_NO_PLANS: Final = {
    "planrunner_script": "this is a script and no plan: hand it to the run of a plan, planrunner run PLAN --script",
    "planrunner_test": "this is a plan test and no plan: run it with planrunner test",
}
"""The first key of our other files → what to do with one; its name follows."""
_ABOUT_BUILTIN: Final = frozenset({"wrong-args", "lowered-effect"})
"""What is told of built-in tools, in whose place the Python caller may put others."""
UNAPPROVED: Final = "unapproved"
_LEFT_TO_THE_RUNNER: Final = frozenset({"unknown-tool", UNAPPROVED}) | _ABOUT_BUILTIN
"""A tool that the file does not explain may be the Python caller's own, and so may be the hook that has calls approved:
the Runner refuses the plan if they are not."""


def load_document(
    text: bytes,
    name: str,
    *,
    path: str | None,
    root: str,
    beside: Beside | None = None,
    handed: Handed | None = None,
    settings: Settings | None = None,
) -> Loaded:
    """Read and check a plan, its prompt files and sub-plans included. Raises nothing, whatever the text holds.

    name    the file's name as the user gave it; problems say it
    path    where the file stands, None for standard input or text
    root    the project root
    beside  the files that belong to the plan; without it they are read from disk
    handed  of a plan that a planner wrote: what it may name. No file beside it is read, and nothing is left for the
            Runner to tell
    settings  of the project: the plan is held against their policy
    """
    source = parse(text, name)
    if isinstance(source.root, MapNode) and "planrunner" not in source.root.entries:
        for mark in _NO_PLANS.keys() & source.root.entries.keys():
            message = f"{_NO_PLANS[mark]} {name}"
            return Loaded(None, (source.problem(source.root.key(mark), "not-a-plan", message),), source)
    tree = Tree(beside or OnDisk(name, path, root), root, _check, handed, settings)
    return _check(source, text, path, Branch(tree, (base_name(path or name),)))


def _check(source: Source, text: bytes, path: str | None, branch: Branch) -> Loaded:
    """Check a plan that was read, and build it. See `subplans.Check`."""
    if source.root is None:
        hidden, told = hide(source, source.problems or (_empty(source.name),), ())
        return Loaded(None, tuple(told), hidden)
    shape = check_shape(source.root, plan_schema(), source.name)
    found = [*source.problems, *shape.problems]
    if not isinstance(source.root, MapNode):
        hidden, found = hide(replace(source, root=None), found, ())
        return Loaded(None, in_order(found), hidden)
    handed = branch.tree.handed
    prompts = read_prompts(shape.files if handed is None else (), source, branch.own, branch.tree.shelf)
    document = Document(source, source.root, (*shape.sites, *prompts.sites), shape.schemas, handed)
    subplans = read_subplans(document, found, branch)
    settings = branch.tree.settings
    of_project = {} if settings is None else {"policy": settings.policy, "aliases": settings.models}
    document = document.knowing(
        subplans=subplans.plans,
        finals=subplans.finals,
        reading=branch.reading,
        nesting=branch.tree.nesting,
        **of_project,
    )
    found += [*prompts.problems, *subplans.problems]
    if handed is not None:
        found += planned.check(document, handed)
    found = _with_rules(document, found)
    branch.has_read(document)
    built = None
    hidden, found = hide(source, found, written_keys(document))
    wrong = [problem for problem in found if problem.level == "error"]
    left = [problem for problem in wrong if handed is None and _is_left(document, problem)]
    if len(left) == len(wrong):
        own_name = base_name(split_package(branch.own)[1])
        files = {own_name: text.decode("utf-8"), **prompts.files, **subplans.files}
        unapproved = _unapproved(document, found)
        built = cache(partial(_built, document, prompts.texts, files, path, branch.tree.root, unapproved))
    problems = (*in_order(_worth_telling(found)), *in_order(_told_inside(document, subplans.told)))
    for_the_runner = any(problem.code != "unknown-tool" for problem in left)
    branch.has_checked(document)
    return Loaded(built, problems, hidden, prompts.sources, subplans.sources, for_the_runner)


def _built(
    document: Document,
    texts: Mapping[tuple[str | int, ...], str],
    files: Mapping[str, str],
    path: str | None,
    root: str,
    unapproved: tuple[UnapprovedCall, ...],
) -> Plan:
    """The plan of a file in which nothing is wrong that would not be left to the Runner."""
    plan = build(document, with_texts(plain(document.root), texts), files, path, root)
    return replace(plan, handed=document.handed, unapproved=unapproved)


def _with_rules(document: Document, found: list[Problem]) -> list[Problem]:
    """The problems found, and what the rules find where nothing is told yet."""
    told = {problem.place for problem in found}
    return [*found, *(problem for problem in _rules(document) if problem.place not in told)]


def _is_left(document: Document, problem: Problem) -> bool:
    """Whether the Runner tells of it, and does so only if it is true of the tools and hooks that it has."""
    return problem.code in _LEFT_TO_THE_RUNNER or problem in document.types.about_builtin


def _unapproved(document: Document, found: list[Problem]) -> tuple[UnapprovedCall, ...]:
    return unapproved_calls(document) if any(problem.code == UNAPPROVED for problem in found) else ()


def _told_inside(document: Document, told: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """What is wrong in the sub-plans of a plan, whose hooks may have their calls approved."""
    if not any(problem.code == UNAPPROVED for problem in told) or not approves_inside(document):
        return told
    return tuple(problem for problem in told if problem.code != UNAPPROVED)


def _rules(document: Document) -> Iterator[Problem]:
    """What the rules find; of each no more than anybody reads, and one to know that there are more."""
    for check in _checks():
        yield from islice(check(document), MAX_PROBLEMS + 1)


@cache
def _checks() -> tuple[Callable[[Document], Iterable[Problem]], ...]:
    """The rules, imported once they are needed."""
    return tuple(map(load_named, RULES.values()))


def _worth_telling(found: list[Problem]) -> list[Problem]:
    """A warning beside an error is most often its shadow (what is misspelt is unused): told once there is none."""
    wrong = any(problem.level == "error" and problem.code != "not-supported" for problem in found)
    return [problem for problem in found if problem.level == "error" or not wrong]


def load_plan(plan: str | os.PathLike[str]) -> Plan:
    """The plan in a file; a string with a line break in it is taken as the text of a plan.

    Raises InvalidPlanError with every problem, UsageError when the file can't be read. Tools that only the caller of
    the Runner knows may be named.
    """
    if isinstance(plan, str) and "\n" in plan:
        loaded = load_document(plan.encode("utf-8", "surrogatepass"), "plan", path=None, root=find_root(None))
    else:
        path = os.fspath(plan)
        loaded = load_document(read_plan(path), path, path=path, root=find_root(path))
    if loaded.plan is None:
        raise InvalidPlanError(not_valid(loaded), loaded.problems)
    return loaded.plan


def read_plan(path: str) -> bytes:
    """The bytes of a file, never many more than a plan may have. UsageError when it can't be read."""
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode) and not path.startswith("/dev/"):
            raise UsageError(f"{path} is not a regular file; name the plan file")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder; name the plan file in it") from None
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else None
        raise UsageError(f"the plan {path} can't be read: {words or error}") from None


def find_root(path: str | None) -> str:
    """The project root of a plan: the nearest folder with planrunner.toml, `[tool.planrunner]` or .git, else its own.

    Without a path the search begins at the working folder. UsageError when that was deleted.
    """
    folder = _working_folder() if path is None else _folder_of(path)
    for candidate in map(str, (folder, *folder.parents)):
        marks = (os.path.join(candidate, mark) for mark in _MARKS)
        if any(map(os.path.exists, marks)) or _has_table(os.path.join(candidate, "pyproject.toml")):
            return candidate
    return str(folder)


def _folder_of(path: str) -> Path:
    whole = path if os.path.isabs(path) else _working_folder() / path
    return Path(os.path.normpath(whole)).parent


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise UsageError("the working folder does not exist any more: go to one that does") from None


def _has_table(pyproject: str) -> bool:
    import tomllib

    try:
        with open(pyproject, "rb") as file:
            return "planrunner" in tomllib.load(file).get("tool", {})
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False


def _empty(name: str) -> Problem:
    message = "the file is empty: a plan has at least 'planrunner: 1', a 'name' and 'steps'"
    return Problem(name, 1, 1, "empty", message)


def not_valid(loaded: Loaded) -> str:
    """What InvalidPlanError says: how many problems, and each in a line."""
    count = len(loaded.problems)
    lines = "".join(f"\n  {problem.file}:{problem}" for problem in loaded.problems)
    return f"{loaded.source.name} is not a valid plan, {count} problem{'s' if count > 1 else ''}:{lines}"
