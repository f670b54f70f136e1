"""From a path on the command line to a plan and its problems; and which files in a folder are plans, or tests."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from planrunner.cli.files import UnreadableError, is_handed, read_bytes, refuse_special
from planrunner.document.load import ABOUT_BUILTIN, find_root, load_document
from planrunner.document.problem import Problem
from planrunner.document.source import MAX_BYTES
from planrunner.errors import UsageError
from planrunner.plan import Plan
from planrunner.render.checked import Checked

_MARK = rb"(?:\xef\xbb\xbf)?(?:\{[ \t]*)?(['\"]?)planrunner%s\1[ \t]*:"
_IS_PLAN = re.compile(rb"^" + _MARK % rb"", re.MULTILINE)
_IS_TEST = re.compile(rb"^" + _MARK % rb"_test", re.MULTILINE)
_IS_SCRIPT = re.compile(rb"^" + _MARK % rb"_script", re.MULTILINE)
_UTF16 = tuple("planrunner".encode(name) for name in ("utf-16-le", "utf-16-be"))
_HEAD = 64 * 1024
STDIN = "<stdin>"


class Kind(Enum):
    """What a YAML file in a folder is, by its first bytes. The value is what it is called."""

    PLAN = "plan"
    TEST = "plan test"
    SCRIPT = "script"
    FOREIGN = "file of somebody else"


_MARKS = {Kind.PLAN: "planrunner", Kind.TEST: "planrunner_test"}
"""What may be asked for → the key at the top of such a file."""


@dataclass(frozen=True, slots=True)
class Given:
    """A plan file as it was given: what is wrong with it, and the plan when nothing is."""

    checked: Checked
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What paths lead to.

    files        what was asked for, in order: a path that is to be read, or what is wrong with one that can't be
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
    prompts = {prompt.name: prompt.lines for prompt in loaded.prompts}
    checked = Checked(name, loaded.problems, loaded.source.lines, prompts)
    return Given(checked, None if refused else loaded.plan)


def unreadable(path: str, why: str) -> Checked:
    """A file that can't be read, as a problem of its own."""
    return Checked(path, (Problem(path, 1, 1, "unreadable", why),))


def gather(paths: Sequence[str], kind: Kind = Kind.PLAN) -> Gathered:
    """The files named, and those of this kind in the folders named (by their first key), each once."""
    found = [entry for path in paths for entry in _files(path, kind)]
    files = {entry.file if isinstance(entry, Checked) else entry: entry for entry in found if entry is not None}
    passed_over = found.count(None)
    if not files:
        others = f" (YAML files that are none: {passed_over})" if passed_over else ""
        raise UsageError(
            f"there is no {kind.value} in {' or '.join(paths)}{others}: "
            f"a {kind.value} is a YAML file with `{_MARKS[kind]}: 1` at the top"
        )
    return Gathered(list(files.values()), passed_over)


def _files(path: str, kind: Kind) -> Iterator[str | Checked | None]:
    """Files of this kind, and what can't be read; None for a YAML file of somebody else."""
    if not os.path.isdir(path):
        yield path
        return
    closed: list[OSError] = []
    for folder, inner, names in os.walk(path, onerror=closed.append):
        yield from _refused(closed)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            if name.endswith((".yml", ".yaml")):
                yield from _file(os.path.join(folder, name), kind)
    yield from _refused(closed)


def _refused(closed: list[OSError]) -> Iterator[Checked]:
    while closed:
        error = closed.pop(0)
        yield unreadable(str(error.filename), f"the folder {error.filename} can't be read: {error.strerror}")


def _file(path: str, wanted: Kind) -> Iterator[str | Checked | None]:
    try:
        refuse_special(path, "the file")
        kind = _kind(read_bytes(path, "the file", _HEAD))
    except UnreadableError as error:
        yield unreadable(path, str(error))
        return
    if kind is wanted:
        yield path
    elif kind is Kind.FOREIGN:
        yield None


def _kind(head: bytes) -> Kind:
    if _IS_PLAN.search(head) or any(word in head for word in _UTF16):
        return Kind.PLAN
    if _IS_TEST.search(head):
        return Kind.TEST
    return Kind.SCRIPT if _IS_SCRIPT.search(head) else Kind.FOREIGN
