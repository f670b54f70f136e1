"""Every right plan of the project: in `plans`, `tests/runs` and `tests/plans/ok`, and on the pages of the docs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from planrunner.document.file_names import UnreadableFileError
from planrunner.document.load import load_document
from planrunner.document.problem import Problem
from tests.conftest import PROJECT

_FOLDERS: Final = {"plans": "", "tests/runs": "", "tests/plans/ok": "tests/plans"}
"""Where plans stand, and below the project the root of those."""
_IS_PLAN: Final = re.compile(r"^planrunner: 1", re.MULTILINE)
_BLOCK: Final = re.compile(r"^```yaml\n(.*?)^```\n(?P<printed>\n```text\nplan\.yml:\d)?", re.MULTILINE | re.DOTALL)
_NAMED: Final = re.compile(r"# ([a-z-]+\.yml)\n")


@dataclass(frozen=True)
class Pages:
    """The plans of a page that name each other, as if they stood in one folder. See `beside.Beside`."""

    files: Mapping[str, str]

    def read(self, name: str, limit: int, by: str) -> bytes:
        if name not in self.files:
            raise UnreadableFileError(f"{by} names {name}, and the page has no such file")
        return self.files[name].encode()[: limit + 1]

    def shown(self, name: str) -> str:
        return name

    def place(self, name: str) -> None:
        return None


@dataclass(frozen=True)
class Plan:
    """A plan as it stands somewhere.

    name    where it stands
    text    as it stands there
    path    of the file; None for one of a page
    root    the project root that it has
    pages   the other plans of that page
    """

    name: str
    text: str
    path: str | None = None
    root: str = str(PROJECT)
    pages: Pages = field(default_factory=lambda: Pages({}))

    def problems(self, text: str | None = None) -> tuple[Problem, ...]:
        """What the checker says of it, or of another text in its place."""
        written = (self.text if text is None else text).encode()
        beside = None if self.path else self.pages
        return load_document(written, "plan.yml", path=self.path, root=self.root, beside=beside).problems


@cache
def right_plans() -> tuple[Plan, ...]:
    """All of them. What a page shows with the problems printed below it is no right plan."""
    return (*_of_folders(), *_of_pages())


def _of_folders() -> Iterator[Plan]:
    for folder, root in _FOLDERS.items():
        for file in sorted((PROJECT / folder).rglob("*.yml")):
            text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
            if _IS_PLAN.search(text):
                yield Plan(file.relative_to(PROJECT).as_posix(), text, str(file), str(PROJECT / root))


def _of_pages() -> Iterator[Plan]:
    for page in (PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))):
        yield from _of_page(page)


def _of_page(page: Path) -> Iterator[Plan]:
    text = page.read_text(encoding="utf-8")
    blocks = [block for block in _BLOCK.finditer(text) if _IS_PLAN.search(block[1])]
    named = {name[1]: block[1] for block in blocks if (name := _NAMED.match(block[1]))}
    for block in blocks:
        if not block["printed"]:
            line = text.count("\n", 0, block.start()) + 1
            yield Plan(f"{page.relative_to(PROJECT).as_posix()}:{line}", block[1], pages=Pages(named))
