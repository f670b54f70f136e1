import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from planrunner.errors import ToolUnusableError, UnknownToolError
from planrunner.plan import Agent, Plan, Step, ToolEntry
from planrunner.tools.base import Tool
from planrunner.tools.builtin import BUILTIN
from planrunner.tools.catalogue import Catalogue
from planrunner.tools.python import tool
from planrunner.tools.stand_in import StandIn


def plan(*entries: ToolEntry, steps: tuple[Step, ...] = (), agents: dict[str, Agent] | None = None, root: str = "."):
    return Plan("p", "00", steps, tools={entry.name: entry for entry in entries}, agents=agents or {}, root=root)


@tool
def undeclared(a: int):
    """Own words."""
    return a


@tool(effect="write")
def writing():
    return 1


@tool(effect="irreversible")
def final():
    return 1


@pytest.fixture
def shop(tmp_path: Path, import_state: None) -> str:
    """A project with a module of tools; its root."""
    (tmp_path / "catalogue_shop.py").write_text(
        "from planrunner.tools.python import tool\n\n"
        "@tool(effect='irreversible')\ndef final():\n    return 1\n\n"
        "def undeclared(a: int):\n    return a\n"
    )
    return str(tmp_path)


def test_own_tools_come_before_built_in_ones():
    @tool(id="calculator")
    def mine():
        return 1

    assert Catalogue(plan(), [mine]).resolve("calculator").tool is mine
    assert Catalogue(plan()).resolve("calculator").tool.id == "calculator"


def test_own_tools_may_be_tools_classes_and_functions():
    class Mine(Tool):
        id = "mine"

        def run(self, ctx):
            return 1

    def plain():
        return 1

    catalogue = Catalogue(plan(), [Mine, plain, undeclared])
    assert [catalogue.resolve(name).tool.id for name in ("mine", "plain", "undeclared")] == [
        "mine",
        "plain",
        "undeclared",
    ]


def test_two_own_tools_of_one_id():
    with pytest.raises(ToolUnusableError, match="two tools have the id 'undeclared'"):
        Catalogue(plan(), [undeclared, undeclared])


def test_the_plans_own_entry_comes_first(shop):
    entry = ToolEntry("undeclared", use="catalogue_shop:final")
    found = Catalogue(plan(entry, root=shop), [undeclared]).resolve("undeclared")
    assert found.tool.id == "final"
    assert (found.name, found.origin, found.effect) == (
        "undeclared",
        "catalogue_shop:final",
        "irreversible",
    )


def test_an_entry_adds_to_a_known_tool():
    schema = {"type": "object", "properties": {"a": {"type": "integer", "maximum": 3}}}
    entry = ToolEntry(
        "undeclared", description="Said here.", effect="read", args_schema=schema, output_schema={"type": "integer"}
    )
    found = Catalogue(plan(entry), [undeclared]).resolve("undeclared")
    assert (found.tool, found.effect, found.description) == (undeclared, "read", "Said here.")
    assert (found.args_schema, found.output_schema, found.origin) == (schema, {"type": "integer"}, "undeclared")


def test_what_an_entry_leaves_out_is_the_tools_own():
    found = Catalogue(plan(ToolEntry("undeclared")), [undeclared]).resolve("undeclared")
    assert (found.description, found.effect, found.output_schema) == ("Own words.", "write", None)
    assert found.args_schema == undeclared.args_schema


@pytest.mark.parametrize(
    ("own", "said", "effect"),
    [
        (undeclared, None, "write"),
        (undeclared, "read", "read"),
        (undeclared, "write", "write"),
        (undeclared, "irreversible", "irreversible"),
        (writing, None, "write"),
        (writing, "write", "write"),
        (writing, "irreversible", "irreversible"),
        (final, None, "irreversible"),
        (final, "irreversible", "irreversible"),
    ],
)
def test_an_effect_may_be_set_and_raised(own, said, effect):
    assert Catalogue(plan(ToolEntry(own.id, effect=said)), [own]).resolve(own.id).effect == effect


@pytest.mark.parametrize(("own", "said"), [(writing, "read"), (final, "read"), (final, "write")])
def test_an_effect_is_never_lowered(own, said):
    with pytest.raises(ToolUnusableError, match=rf"tools\.{own.id}\.effect is '{said}', but the tool declares"):
        Catalogue(plan(ToolEntry(own.id, effect=said)), [own]).resolve(own.id)


def test_a_built_in_effect_is_not_lowered_either():
    with pytest.raises(ToolUnusableError, match="never lower it"):
        Catalogue(plan(ToolEntry("file_writer", effect="read"))).resolve("file_writer")


def test_an_effect_that_is_none():
    with pytest.raises(ToolUnusableError, match="expected one of read, write, irreversible"):
        Catalogue(plan(ToolEntry("writing", effect="harmless")), [writing]).resolve("writing")


@pytest.mark.parametrize("first", ["a", "b", "c"])
def test_all_names_of_one_origin_share_the_highest_effect(shop, first):
    use = "catalogue_shop:undeclared"
    entries = (
        ToolEntry("a", use=use, effect="read"),
        ToolEntry("b", use=use, effect="irreversible"),
        ToolEntry("c", use=use),
    )
    catalogue = Catalogue(plan(*entries, root=shop))
    catalogue.resolve(first)
    assert {catalogue.resolve(name).effect for name in "abc"} == {"irreversible"}


def test_a_built_in_tool_under_another_name_has_its_origin():
    entries = (ToolEntry("save", use=BUILTIN["file_writer"]), ToolEntry("file_writer", effect="irreversible"))
    found = Catalogue(plan(*entries)).resolve("save")
    assert (found.origin, found.effect) == ("file_writer", "irreversible")
    assert (
        Catalogue(plan(ToolEntry("save", use=BUILTIN["file_writer"], effect="irreversible")))
        .resolve("file_writer")
        .effect
        == "irreversible"
    )


def test_a_name_is_resolved_once():
    catalogue = Catalogue(plan())
    assert catalogue.resolve("weather") is catalogue.resolve("weather")


def test_an_unknown_name_says_what_is_known():
    with pytest.raises(UnknownToolError) as caught:
        Catalogue(plan(ToolEntry("mine")), [undeclared]).resolve("calculatr")
    text = str(caught.value)
    assert text.startswith("there is no tool 'calculatr'; did you mean 'calculator'?")
    assert all(name in text for name in ("mine", "undeclared", *BUILTIN))


def test_an_announced_tool_that_nobody_provides():
    with pytest.raises(UnknownToolError, match=r"'crm' stands in the plan's `tools` without `use`.*Runner\(tools="):
        Catalogue(plan(ToolEntry("crm"))).resolve("crm")


def test_a_script_plays_an_announced_tool_that_nobody_provides():
    catalogue = Catalogue(plan(ToolEntry("crm", effect="irreversible"), ToolEntry("log")), played=True)
    assert catalogue.resolve("crm").effect == "irreversible"
    assert not isinstance(catalogue.resolve("log").tool, StandIn)
    with pytest.raises(UnknownToolError, match="there is no tool 'cmr'"):
        catalogue.resolve("cmr")


def test_check_finds_every_unknown_name_with_its_place():
    steps = (
        Step("ok", 0, "tool", "calculator"),
        Step("bad", 1, "tool", "calculatr"),
        Step("asks", 2, "task", "x", {"agent": Agent(tools=("log", "inline_unknown"))}),
        Step("named", 3, "task", "x", {"agent": "support"}),
    )
    with pytest.raises(UnknownToolError) as caught:
        Catalogue(plan(steps=steps, agents={"support": Agent("support", tools=("weather", "wether"))})).check()
    places = [line.split(":")[0] for line in str(caught.value).splitlines()]
    assert places == ["step 'bad'", "the agent of step 'asks'", "agent 'support'"]


def test_check_imports_what_is_named_and_nothing_else(tmp_path):
    entries = (ToolEntry("named", use="no_such_module_1:f"), ToolEntry("unnamed", use="no_such_module_2:f"))
    with pytest.raises(ToolUnusableError, match="no_such_module_1"):
        Catalogue(plan(*entries, steps=(Step("a", 0, "tool", "named"),), root=str(tmp_path))).check()
    Catalogue(plan(*entries, steps=(Step("a", 0, "tool", "log"),), root=str(tmp_path))).check()


_PLUG_IN = """
    import sys
    from planrunner.plan import Plan
    from planrunner.tools.catalogue import Catalogue
    from planrunner.errors import UsageError

    catalogue = Catalogue(Plan("p", "00", ()))
    for name in ("plugged", "calculator", "broken", "odd"):
        try:
            print(name, catalogue.resolve(name).tool.description[:20])
        except UsageError as error:
            print(type(error).__name__, error)
    print(catalogue.names()[-3:])
"""


def test_installed_plug_ins(tmp_path):
    """A real distribution on the path, as pip would leave it."""
    (tmp_path / "my_plug_in.py").write_text(
        "def plugged():\n    'From afar.'\n\ndef calculator():\n    'An impostor.'\n\nodd = 7\n"
    )
    info = tmp_path / "my_plug_in-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-plug-in\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[planrunner.tools]\nplugged = my_plug_in:plugged\ncalculator = my_plug_in:calculator\n"
        "broken = my_plug_in:missing\nodd = my_plug_in:odd\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", dedent(_PLUG_IN)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    lines = ended.stdout.splitlines()
    assert lines[:2] == ["plugged From afar.", "calculator Works out an arithme"], ended.stderr
    assert lines[2].startswith("ToolUnusableError the installed tool 'broken' can't be imported: ImportError:")
    assert lines[3].startswith("ToolUnusableError the installed tool 'odd' is a int; expected a Tool")
    assert lines[4] == "('broken', 'odd', 'plugged')"
