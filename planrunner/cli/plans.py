"""From a path on the command line to a plan and its problems."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import Enum, auto

from planrunner.cli.files import UnreadableError, is_handed, read_bytes, refuse_special
from planrunner.document.load import ABOUT_BUILTIN, find_root, load_document
from planrunner.document.problem import Problem
from planrunner.document.source import MAX_BYTES
from planrunner.errors import UsageError
from planrunner.plan import Plan
from planrunner.render.checked import Checked

_MARK = rb"(?:\xef\xbb\xbf)?(?:\{[ \t]*)?(['\"]?)planrunner%s\1[ \t]*:"
_IS_PLAN = re.compile(rb"^" + _MARK % rb"", re.MULTILINE)
_IS_ANOTHER = re.compile(rb"^" + _MARK % rb"_(?:script|test)", re.MULTILINE)
_UTF16 = tuple("planrunner".encode(name) for name in ("utf-16-le", "utf-16-be"))
_HEAD = 64 * 1024
STDIN = "<stdin>"


class _Kind(Enum):
    """What a YAML file in a folder is, by its first bytes."""

    PLAN = auto()
    ANOTHER = auto()
    """A script or a test: ours, and no plan."""
    FOREIGN = auto()


@dataclass(frozen=True, slots=True)
class Given:
    """A plan file as it was given: what is wrong with it, and the plan when nothing is."""

    checked: Checked
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What paths lead to.

    files        the plans, in order: a path that is to be read, or what is wrong with one that can't be
    passed_over  how many YAML files in folders are no files of planrunner
    """

    files: list[str | Checked]
    passed_over: int


def read_plan(path: str) -> Given:
    """Read and check one plan; `-` is standard input. UnreadableError when there is no file to read."""
    refuse_special(path, "the plan")
    text = read_bytes(path, "the plan", MAX_BYTES)
    name, place = STDIN if path == "-" else path, None if is_handed(path) else path
    loaded = load_document(text, name, path=place, root=find_root(place))
    refused = any(problem.code in ABOUT_BUILTIN for problem in loaded.problems)
    prompts, subplans = ({each.name: each.lines for each in files} for files in (loaded.prompts, loaded.subplans))
    checked = Checked(name, loaded.problems, loaded.source.lines, prompts, subplans)
    return Given(checked, None if refused else loaded.plan)


def told_once(checked: Sequence[Checked]) -> list[Checked]:
    """The files with each problem once: one that stands in a file that is given is told with that file."""
    own = {_one(each.file): {_key(problem) for problem in each.problems} for each in checked}
    told: set[Problem] = set()
    return [replace(each, problems=tuple(_new(each, own, told))) for each in checked]


def _new(checked: Checked, own: Mapping[str, Set[Problem]], told: set[Problem]) -> Iterator[Problem]:
    for problem in checked.problems:
        key = _key(problem)
        is_others = key.file != _one(checked.file) and key in own.get(key.file, ())
        if key not in told and not is_others:
            told.add(key)
            yield problem


def _key(problem: Problem) -> Problem:
    """The problem with the one name of its file."""
    return replace(problem, file=_one(problem.file))


def _one(file: str) -> str:
    """The one name of a file, however it was given."""
    return os.path.normpath(file)


def unreadable(path: str, why: str) -> Checked:
    """A file that can't be read, as a problem of its own."""
    return Checked(path, (Problem(path, 1, 1, "unreadable", why),))


def gather(paths: Sequence[str]) -> Gathered:
    """The files named, and the plans in the folders named (YAML files with `planrunner:` at the top), each once."""
    found = [entry for path in paths for entry in _files(path)]
    files = {entry.file if isinstance(entry, Checked) else entry: entry for entry in found if entry is not None}
    passed_over = found.count(None)
    if not files:
        others = f" (YAML files that are none: {passed_over})" if passed_over else ""
        raise UsageError(
            f"there is no plan in {' or '.join(paths)}{others}: a plan is a YAML file with `planrunner: 1` at the top"
        )
    return Gathered(list(files.values()), passed_over)


def _files(path: str) -> Iterator[str | Checked | None]:
    """Plans, and what can't be read; None for a YAML file of somebody else."""
    if not os.path.isdir(path):
        yield path
        return
    closed: list[OSError] = []
    for folder, inner, names in os.walk(path, onerror=closed.append):
        yield from _refused(closed)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            if name.endswith((".yml", ".yaml")):
                yield from _file(os.path.join(folder, name))
    yield from _refused(closed)


def _refused(closed: list[OSError]) -> Iterator[Checked]:
    while closed:
        error = closed.pop(0)
        yield unreadable(str(error.filename), f"the folder {error.filename} can't be read: {error.strerror}")


def _file(path: str) -> Iterator[str | Checked | None]:
    try:
        refuse_special(path, "the file")
        kind = _kind(read_bytes(path, "the file", _HEAD))
    except UnreadableError as error:
        yield unreadable(path, str(error))
        return
    if kind is not _Kind.ANOTHER:
        yield path if kind is _Kind.PLAN else None


def _kind(head: bytes) -> _Kind:
    if _IS_PLAN.search(head) or any(word in head for word in _UTF16):
        return _Kind.PLAN
    return _Kind.ANOTHER if _IS_ANOTHER.search(head) else _Kind.FOREIGN
