"""Every room's folder and its table agree, and everything a table names is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from planrunner import render
from planrunner.cli.main import COMMANDS
from planrunner.cli.schema import SCHEMAS
from planrunner.document.rules import RULES
from planrunner.journal import STORES
from planrunner.registry import load
from planrunner.steps import VERBS
from planrunner.tools.builtin import BUILTIN

PACKAGE = Path(__file__).parent.parent / "planrunner"

CLI_AIDS = {
    "main",
    "door",
    "defect",
    "lazy",
    "streams",
    "options",
    "values",
    "env_file",
    "files",
    "globs",
    "plans",
    "problems",
    "sink",
    "follow",
    "answering",
    "asking",
    "carrying",
    "context",
    "next",
    "planned",
    "stores",
}
"""Files in `cli/` that are no commands."""


def files(room: str, *aids: str) -> set[str]:
    """The modules of a room, without those that serve the others."""
    names = {
        path.stem for path in (PACKAGE / room).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    return names - {"__init__", *aids}


def modules(table: Mapping[str, str]) -> set[str]:
    """The last part of the module each entry names."""
    return {reference.partition(":")[0].rpartition(".")[2] for reference in table.values()}


def test_steps() -> None:
    assert modules(VERBS) == files("steps", "base")
    for verb, reference in VERBS.items():
        assert load(reference).verb == verb


def test_built_in_tools() -> None:
    assert modules(BUILTIN) == files("tools/builtin")
    for name, reference in BUILTIN.items():
        assert load(reference).id == name


def test_commands() -> None:
    assert modules({name: reference for name, (reference, _) in COMMANDS.items()}) == files("cli", *CLI_AIDS)
    for name, (reference, _) in COMMANDS.items():
        assert load(reference).name == name


@pytest.mark.parametrize("table", [render.RECORDS, render.EVENTS, render.LISTS, render.TOOLS, render.TOOL])
def test_reporters(table: Mapping[str, str]) -> None:
    assert list(table) == ["text", "json"]
    for reference in table.values():
        assert callable(load(reference))


def test_reporters_of_plan_tests() -> None:
    assert list(render.CASES) == ["text", "json", "junit"]
    for reference in render.CASES.values():
        assert callable(load(reference))


def test_reporters_of_problems() -> None:
    assert list(render.PROBLEMS) == ["text", "json", "github", "sarif", "junit"]
    for name, reference in render.PROBLEMS.items():
        assert reference == f"planrunner.render.{name}:problems"


def test_reporters_of_plans() -> None:
    assert list(render.GRAPHS) == ["text", "mermaid", "dot"]
    for reference in render.GRAPHS.values():
        assert callable(load(reference))


@pytest.mark.parametrize("table", [render.CHECK, render.CHECKS])
def test_reporters_of_checks(table: Mapping[str, str]) -> None:
    assert list(table) == ["text", "json", "markdown"]
    for reference in table.values():
        assert callable(load(reference))


def test_rules() -> None:
    assert modules(RULES) == files("document/rules", "scope")
    for code, reference in RULES.items():
        assert reference == f"planrunner.document.rules.{code.replace('-', '_')}:check"
        assert callable(load(reference))


def test_stores() -> None:
    assert modules(STORES) <= files("journal")
    for reference in STORES.values():
        assert callable(load(reference))


def test_schemas() -> None:
    for reference, _ in SCHEMAS.values():
        assert load(reference)()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
