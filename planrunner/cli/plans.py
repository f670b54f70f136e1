"""From a path on the command line to a plan and its problems."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from planrunner.cli.files import UnreadableError, is_handed, read_bytes, refuse_special
from planrunner.cli.globs import is_glob, matches
from planrunner.document.load import find_root, load_document
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
    """What a YAML file is, by its first bytes."""

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
    passed_over  how many YAML files are no files of planrunner
    """

    files: list[str | Checked]
    passed_over: int


def read_plan(path: str, stdin_name: str | None = None) -> Given:
    """Read and check one plan. UnreadableError when there is no file to read.

    path        `-` is standard input
    stdin_name  the file that standard input stands for: problems name it, and its project is the plan's
    """
    refuse_special(path, "the plan")
    text = read_bytes(path, "the plan", MAX_BYTES)
    place = stdin_name if path == "-" else None if is_handed(path) else path
    name = stdin_name or STDIN if path == "-" else path
    loaded = load_document(text, name, path=place, root=find_root(place))
    prompts = {prompt.name: prompt.lines for prompt in loaded.prompts}
    checked = Checked(name, loaded.problems, loaded.source.lines, prompts)
    return Given(checked, None if loaded.about_builtin else loaded.plan)


def unreadable(path: str, why: str) -> Checked:
    """A file that can't be read, as a problem of its own."""
    return Checked(path, (Problem(path, 1, 1, "unreadable", why),))


def gather(paths: Sequence[str], *, only_plans: bool = False) -> Gathered:
    """The files named, and the plans (YAML files with `planrunner:` at the top) in folders and among what globs match.

    Each is given once. UsageError when there is none, or when a glob matches nothing.

    only_plans  files that are named are looked at as well and passed over when they are no plans; none is no error
    """
    found: dict[str, str | Checked | None] = {}
    for path, entry in (each for given in paths for each in _found(given, only_plans)):
        found[path] = found.get(path) or entry  # one that is named is checked also when a folder would pass it over
    files = [entry for entry in found.values() if entry is not None]
    passed_over = len(found) - len(files)
    if not files and not only_plans:
        others = f" (YAML files that are none: {passed_over})" if passed_over else ""
        raise UsageError(
            f"there is no plan in {' or '.join(paths)}{others}: a plan is a YAML file with `planrunner: 1` at the top"
        )
    return Gathered(files, passed_over)


_Entry = tuple[str, str | Checked | None]
"""A path, and what stands there: a plan (its path), what can't be read, or None for a YAML file of somebody else."""


def _found(path: str, only_plans: bool) -> Iterator[_Entry]:
    if os.path.isdir(path):
        yield from _folder(path)
    elif is_glob(path):
        for match in matches(path):
            yield from _folder(match) if os.path.isdir(match) else _yaml(match)
    elif only_plans and path != "-":
        yield from _file(path)
    else:
        yield path, path


def _folder(path: str) -> Iterator[_Entry]:
    closed: list[OSError] = []
    for folder, inner, names in os.walk(path, onerror=closed.append):
        yield from _refused(closed)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            yield from _yaml(os.path.join(folder, name))
    yield from _refused(closed)


def _refused(closed: list[OSError]) -> Iterator[_Entry]:
    while closed:
        error = closed.pop(0)
        path = str(error.filename)
        yield path, unreadable(path, f"the folder {path} can't be read: {error.strerror}")


def _yaml(path: str) -> Iterator[_Entry]:
    if path.endswith((".yml", ".yaml")):
        yield from _file(path)


def _file(path: str) -> Iterator[_Entry]:
    try:
        refuse_special(path, "the file")
        kind = _kind(read_bytes(path, "the file", _HEAD))
    except UnreadableError as error:
        yield path, unreadable(path, str(error))
        return
    if kind is not _Kind.ANOTHER:
        yield path, path if kind is _Kind.PLAN else None


def _kind(head: bytes) -> _Kind:
    if _IS_PLAN.search(head) or any(word in head for word in _UTF16):
        return _Kind.PLAN
    return _Kind.ANOTHER if _IS_ANOTHER.search(head) else _Kind.FOREIGN
