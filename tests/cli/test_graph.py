"""`planrunner graph`."""

from __future__ import annotations

from pathlib import Path

import pytest

from planrunner.render import GRAPHS
from tests.cli.commands import process, write
from tests.cli.conftest import Cli

PLAN = """
planrunner: 1
name: own
tools:
  shop: {use: "shop:buy", effect: write}
steps:
  - {id: bought, tool: shop}
"""


def test_a_plan_is_shown_as_a_tree(cli: Cli, sums: str) -> None:
    told = cli("graph", sums)
    assert (told.code, told.err) == (0, "")
    assert told.out == "sums\n├─ sum  tool calculator\n└─ told  set\n"


@pytest.mark.parametrize(("form", "head"), [("mermaid", '---\ntitle: "sums"'), ("dot", 'digraph "sums" {')])
def test_the_other_formats(cli: Cli, sums: str, form: str, head: str) -> None:
    told = cli("graph", sums, "--format", form)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(head)
    assert told.out.endswith("\n")


def test_every_format_is_offered(cli: Cli, sums: str) -> None:
    told = cli("graph", sums, "--format", "svg")
    assert told.code == 2
    assert ", ".join(GRAPHS) in told.err


@pytest.mark.parametrize("form", GRAPHS)
def test_nothing_that_the_plan_names_is_imported(here: Path, form: str) -> None:
    (here / "shop.py").write_text("open('imported', 'w').close()\n", encoding="utf-8")
    shown = process("graph", write(here / "plan.yml", PLAN), "--format", form, cwd=here)
    assert (shown.code, shown.err) == (0, "")
    assert "shop" in shown.out
    assert not (here / "imported").exists()
    assert sorted(path.name for path in here.iterdir()) == ["plan.yml", "planrunner.toml", "shop.py"], "no store"


def test_a_plan_that_is_not_valid_is_not_shown(cli: Cli, here: Path) -> None:
    name = write(here / "bad.yml", "planrunner: 1\nname: bad\nsteps: [{id: a, sett: 1}]\n")
    told = cli("graph", name)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("bad.yml:3:17: error: unknown key 'sett'")
    assert told.err.endswith("error: the plan bad.yml is not valid: there is nothing to show\n")


def test_a_tool_that_nobody_knows_is_told(cli: Cli, here: Path) -> None:
    name = write(here / "bad.yml", "planrunner: 1\nname: bad\nsteps: [{id: a, tool: nobody}]\n")
    told = cli("graph", name)
    assert (told.code, told.out) == (1, "")
    assert "[unknown-tool]" in told.err


def test_warnings_stand_beside_the_picture_and_q_leaves_them_out(cli: Cli, here: Path) -> None:
    name = write(here / "plan.yml", "planrunner: 1\nname: a\ninputs: {x: {default: 1}}\nsteps: [{id: a, set: 1}]\n")
    told = cli("graph", name)
    assert (told.code, told.out) == (0, "a\n└─ a  set\n")
    assert "[unused]" in told.err
    assert cli("graph", name, "-q").err == ""


def test_a_plan_from_standard_input(here: Path) -> None:
    shown = process("graph", "-", cwd=here, stdin=PLAN.strip().encode())
    assert shown.out == "own\n└─ bought  tool shop (write)\n"


def test_a_file_that_is_not_there(cli: Cli) -> None:
    told = cli("graph", "none.yml")
    assert told.code == 2
    assert "none.yml" in told.err
