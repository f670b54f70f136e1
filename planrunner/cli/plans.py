"""From a path on the command line to a plan and its problems."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from planrunner.cli.files import UnreadableError, is_handed, read_bytes, refuse_special
from planrunner.cli.globs import is_glob, matches
from planrunner.document.load import find_root, load_document
from planrunner.document.loaded import Loaded
from planrunner.document.problem import Problem
from planrunner.document.source import MAX_BYTES
from planrunner.errors import UsageError
from planrunner.plan import Plan
from planrunner.render.checked import Checked, as_checked
from planrunner.settings import Settings, load_settings

_MARK = rb"(?:\xef\xbb\xbf)?(?:\{[ \t]*)?(['\"]?)planrunner%s\1[ \t]*:"
_IS_PLAN = re.compile(rb"^" + _MARK % rb"", re.MULTILINE)
_IS_TEST = re.compile(rb"^" + _MARK % rb"_test", re.MULTILINE)
_IS_SCRIPT = re.compile(rb"^" + _MARK % rb"_script", re.MULTILINE)
_UTF16 = tuple("planrunner".encode(name) for name in ("utf-16-le", "utf-16-be"))
_HEAD = 64 * 1024
STDIN = "<stdin>"


class Kind(Enum):
    """What a YAML file is, by its first bytes. The value is what it is called."""

    PLAN = "plan"
    TEST = "plan test"
    SCRIPT = "script"
    FOREIGN = "file of somebody else"


_MARKS = {Kind.PLAN: "planrunner", Kind.TEST: "planrunner_test"}
"""What may be asked for → the key at the top of such a file."""


@dataclass(frozen=True, slots=True)
class Given:
    """A plan file as it was given: what is wrong with it, and the plan when nothing is.

    loaded  what the plan is built from when it is asked for; None when something stands in its way
    """

    checked: Checked
    loaded: Loaded | None

    @property
    def plan(self) -> Plan | None:
        """The plan."""
        return None if self.loaded is None else self.loaded.plan


@dataclass(frozen=True, slots=True)
class Gathered:
    """What paths lead to.

    files        what was asked for, in order: a path that is to be read, or what is wrong with one that can't be
    passed_over  how many YAML files are no files of planrunner
    """

    files: list[str | Checked]
    passed_over: int


class Projects:
    """The projects of plans that are checked one after another: each is looked for, and its settings read, once.

    policy  the file of a policy, in place of the projects' own
    """

    def __init__(self, policy: str | None = None) -> None:
        self._policy = policy
        self._roots: dict[str | None, str] = {}
        self._settings: dict[str, Settings] = {}

    def of(self, path: str | None) -> tuple[str, Settings]:
        """The root of the project in which a plan stands, and its settings. UsageError when they can't be had."""
        folder = None if path is None else os.path.dirname(path)
        if folder not in self._roots:
            self._roots[folder] = find_root(path)
        root = self._roots[folder]
        if root not in self._settings:
            self._settings[root] = load_settings(root, policy=self._policy)
        return root, self._settings[root]


def read_plan(path: str, projects: Projects, stdin_name: str | None = None) -> Given:
    """Read and check one plan. UnreadableError when there is no file to read.

    The plan is held against the policy of its project; UsageError when that can't be had.

    path        `-` is standard input
    stdin_name  the file that standard input stands for: problems name it, and its project is the plan's
    """
    refuse_special(path, "the plan")
    text = read_bytes(path, "the plan", MAX_BYTES)
    place = stdin_name if path == "-" else None if is_handed(path) else path
    name = stdin_name or STDIN if path == "-" else path
    root, settings = projects.of(place)
    loaded = load_document(text, name, path=place, root=root, settings=settings)
    return Given(as_checked(loaded), None if loaded.for_the_runner else loaded)


def told_once(checked: Sequence[Checked]) -> list[Checked]:
    """The files, each with its own problems, and with those in its sub-plans that are told nowhere else."""
    told = {_key(problem) for each in checked for problem in each.problems if each.has(problem.file)}
    return [replace(each, problems=tuple(_new(each, told))) for each in checked]


def _new(checked: Checked, told: set[Problem]) -> Iterator[Problem]:
    for problem in checked.problems:
        key = _key(problem)
        if checked.has(problem.file) or key not in told:
            told.add(key)
            yield problem


def _key(problem: Problem) -> Problem:
    """The problem with the one name of its file, however that was given."""
    return replace(problem, file=os.path.normpath(problem.file))


def unreadable(path: str, why: str) -> Checked:
    """A file that can't be read, as a problem of its own."""
    return Checked(path, (Problem(path, 1, 1, "unreadable", why),))


def gather(paths: Sequence[str], kind: Kind = Kind.PLAN, *, only_plans: bool = False) -> Gathered:
    """The files named, and those of this kind (by their first key) in folders and among what globs match.

    Each is given once. UsageError when there is none, or when a glob matches nothing.

    only_plans  files that are named are looked at as well and passed over when they are no plans; none is no error
    """
    if "" in paths:
        raise UsageError("a PATH is empty: name a file, a folder or a glob (is a variable in the command not set?)")
    found: dict[str, str | Checked | None] = {}
    for path, entry in (each for given in paths for each in _found(given, kind, only_plans)):
        found[path] = found.get(path) or entry  # one that is named is checked also when a folder would pass it over
    files = [entry for entry in found.values() if entry is not None]
    passed_over = len(found) - len(files)
    if not files and not only_plans:
        others = f" (YAML files that are none: {passed_over})" if passed_over else ""
        raise UsageError(
            f"there is no {kind.value} in {' or '.join(paths)}{others}: "
            f"a {kind.value} is a YAML file with `{_MARKS[kind]}: 1` at the top"
        )
    return Gathered(files, passed_over)


_Entry = tuple[str, str | Checked | None]
"""A path, and what stands there: what was asked for (its path), what can't be read, or None for a foreign YAML file."""


def _found(path: str, kind: Kind, only_plans: bool) -> Iterator[_Entry]:
    if os.path.isdir(path):
        yield from _folder(path, kind)
    elif is_glob(path):
        for match in matches(path):
            yield from _folder(match, kind) if os.path.isdir(match) else _yaml(match, kind)
    elif only_plans and path != "-":
        yield from _file(path, kind)
    else:
        yield path, path


def _folder(path: str, kind: Kind) -> Iterator[_Entry]:
    closed: list[OSError] = []
    for folder, inner, names in os.walk(path, onerror=closed.append):
        yield from _refused(closed)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            yield from _yaml(os.path.join(folder, name), kind)
    yield from _refused(closed)


def _refused(closed: list[OSError]) -> Iterator[_Entry]:
    while closed:
        error = closed.pop(0)
        path = str(error.filename)
        yield path, unreadable(path, f"the folder {path} can't be read: {error.strerror}")


def _yaml(path: str, kind: Kind) -> Iterator[_Entry]:
    if path.endswith((".yml", ".yaml")):
        yield from _file(path, kind)


def _file(path: str, wanted: Kind) -> Iterator[_Entry]:
    try:
        refuse_special(path, "the file")
        kind = _kind(read_bytes(path, "the file", _HEAD))
    except UnreadableError as error:
        yield path, unreadable(path, str(error))
        return
    if kind in (wanted, Kind.FOREIGN):
        yield path, path if kind is wanted else None


def _kind(head: bytes) -> Kind:
    if _IS_PLAN.search(head) or any(word in head for word in _UTF16):
        return Kind.PLAN
    if _IS_TEST.search(head):
        return Kind.TEST
    return Kind.SCRIPT if _IS_SCRIPT.search(head) else Kind.FOREIGN
