"""`planrunner tools` and `planrunner schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from planrunner.cli.schema import SCHEMAS
from planrunner.tools.builtin import BUILTIN
from tests.cli.conftest import Cli

PROJECT = Path(__file__).resolve().parents[2]


def test_every_built_in_tool_is_listed(cli: Cli) -> None:
    told = cli("tools", "list")
    assert (told.code, told.err) == (0, "")
    listed = {line.split()[0]: line.split()[1] for line in told.out.splitlines()}
    assert listed.keys() >= BUILTIN.keys()
    assert (listed["calculator"], listed["file_writer"]) == ("read", "write")


def test_the_list_as_json(cli: Cli) -> None:
    told = {each["id"]: each for each in json.loads(cli("tools", "list", "--format", "json").out)}
    assert told["calculator"]["args_schema"]["properties"].keys() == {"expression"}


@pytest.mark.parametrize("name", BUILTIN)
def test_show(cli: Cli, name: str) -> None:
    told = cli("tools", "show", name)
    assert told.out.startswith(f"{name}  ")
    value = json.loads(cli("tools", "show", name, "--format", "json").out)
    assert value["id"] == name
    assert value["description"]
    Draft202012Validator.check_schema(value["args_schema"])


def test_schemas_are_listed(cli: Cli) -> None:
    assert cli("schema").out == "plan  a plan file\nrun   the record of a run\ntest  a plan test\n"


@pytest.mark.parametrize(
    ("name", "file"), [("plan", "plan.schema.json"), ("run", "plan-run.schema.json"), ("test", "plan-test.schema.json")]
)
def test_the_schemas_in_the_project_are_fresh(cli: Cli, name: str, file: str) -> None:
    printed = cli("schema", name).out
    Draft202012Validator.check_schema(json.loads(printed))
    assert printed == (PROJECT / "schemas" / file).read_text("utf-8"), f"planrunner schema {name} > schemas/{file}"


def test_every_schema_has_a_file() -> None:
    assert len(list((PROJECT / "schemas").glob("*.json"))) == len(SCHEMAS)


def test_a_record_meets_its_schema(cli: Cli, sums: str) -> None:
    schema = json.loads(cli("schema", "run").out)
    record = json.loads(cli("run", sums, "--input", "a=2", "--user", "u1", "--format", "json").out)
    Draft202012Validator(schema).validate(record)
    del record["state"]
    assert not Draft202012Validator(schema).is_valid(record)
