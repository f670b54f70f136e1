"""The published schema: fresh, valid, and of one mind with our own checker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from planrunner.document.schema import kind, plan_schema, published_schema, schema_text
from planrunner.document.shape import KEYWORDS, check_shape
from planrunner.document.source import parse, plain
from planrunner.steps import VERBS
from tests.document.broken import broken_plans

PROJECT = Path(__file__).parent.parent.parent
PLANS = PROJECT / "tests" / "plans"
# Beyond a schema: what these say is not told by one.
OURS_ALONE = {"template-not-here"}


def test_the_file_is_fresh() -> None:
    written = (PROJECT / "schemas" / "plan.schema.json").read_text(encoding="utf-8")
    assert written == schema_text(), "run: planrunner schema plan > schemas/plan.schema.json"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(plan_schema())
    json.dumps(plan_schema(), allow_nan=False)


def _schemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, Mapping):
        return
    yield schema
    for key in ("properties", "patternProperties", "$defs"):
        for sub in schema.get(key, {}).values():
            yield from _schemas(sub)
    for key in ("items", "additionalProperties", "if", "then", "else"):
        yield from _schemas(schema.get(key))
    for sub in schema.get("anyOf", ()):
        yield from _schemas(sub)


def test_what_is_published_is_what_the_checker_walks_and_messages_for_editors() -> None:
    assert _without_messages(published_schema()) == _without_messages(plan_schema())
    said = {schema["errorMessage"] for schema in _schemas(published_schema()) if "errorMessage" in schema}
    assert "expected a list of steps, each beginning with '- id: …'" in said


def _without_messages(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {key: _without_messages(value) for key, value in schema.items() if key != "errorMessage"}
    return [_without_messages(item) for item in schema] if isinstance(schema, list) else schema


def test_a_message_on_a_map_would_hide_which_key_is_wrong() -> None:
    for schema in _schemas(published_schema()):
        assert "errorMessage" not in schema or not {"properties", "patternProperties"} & set(schema)


def test_it_uses_only_words_that_the_checker_knows() -> None:
    used = {key for schema in _schemas(plan_schema()) for key in schema}
    assert used - KEYWORDS == set()


def test_conditions_use_only_words_that_the_checker_evaluates() -> None:
    conditions = [schema["if"] for schema in _schemas(plan_schema()) if "if" in schema]
    assert conditions
    for condition in conditions:
        assert condition.keys() <= {"type", "required", "properties"}
        assert all(set(sub) == {"const"} for sub in condition.get("properties", {}).values())


def test_references_lead_somewhere() -> None:
    targets = {schema["$ref"] for schema in _schemas(plan_schema()) if "$ref" in schema}
    assert {target.removeprefix("#/$defs/") for target in targets} <= set(plan_schema()["$defs"])


def test_every_key_is_described() -> None:
    bare = [
        key
        for schema in _schemas(plan_schema())
        for key, sub in schema.get("properties", {}).items()
        if isinstance(sub, Mapping) and set(sub) != {"const"} and not _description(sub)
    ]
    assert bare == []


def _description(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema and "description" not in schema:
        return _description(plan_schema()["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    return str(schema.get("description", ""))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_its_shape(verb: str) -> None:
    assert kind(verb).verb == verb
    assert kind(verb).schema["description"]
    assert verb in plan_schema()["$defs"][f"step_{verb}"]["required"]


def test_the_last_else_lists_all_verbs() -> None:
    shape = plan_schema()["$defs"]["step"]
    while "else" in shape:
        shape = shape["else"]
    assert [branch["required"] for branch in shape["anyOf"]] == [[verb] for verb in VERBS]
    assert set(VERBS) <= set(shape["properties"])


def _verdicts(text: bytes) -> tuple[bool, bool] | None:
    """Ours and that of the reference implementation; None where there is no tree or more than a shape is wrong."""
    source = parse(text, "f.yml")
    if source.root is None or source.problems:
        return None
    problems = check_shape(source.root, plan_schema(), "f.yml").problems
    if any(problem.code in OURS_ALONE for problem in problems):
        return None
    return not problems, Draft202012Validator(plan_schema()).is_valid(plain(source.root))


@pytest.mark.parametrize("file", sorted(PLANS.glob("*/*.yml")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_both_say_the_same_of_every_case(file: Path) -> None:
    verdicts = _verdicts(file.read_bytes())
    if file.parent.name in ("ok", "later"):
        assert verdicts == (True, True)
    elif verdicts is not None:
        assert verdicts[0] == verdicts[1]


def test_both_say_the_same_of_plans_with_one_thing_broken() -> None:
    # All 10,000 agree too; a part of them is enough to see a change.
    said = [(_verdicts(text), text) for text in islice(broken_plans(), 0, None, 5)]
    told = [(verdicts, text) for verdicts, text in said if verdicts is not None]
    assert len(told) > 2000
    assert sum(not verdicts[0] for verdicts, _ in told) > 1000
    assert [text.decode() for verdicts, text in told if verdicts[0] != verdicts[1]] == []
