import subprocess
import sys
from pathlib import Path

import pytest

import planrunner.tools.builtin as builtin
from planrunner.json_schema import check_schema
from planrunner.open_source_tools.registry import example_tool_registry
from planrunner.plan import Plan
from planrunner.tools.base import EFFECTS
from planrunner.tools.builtin import BUILTIN
from planrunner.tools.catalogue import Catalogue


def test_folder_and_table_agree():
    files = {path.stem for path in Path(builtin.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(BUILTIN)
    assert all(use.startswith(f"planrunner.tools.builtin.{name}:") for name, use in BUILTIN.items())


@pytest.mark.parametrize("name", BUILTIN)
def test_each_tells_what_it_is(name):
    found = Catalogue(Plan("p", "00", ())).resolve(name)
    assert found.tool.id == found.tool.name == name
    assert found.effect in EFFECTS
    assert len(found.description) > 30
    assert check_schema(found.args_schema) == []
    assert found.args_schema["additionalProperties"] is False
    assert all("description" in of or "enum" in of for of in found.args_schema["properties"].values())
    assert found.output_schema is None or check_schema(found.output_schema) == []


def test_only_the_writer_writes():
    catalogue = Catalogue(Plan("p", "00", ()))
    assert [name for name in BUILTIN if catalogue.resolve(name).effect != "read"] == ["file_writer"]


def test_the_example_registry_is_a_list_of_them():
    assert [tool.id for tool in example_tool_registry] == list(BUILTIN)
    catalogue = Catalogue(Plan("p", "00", ()), example_tool_registry)
    assert catalogue.resolve("weather").tool is example_tool_registry[-1]


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("planrunner.tools.builtin", ("planrunner.tools.builtin.log", "planrunner.tools.base", "importlib.metadata")),
        (
            "planrunner.tools.catalogue",
            ("planrunner.tools.builtin.log", "pydantic", "jsonschema", "importlib.metadata"),
        ),
        ("planrunner.open_source_tools.registry", ("pydantic", "urllib.request", "jsonschema")),
    ],
)
def test_what_importing_does_not_import(imported, absent):
    code = f"import sys, {imported}\nprint([name for name in {absent!r} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "[]\n", ended.stderr
