"""What is told of an expression's value from its text alone holds of the value that it has."""

from __future__ import annotations

from typing import Any

import pytest

from planrunner.errors import TemplateError
from planrunner.template import compile_expression
from planrunner.template.filters import FILTERS
from planrunner.template.outcomes import OF_FILTER, Outcome, idle_defaults, literal, outcomes

KINDS = {
    "text": str,
    "an empty text": str,
    "a number": int | float,
    "a number or text": int | float | str,
    "a sum": int | float | str | list,
    "a list": list,
    "an object": dict,
    "null": type(None),
}
VALUES: list[Any] = [True, False, None, 0, 1.5, "", "a", "2026-01-02", [], [1], ["b", "a"], [{"a": 1}], {}, {"a": 1}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x.a | length", [(0, "a number")]),
        ("x == 1", []),
        ("true", []),
        ("'a'", [(0, "text")]),
        ("1 + x", [(0, "a sum")]),
        ("x ~ 'a'", [(0, "text")]),
        ("[x]", [(0, "a list")]),
        ("{'a': x}", [(0, "an object")]),
        ("null", [(0, "null")]),
        ("none", [(0, "null")]),
        ("x or 'a'", [(0, ""), (5, "text")]),
        ("x and 'a'", [(6, "text")]),
        ("1 and x", [(6, "")]),
        ("1 or x", [(0, "a number"), (5, "")]),
        ("'a' if x else 1", [(0, "text"), (14, "a number")]),
        ("x | default", [(0, "an empty text"), (0, "")]),
        ("x | default('a')", [(0, ""), (12, "text")]),
        ("(x or null) | default(false)", [(1, "")]),
        ("x | int('a')", []),
        ("x | first", []),
    ],
)
def test_the_values_that_an_expression_can_have(text: str, told: list[tuple[int, str]]) -> None:
    assert [(found.offset, found.kind) for found in outcomes(text)] == told


def test_of_a_path_its_names_are_told() -> None:
    assert outcomes("steps.a['b c'][0]") == [Outcome(0, "", ("steps", "a", "b c", "0"))]


def test_every_filter_with_a_kind_is_a_filter() -> None:
    assert OF_FILTER.keys() <= FILTERS.keys()


@pytest.mark.parametrize("name", OF_FILTER)
def test_a_filter_gives_what_is_told_of_it(name: str) -> None:
    given = {
        "batch": "(2)",
        "date": "('%Y')",
        "groupby": "('a')",
        "replace": "('a', 'b')",
        "map": "('string')",
        "selectattr": "('a')",
        "rejectattr": "('a')",
    }
    text = f"x | {name}{given.get(name, '')}"
    (told,) = outcomes(text)
    rendered = []
    for value in VALUES:
        try:
            rendered.append(compile_expression(text)({"x": value}))
        except TemplateError:
            continue
    assert rendered
    for value in rendered:
        assert isinstance(value, KINDS[told.kind])
        assert not isinstance(value, bool)


@pytest.mark.parametrize("text", ["x + x", "x * 2", "x - x", "-x", "x ~ x", "range(2)", "x // 2", "x ** 2", "x % 2"])
def test_an_operator_never_gives_true_or_false(text: str) -> None:
    (told,) = outcomes(text)
    for value in VALUES:
        try:
            rendered = compile_expression(text)({"x": value})
        except TemplateError:
            continue
        assert not isinstance(rendered, bool)
        assert isinstance(rendered, KINDS[told.kind])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("(False)", False),
        ("not true", False),
        ("not not x", None),
        ("1", None),
        ("x", None),
        ("(", None),
    ],
)
def test_what_says_no_more_than_true_or_false(text: str, value: bool | None) -> None:
    assert literal(text) is value


@pytest.mark.parametrize(
    ("text", "bare", "offsets"),
    [
        ("x == 'a' | default('b')", True, [5]),
        ("{{ x | default(1) }} and {{ 1 | d(2) }}", False, [28]),
        ("null | default(1)", True, []),
        ("(x == 1) | default(true)", True, []),
        ("no default here", False, []),
    ],
)
def test_a_default_behind_what_is_written_out(text: str, bare: bool, offsets: list[int]) -> None:
    assert idle_defaults(text, bare) == offsets


def test_very_long_chains_are_no_trouble() -> None:
    assert outcomes(" or ".join(["x"] * 200)) == [Outcome(5 * number, "", ("x",)) for number in range(200)]
