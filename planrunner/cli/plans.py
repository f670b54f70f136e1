"""From a path on the command line to a plan and its problems."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planrunner.cli.files import read_bytes
from planrunner.document.load import find_root, load_document
from planrunner.document.source import MAX_BYTES
from planrunner.errors import UsageError
from planrunner.plan import Plan
from planrunner.render.checked import Checked

_IS_PLAN = re.compile(rb"^(?:\xef\xbb\xbf)?(['\"]?)planrunner\1[ \t]*:", re.MULTILINE)
_HEAD = 64 * 1024
STDIN = "<stdin>"


@dataclass(frozen=True, slots=True)
class Given:
    """A plan file as it was given: what is wrong with it, and the plan when nothing is."""

    checked: Checked
    plan: Plan | None


def read_plan(path: str) -> Given:
    """Read and check one plan; `-` is standard input. UsageError when there is no file to read."""
    text = read_bytes(path, "the plan", MAX_BYTES)
    name, place = (STDIN, None) if path == "-" else (path, path)
    loaded = load_document(text, name, path=place, root=find_root(place))
    return Given(Checked(name, loaded.problems, loaded.source.lines), loaded.plan)


def plan_files(paths: Sequence[str]) -> list[str]:
    """The files named, and the plans in the folders named (YAML files with `planrunner:` at the top), each once."""
    files = [file for path in paths for file in _files(path)]
    if not files:
        raise UsageError(
            f"there is no plan in {' or '.join(paths)}: a plan is a YAML file with `planrunner: 1` at the top"
        )
    return list(dict.fromkeys(files))


def _files(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return

    def unreadable(error: OSError) -> None:
        raise UsageError(f"the folder {error.filename} can't be read: {error.strerror}")

    for folder, inner, names in os.walk(path, onerror=unreadable):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            file = os.path.join(folder, name)
            if name.endswith((".yml", ".yaml")) and _IS_PLAN.search(read_bytes(file, "the file", _HEAD)):
                yield file
