"""SARIF: valid by the standard's own schema, the same bytes for the same files, and every place where it should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from planrunner.cli.plans import Projects, read_plan
from planrunner.document.problem import Problem
from planrunner.render import sarif
from planrunner.render.checked import Checked, Report
from planrunner.render.words import Style
from tests.conftest import PROJECT
from tests.npm import from_npm

WRONG = Problem("plans/a.yml", 2, 5, "unknown-key", "unknown key 'prompt'; did you mean 'task'?")


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    file = from_npm("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json")
    return Draft4Validator(json.loads(file.read_text("utf-8")), format_checker=Draft4Validator.FORMAT_CHECKER)


def told(*files: Checked, root: str = "/") -> dict[str, Any]:
    document = json.loads(sarif.problems(Report(files, root=root), Style(True)))
    assert isinstance(document, dict)
    return document


def of(problem: Problem, root: str = "/") -> dict[str, Any]:
    """The one result."""
    (result,) = told(Checked(problem.file, (problem,)), root=root)["runs"][0]["results"]
    assert isinstance(result, dict)
    return result


def every_broken_plan() -> list[Checked]:
    files = sorted((PROJECT / "tests" / "plans" / "err").glob("*.yml"))
    return [read_plan(str(file), Projects()).checked for file in files]


def test_every_problem_we_know_is_valid_by_the_official_schema(schema: Draft4Validator) -> None:
    checked = every_broken_plan()
    document = told(*checked, root=str(PROJECT))
    assert [error.message for error in schema.iter_errors(document)] == []
    (run,) = document["runs"]
    assert len(run["results"]) == sum(len(file.problems) for file in checked) > 150


def test_the_schema_finds_what_is_wrong(schema: Draft4Validator) -> None:
    document = told(Checked(WRONG.file, (WRONG,)))
    document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startColumn"] = 0
    assert not schema.is_valid(document)


def test_nothing_found_is_valid_too(schema: Draft4Validator) -> None:
    document = told(Checked("a.yml"))
    assert schema.is_valid(document)
    assert document["runs"][0]["results"] == []


def test_a_result_names_its_rule_its_place_and_the_message() -> None:
    warned = Problem("plans/b.yml", 1, 1, "empty", "m", "warning")
    (run,) = told(Checked("plans/b.yml", (warned,)), Checked("plans/a.yml", (WRONG,)), root=str(Path.cwd()))["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["originalUriBaseIds"].keys() == {"%SRCROOT%"}
    rules = run["tool"]["driver"]["rules"]
    assert [(rule["id"], rule["name"]) for rule in rules] == [
        ("empty", "EmptyProblem"),
        ("unknown-key", "UnknownKey"),
    ]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["empty", "unknown-key"]
    assert run["results"][1] == {
        "ruleId": "unknown-key",
        "ruleIndex": 1,
        "level": "error",
        "message": {"text": WRONG.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "plans/a.yml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 2, "startColumn": 5},
                }
            }
        ],
    }
    assert run["results"][0]["level"] == "warning"


def test_the_same_files_give_the_same_bytes_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        report = Report([Checked(WRONG.file, (WRONG,))], root=str(tmp_path / name))
        texts.append(sarif.problems(report, Style()))
    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("/r/a b%20.yml", "a%20b%2520.yml"),
        ("/r/C:x.yml", "C%3Ax.yml"),
        ("/r/deep/å#?.yml", "deep/%C3%A5%23%3F.yml"),
        ("/r/\udce9.yml", "%E9.yml"),
    ],
)
def test_paths_are_uris_below_the_root(file: str, uri: str) -> None:
    location = of(Problem(file, 1, 1, "c", "m"), root="/r")["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {"uri": uri, "uriBaseId": "%SRCROOT%"}
    assert unquote(uri, errors="surrogateescape") == file.removeprefix("/r/")


def test_a_file_outside_of_the_root_is_absolute() -> None:
    location = of(Problem("/other/a b.yml", 1, 1, "c", "m"), root="/r")["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {"uri": "file:///other/a%20b.yml"}


def test_columns_count_characters(tmp_path: Path) -> None:
    file = tmp_path / "wide.yml"
    file.write_text("planrunner: 1\nname: x\nsteps:\n  - {id: a, description: 😀😀, sett: 1}\n", "utf-8")
    (problem,) = read_plan(str(file), Projects()).checked.problems
    region = of(problem)["locations"][0]["physicalLocation"]["region"]
    line = file.read_text("utf-8").splitlines()[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 :].startswith("sett")


def test_braces_and_links_are_taken_literally() -> None:
    text = of(Problem("a.yml", 1, 1, "c", "no {0} in {{ x }}: [click](https://evil.example)"))["message"]["text"]
    assert text == "no {{0}} in {{{{ x }}}}: [click\\](https://evil.example)"


@settings(derandomize=True, deadline=None)
@given(st.text(min_size=1).filter(lambda name: "\x00" not in name), st.text())
def test_any_text_is_a_document(name: str, message: str) -> None:
    problem = Problem(f"/r/{name}", 1, 1, "c", message)
    result = of(problem, root="/r")
    assert result["message"]["text"].replace("{{", "{").replace("}}", "}").replace("\\](", "](") == message
