"""The published schema of test files: fresh, valid, described, and of one mind with our own checker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from planrunner.cli.schema import schema_text
from planrunner.document.script import PARTS
from planrunner.document.shape import KEYWORDS, check_shape
from planrunner.document.source import parse, plain
from planrunner.testing.schema import EXPECT, plan_test_schema
from tests.conftest import PROJECT
from tests.testing.conftest import whole
from tests.testing.test_case import WRONG_CASES, WRONG_FILES

SCHEMA = plan_test_schema()
BEYOND = ("unknown-step]", "unknown-tool]", "unknown-name]", "template-syntax]", "at-odds]", "duplicate-name]")
"""What no schema can tell."""


def schemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, Mapping):
        return
    yield schema
    for key in ("properties", "patternProperties", "$defs"):
        for sub in schema.get(key, {}).values():
            yield from schemas(sub)
    for key in ("items", "additionalProperties", "if", "then", "else"):
        yield from schemas(schema.get(key))
    for sub in schema.get("anyOf", ()):
        yield from schemas(sub)


def test_the_file_is_fresh() -> None:
    written = (PROJECT / "schemas" / "plan-test.schema.json").read_text("utf-8")
    assert written == schema_text("test"), "run: planrunner schema test > schemas/plan-test.schema.json"


def test_it_is_a_schema_of_words_that_the_checker_knows() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert {key for schema in schemas(SCHEMA) for key in schema} - KEYWORDS == set()
    targets = {schema["$ref"].removeprefix("#/$defs/") for schema in schemas(SCHEMA) if "$ref" in schema}
    assert targets <= set(SCHEMA["$defs"])


def test_every_key_is_described() -> None:
    keys = [(key, sub) for schema in schemas(SCHEMA) for key, sub in schema.get("properties", {}).items()]
    assert [key for key, sub in keys if not sub.get("description")] == []
    assert {*PARTS, *EXPECT, "given", "cases", "plan", "context", "inputs", "expect"} <= {key for key, _ in keys}


def verdicts(text: bytes) -> tuple[bool, bool]:
    """Ours, and that of the reference implementation."""
    source = parse(text, "x.test.yml")
    assert source.root is not None
    ours = not check_shape(source.root, SCHEMA, "x.test.yml").problems
    return ours, Draft202012Validator(SCHEMA).is_valid(plain(source.root))


@pytest.mark.parametrize("file", sorted((PROJECT / "plans").glob("*.test.yml")), ids=lambda file: file.stem)
def test_both_take_the_examples(file: Path) -> None:
    assert verdicts(file.read_bytes()) == (True, True)


def test_both_refuse_what_is_wrong_and_let_pass_what_no_schema_tells() -> None:
    texts = [(whole(f"- {case}"), problem) for case, problem in WRONG_CASES]
    texts += [entry for entry in WRONG_FILES if entry[0].startswith("planrunner_test") and "\t" not in entry[0]]
    for text, problem in texts:
        ours, theirs = verdicts(text.encode())
        assert ours == theirs, text
        if "]" in problem:
            assert ours == (problem.endswith(BEYOND) or "unquoted" in problem), text
