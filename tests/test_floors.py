"""Every outside library has one home, also when it is imported inside a function. (The floors: `lint-imports`.)"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "planrunner"

HOMES = {
    "click": ("cli/",),
    "jinja2": ("template/",),
    "jsonschema_rs": ("json_schema.py",),
    "litellm": ("models/litellm.py",),
    "pydantic": (
        "clarification.py",
        "execution_context.py",
        "execution_hooks.py",
        "frozen.py",
        "plan_run.py",
        "tools/python.py",
    ),
    "pydantic_core": ("clarification.py", "plan_run.py"),
    "sqlite3": ("journal/sqlite",),
    "yaml": ("document/source.py",),
}
"""Library → the files, or beginnings of file names, that may know it. Libraries that are not here may stand nowhere."""

LAZY = {"jinja2", "jsonschema_rs", "litellm", "mcp"}
"""Never imported while a module of ours is imported: they cost too much for those who don't use them."""


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every top-level library a file imports, and whether that happens when the file itself is imported."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = {
        node
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or _for_types_only(outer)
        for node in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node not in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            yield (node.module or "").partition(".")[0], node not in inside


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stand_in_their_homes(path: Path) -> None:
    place = str(path.relative_to(PACKAGE).as_posix())
    for library, _ in imports(path):
        if library in HOMES:
            assert place.startswith(HOMES[library]), f"{library} is known to {', '.join(HOMES[library])} alone"
        else:
            assert library == "planrunner" or library in sys.stdlib_module_names, f"{library} has no home in HOMES"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_are_imported_inside_functions(path: Path) -> None:
    assert {library for library, at_once in imports(path) if at_once} & LAZY == set()


def test_every_home_is_lived_in() -> None:
    """A library that moved out must leave the table."""
    found = {library for path in sources() for library, _ in imports(path)}
    assert HOMES.keys() - found == set()
