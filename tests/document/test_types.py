"""The algebra of types is at least as wide as JSON Schema: what can come is never told of as missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planrunner.document.filtered import gives, parts_of
from planrunner.document.schema_types import of_schema
from planrunner.document.types import (
    ANY,
    NULL,
    TEXT,
    Type,
    can_meet,
    is_among,
    kind_of,
    list_of,
    look,
    made,
    meet,
    one_of,
    union,
)
from planrunner.json_schema import compile_schema
from planrunner.template.faults import Budget, Fault
from planrunner.template.filters import FILTERS

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 2.5]), st.sampled_from(["x", "y"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


def _of(value: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Schemas that have a good chance to be met by the value."""
    kind = kind_of(value)
    some: list[st.SearchStrategy[dict[str, Any]]] = [
        st.just({}),
        st.just({"type": kind}),
        st.just({"type": [kind, "null" if value is not None else "string"]}),
        st.just({"const": value}),
        st.just({"enum": ["x", value, 7]}),
        st.just({"$ref": "#/$defs/any"}),
        st.just({"$ref": "#/$defs/loop"}),
    ]
    if isinstance(value, dict):
        fields = st.fixed_dictionaries({name: st.deferred(lambda each=each: _of(each)) for name, each in value.items()})
        closed = st.sampled_from([False, True, {}, {"type": "string"}])
        some.append(
            st.builds(lambda p, c: {"type": "object", "properties": p, "additionalProperties": c}, fields, closed)
        )
        some.append(st.builds(lambda p: {"properties": p, "additionalProperties": False}, fields))
        some.append(st.builds(lambda p: {"allOf": [{"properties": p}, {"type": "object"}]}, fields))
    if isinstance(value, list) and value:
        items = st.lists(_of(value[0]), min_size=1, max_size=1)
        some.append(st.builds(lambda i: {"type": "array", "items": i[0]}, items))
        some.append(st.builds(lambda i: {"type": "array", "prefixItems": i}, items))
    one = st.one_of(some)
    other = st.sampled_from([{"type": "string"}, {"type": "object", "additionalProperties": False}, {"enum": [1]}])
    both = st.builds(lambda a, b, word: {word: [a, b]}, one, other, st.sampled_from(["anyOf", "oneOf"]))
    return st.one_of(one, both, st.builds(lambda a: {"allOf": [a, {}]}, one))


@st.composite
def met(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    """A schema and a value that meets it."""
    value = draw(VALUES)
    schema = {**draw(_of(value)), "$defs": {"any": {}, "loop": {"anyOf": [{}, {"$ref": "#/$defs/loop"}]}}}
    for shown in (value, draw(VALUES)):
        if compile_schema(schema).valid(shown):
            return schema, shown
    return {}, value


def _check(told: Type, value: Any) -> None:
    """Every path there is in the value is there by its type, and every kind and value is among those that can come."""
    kinds = {"integer", "number"} if kind_of(value) == "integer" else {kind_of(value)}
    whole = isinstance(value, float) and value.is_integer()
    assert not told.shapes or kinds & told.kinds or whole
    assert told.values is None or is_among(value, told.values)
    if isinstance(value, Mapping):
        for key, each in value.items():
            looked = look(told, key)
            assert not looked.missing
            _check(looked.type, each)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            looked = look(told, place)
            assert not looked.missing
            _check(looked.type, each)


@given(met())
def test_what_meets_a_schema_is_of_its_type(case: tuple[dict[str, Any], Any]) -> None:
    schema, value = case
    _check(of_schema(schema), value)


@given(met(), met())
def test_a_union_takes_what_either_takes_and_a_meeting_what_both_take(
    one: tuple[Any, Any], other: tuple[Any, Any]
) -> None:
    left, right = of_schema(one[0]), of_schema(other[0])
    _check(union(left, right), one[1])
    _check(union(left, right), other[1])
    if compile_schema(other[0]).valid(one[1]):
        _check(meet(left, right), one[1])
        assert can_meet(left, right)


@given(met())
def test_a_value_that_counts_as_true_is_of_the_truthy_part(case: tuple[Any, Any]) -> None:
    if case[1]:
        _check(of_schema(case[0]).truthy(), case[1])


@given(VALUES)
def test_what_the_schema_lacks_is_missing(value: Any) -> None:
    closed = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    assert look(of_schema(closed), "b").missing
    assert look(union(of_schema(closed), NULL), "b").missing
    assert look(one_of([value]), "b").missing is (value is not None and not isinstance(value, dict))


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        {"type": "object"},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
        {"type": "object", "patternProperties": {"^b": {}}, "additionalProperties": False},
        {"anyOf": [{"type": "string"}, {"type": "object"}]},
        {"type": ["string", "object"]},
        {"$ref": "#/$defs/none"},
        {"$ref": "#"},
        {"$ref": "https://example.org/schema"},
        {"type": "nonsense"},
        {"properties": "nonsense", "enum": 3, "anyOf": {}, "allOf": 1},
    ],
)
def test_of_what_a_schema_leaves_open_nothing_is_missing(schema: Any) -> None:
    assert not look(of_schema(schema), "b").missing


def test_in_old_drafts_nothing_beside_a_ref_counts() -> None:
    old = "http://json-schema.org/draft-07/schema#"
    schema = {"$schema": old, "$ref": "#/definitions/open", "additionalProperties": False, "definitions": {"open": {}}}
    assert not look(of_schema(schema), "b").missing


def test_a_schema_may_hold_itself() -> None:
    node = {"type": "object", "properties": {"below": {"$ref": "#"}}, "additionalProperties": False}
    told = of_schema(node)
    for _ in range(50):
        told = look(told, "below").type
    assert look(told, "beside").missing


def test_references_that_double_at_every_step_are_read_once_each() -> None:
    doubled = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(20)}
    told = of_schema({"$ref": "#/$defs/d0", "$defs": {**doubled, "d20": {"type": "string"}}})
    assert told == TEXT


def test_items_and_fields_are_worked_out_when_they_are_asked_for() -> None:
    def never() -> Type:
        raise AssertionError

    told = made({"a": lambda: list_of(lambda: TEXT), "b": never})
    assert look(look(told, "a").type, 0).type == TEXT
    assert told.names == ("a", "b")
    assert look(ANY, "a").type == ANY


def test_true_is_not_one() -> None:
    assert not is_among(True, [1, "x"])
    assert is_among(1, [1.0])


_FILTERED = [name for name in FILTERS if name not in ("d", "default", "map", "rejectattr", "selectattr")]


@given(met(), st.sampled_from(_FILTERED))
def test_what_a_filter_gives_is_of_the_type_that_is_told_of_it(case: tuple[Any, Any], name: str) -> None:
    schema, value = case
    arguments = {"batch": (2,), "groupby": (0,)}.get(name, ())
    try:
        given = FILTERS[name](Budget(), value, *arguments)
    except (Fault, TypeError):
        return
    _check(gives(name, of_schema(schema), bool(arguments)), given)


@given(met(), st.sampled_from(["a", "b", "a.b", "0", 0]))
def test_what_an_attribute_leads_to_is_there_by_its_type(case: tuple[Any, Any], attribute: str | int) -> None:
    schema, value = case
    try:
        picked = FILTERS["map"](Budget(), value, attribute=attribute)
    except Fault:
        return
    whole = of_schema(schema).item()
    for part in parts_of(attribute):
        looked = look(whole, part)
        assert not (looked.missing and picked)
        whole = looked.type
    for each in picked:
        _check(whole, each)
