"""Verdicts on values and schemas, and how they are told."""

from __future__ import annotations

import subprocess
import sys
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from planrunner import json_schema
from planrunner.errors import SchemaError
from planrunner.json_schema import check_schema, check_value, compile_schema, short_form, with_defaults

ORDER = short_form(
    {
        "verdict": {"enum": ["refund", "reject", 3]},
        "amount": {"type": "number", "minimum": 0},
        "lines": {
            "type": "array",
            "maxItems": 2,
            "uniqueItems": True,
            "items": {
                "type": "object",
                "properties": {"sku": {"type": "string", "pattern": "^A-"}},
                "required": ["sku"],
            },
            "default": [],
        },
        "email": {"type": "string", "format": "email", "default": ""},
        "note": {"type": ["string", "null"], "default": None},
        "when": {"anyOf": [{"type": "string", "format": "date"}, {"type": "integer", "minimum": 5}], "default": 5},
        "who": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "kind": {"const": "order", "default": "order"},
        "size": {"type": "integer", "exclusiveMaximum": 10, "multipleOf": 2, "default": 2},
        "name": {"type": "string", "minLength": 2, "maxLength": 4, "default": "abc"},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 1, "default": {}},
    }
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "refnd"}, ['verdict: must be one of "refund", "reject", 3, is "refnd"; did you mean \'refund\'?']),
        ({"amount": "3"}, ['amount: must be a number, is the string "3"']),
        ({"amount": True}, ["amount: must be a number, is true"]),
        ({"amount": -1}, ["amount: must be at least 0, is -1"]),
        ({"amunt": 1}, ["amunt: is not a known name; known here: verdict, amount, lines"]),
        ({"lines": [{"sku": "B-1"}]}, ['lines[0].sku: must match the pattern ^A-, is "B-1"']),
        ({"lines": [{}]}, ["lines[0].sku: is missing"]),
        ({"lines": {}}, ["lines: must be a list, is the object {}"]),
        ({"lines": [{"sku": "A-1"}, {"sku": "A-1"}]}, ["lines: must not hold an item twice"]),
        ({"lines": [{"sku": f"A-{n}"} for n in range(3)]}, ["lines: must have at most 2 items"]),
        ({"email": "x"}, ["email: must be of the format 'email', is \"x\""]),
        ({"note": 3}, ["note: must be", "a string", "null", "is the number 3"]),
        ({"when": 3}, ["when: fits none of the forms it may have", "a string", "must be at least 5"]),
        ({"who": 3}, ["who: must be a string or null, is the number 3"]),
        ({"kind": "x"}, ['kind: must be "order", is "x"']),
        ({"size": 10}, ["size: must be less than 10, is 10"]),
        ({"size": 3}, ["size: must be a multiple of 2, is 3"]),
        ({"size": 2.5}, ["size: must be a whole number, is the number 2.5"]),
        ({"name": "a"}, ['name: must have at least 2 characters, is "a"']),
        ({"name": "x" * 200}, ["name: must have at most 4 characters", "xxx..."]),
        ({"map": {"a b": "x"}}, ["map['a b']: must be a whole number"]),
        ({"map": {"a": 1, "b": 2}}, ["map: must have at most 1 entry, is"]),
        ({"amount": None, "verdict": "x"}, ["amount: must be a number, is null", "verdict: must be one of"]),
    ],
)
def test_problems_are_told_in_our_words(change: dict[str, Any], said: list[str]) -> None:
    value = {"verdict": "refund", "amount": 1, **change}
    checker = compile_schema(ORDER)
    assert not checker.valid(value)
    told = "\n".join(map(str, checker.problems(value)))
    for part in said:
        assert part in told
    with pytest.raises(SchemaError) as caught:
        check_value(ORDER, value, "the output of triage")
    assert str(caught.value).startswith("the output of triage does not meet its schema: ")
    assert said[0] in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"minLength": 1}, "", 'the value: must have at least 1 character, is ""'),
        ({"maxItems": 1}, [1, 2], "the value: must have at most 1 item, is [1,2]"),
        ({"maxItems": 0}, [1], "the value: must have at most 0 items, is [1]"),
        ({"enum": ["a"]}, "b", 'the value: must be "a", is "b"'),
        ({"enum": []}, 1, "the value: may not be given: its schema lists no value, is 1"),
        ({"properties": {"a": False}}, {"a": 1}, "a: may not be given, is 1"),
        ({"prefixItems": [True], "items": False}, [1, 2], "[1]: may not be given, is 2"),
        ({"propertyNames": {"pattern": "^a"}}, {"b": 1}, 'b: its name must match the pattern ^a, is "b"'),
        ({"contains": {"type": "null"}, "maxContains": 1}, [None] * 2, "as many as it says, is [null,null]"),
        ({"unevaluatedItems": False}, [1], "the value: has more items than its schema allows, is [1]"),
        ({"pattern": "\x1b\n"}, "q", "must match the pattern '\\x1b\\n', is \"q\""),
        ({"enum": [*range(500)]}, "q", '18, 19 and 480 more, is "q"'),
        ({"additionalProperties": False, "properties": {"\x1b": True}}, {"b": 1}, r"known here: '\x1b'"),
    ],
)
def test_each_demand_is_a_sentence(schema: dict[str, Any], value: Any, said: str) -> None:
    (problem,) = compile_schema(schema).problems(value)
    assert str(problem).endswith(said)


def test_a_problem_is_short_however_large_the_value_and_the_schema_are() -> None:
    schema = {"properties": {f"name_{n}": True for n in range(900)}, "additionalProperties": False}
    (unknown,) = compile_schema(schema).problems({"x" * 9000: 1})
    (missing,) = compile_schema({"required": ["y" * 9000]}).problems({})
    (pattern,) = compile_schema({"pattern": "^" + "z" * 9000}).problems("q" * 9000)
    assert str(unknown).startswith("xxx")
    assert str(unknown).endswith("name_19 and 880 more")
    assert all(len(str(problem)) < 400 for problem in (unknown, missing, pattern))


def test_a_name_near_a_known_one_is_suggested() -> None:
    told = [str(problem) for problem in compile_schema(ORDER).problems({"verdict": "refund", "amuont": 1})]
    assert sorted(told) == ["amount: is missing", "amuont: is not a known name; did you mean 'amount'?"]


def test_a_wrong_root_and_a_right_value() -> None:
    assert [str(problem) for problem in compile_schema(ORDER).problems([])] == [
        "the value: must be an object, is the list []"
    ]
    assert compile_schema(ORDER).problems({"verdict": 3, "amount": 0}) == []
    check_value(ORDER, {"verdict": 3, "amount": 0}, "it")


def test_problems_are_bounded() -> None:
    assert len(compile_schema({"items": {"type": "string"}}).problems(list(range(10_000)))) == 50


@pytest.mark.parametrize(
    ("schema", "path", "said"),
    [
        ({"type": "strng"}, ("type",), "did you mean 'string'?"),
        ({"type": ["string", "nul"]}, ("type",), "did you mean 'null'?"),
        ({"type": {"a": 1}}, ("type",), "must be one of string, integer"),
        (
            {"properties": {"a": {"minimum": "3"}}},
            ("properties", "a", "minimum"),
            'must be a number, is the string "3"',
        ),
        ({"properties": []}, ("properties",), "must be an object"),
        ({"properties": {"type": 3}}, ("properties", "type"), "must be true or false or an object"),
        ({"required": "a"}, ("required",), "must be a list"),
        ({"enum": 3}, ("enum",), "must be a list"),
        ({"minLength": -1}, ("minLength",), "must be at least 0"),
        ({"items": {"minimun": 3}}, ("items", "minimun"), "no keyword 'minimun'; did you mean 'minimum'?"),
        ({"pattern": "("}, ("pattern",), "no usable pattern"),
        ({"allOf": [{"pattern": "a(?=b)"}]}, ("allOf", 0, "pattern"), "without lookarounds"),
        ({"pattern": r"(a)\1"}, ("pattern",), "backreferences"),
        ({"pattern": "a{1000000}"}, ("pattern",), "moderate size"),
        ({"patternProperties": {"(": {}}}, ("patternProperties", "("), "no usable pattern"),
        ({"$ref": "http://127.0.0.1:9/x"}, ("$ref",), "nothing is fetched"),
        ({"$ref": "file:///etc/passwd"}, ("$ref",), "nothing is fetched"),
        (
            {"$id": "http://x/y", "properties": {"a": {"$ref": "z.json"}}},
            ("properties", "a", "$ref"),
            "outside of this",
        ),
        ({"anyOf": [{"$dynamicRef": "https://x/y#z"}]}, ("anyOf", 0, "$dynamicRef"), "outside of this schema"),
        ({"$ref": "#/$defs/a"}, ("$ref",), '"#/$defs/a" leads to nothing'),
        ({"$schema": "http://127.0.0.1:9/meta"}, ("$schema",), "or be left out"),
        (3, (), "must be a JSON Schema (an object), is 3"),
        ({"default": float("nan")}, (), "it is nan"),
    ],
)
def test_problems_of_schemas(schema: Any, path: tuple[str | int, ...], said: str) -> None:
    problems = check_schema(schema)
    assert [problem.path for problem in problems] == [path]
    assert said in problems[0].message


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        ORDER,
        {"$ref": "#/$defs/a", "$defs": {"a": {"$anchor": "b", "type": "string"}}},
        {"properties": {"$ref": {"type": "string"}, "pattern": {"type": "integer"}}},
        {"const": {"$ref": "http://x/y"}, "default": {"pattern": "("}, "examples": [{"type": "strng"}]},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}, "$ref": "#/definitions/a"},
        {"x-anything": 1, "nullable": True, "example": 3},
        MappingProxyType({"type": "object", "properties": MappingProxyType({"a": {"type": "string"}})}),
    ],
)
def test_good_schemas(schema: Any) -> None:
    assert check_schema(schema) == []
    compile_schema(schema)


@pytest.mark.parametrize("schema", [{"$ref": "http://127.0.0.1:9/x"}, {"type": "strng"}, {"pattern": "(?=a)"}])
def test_an_unusable_schema_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaError, match="no usable JSON Schema"):
        compile_schema(schema)


def test_a_schema_of_unknown_draft_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(SchemaError, match=r"\$schema: must be"):
        compile_schema({"$schema": "http://127.0.0.1:9/meta", "type": "string"})


def test_schemas_that_refer_to_themselves() -> None:
    tree = compile_schema({"type": "object", "properties": {"child": {"$ref": "#"}}, "additionalProperties": False})
    assert tree.valid({"child": {"child": {}}})
    assert not tree.valid({"child": {"other": 1}})
    assert compile_schema({"$ref": "#"}).valid(1)


PROGRAM = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
from planrunner.json_schema import compile_schema
assert not compile_schema({"pattern": "(a+)+$"}).valid("a" * 200_000 + "b")
assert not compile_schema({"patternProperties": {"^(a|a)*$": False}, "pattern": "^(a|aa)+$"}).valid("a" * 200_000 + "b")
assert compile_schema({"format": "email"}).valid("a" * 64 + "@example.org")
assert not compile_schema({"format": "regex"}).valid("(")
for kind in ("email", "uri", "hostname", "date-time", "idn-email", "iri", "ipv6", "uuid", "duration", "regex"):
    compile_schema({"format": kind}).valid("a." * 100_000 + "!")
print("done")
"""


def test_no_pattern_or_format_takes_long() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_the_libraries_are_imported_on_first_use() -> None:
    program = (
        "import sys; from planrunner.json_schema import check_value;"
        "assert not {'jsonschema', 'jsonschema_rs'} & set(sys.modules);"
        "check_value({'type': 'string'}, 'x', 'it'); assert 'jsonschema_rs' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_checkers_are_kept_and_bounded() -> None:
    schema = {"type": "string", "minLength": 7}
    assert compile_schema(schema) is compile_schema(schema) is compile_schema(dict(schema))
    for number in range(1500):
        compile_schema({"maximum": number})
    assert len(json_schema._by_identity) <= 1024
    assert json_schema._by_content.cache_info().currsize <= 512


def test_short_form() -> None:
    properties = {"a": {"type": "string"}, "b": {"default": None}, "c": True}
    assert short_form(properties) == {
        "type": "object",
        "properties": properties,
        "required": ["a", "c"],
        "additionalProperties": False,
    }
    assert compile_schema(short_form(properties, extra=True)).valid({"a": "", "c": 1, "d": 2})


def test_defaults_are_filled_in_and_not_shared() -> None:
    schema = short_form({"a": {"default": [1]}, "b": {"default": None}, "c": {"type": "string"}, "d": {"default": 1}})
    given = {"d": 2}
    value = with_defaults(schema, given)
    assert value == {"a": [1], "b": None, "d": 2}
    value["a"].append(2)
    assert with_defaults(schema, given) == {"a": [1], "b": None, "d": 2}
    assert given == {"d": 2}
    assert with_defaults({}, given) == given


SUB = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer"},
        {"type": ["null", "boolean"]},
        {"enum": [1, "a", None, [1]]},
        {"const": {"a": 1}},
        {"minimum": 0, "maximum": 10},
        {"minLength": 1},
        {"pattern": "^a"},
        True,
        False,
    ]
)
SCHEMAS = st.recursive(
    SUB,
    lambda inner: st.one_of(
        st.builds(lambda a, b: {"properties": {"a": a, "b": b}, "required": ["a"]}, inner, inner),
        st.builds(lambda a: {"items": a, "maxItems": 3}, inner),
        st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
        st.builds(lambda a, b: {"oneOf": [a, b]}, inner, inner),
        st.builds(lambda a: {"not": a}, inner),
        st.builds(lambda a, b: {"if": a, "then": b}, inner, inner),
        st.builds(lambda a: {"additionalProperties": a}, inner),
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    st.sampled_from([None, True, 0, 1, 5.5, "a", "b", ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner),
    max_leaves=8,
)


@settings(derandomize=True, database=None, max_examples=400, deadline=None)
@given(SCHEMAS, VALUES)
def test_verdicts_are_those_of_the_reference_implementation(schema: Any, value: Any) -> None:
    checker = compile_schema(schema)
    valid = Draft202012Validator(schema).is_valid(value)
    assert checker.valid(value) is valid
    problems = checker.problems(value)
    assert bool(problems) is not valid
    assert all(str(problem) for problem in problems)
