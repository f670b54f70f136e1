"""Which parts of a value are not what was said of it."""

from __future__ import annotations

from typing import Any

import pytest

from planrunner.plan import MISSING
from planrunner.subset import contains, unlike


@pytest.mark.parametrize(
    ("expected", "got", "parts", "exact"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, [], [(("b",), MISSING, 2)]),
        (
            {"a": {"b": [{"c": 1}]}},
            {"a": {"b": [{"c": 2, "d": 0}]}},
            [(("a", "b", 0, "c"), 1, 2)],
            [(("a", "b", 0, "d"), MISSING, 0)],
        ),
        ({"a": 1}, {}, [(("a",), 1, MISSING)], None),
        ({"a": None}, {"a": None}, [], None),
        ([1, 2], [1], [((), [1, 2], [1])], None),
        ([1, 2], [2, 1], [((0,), 1, 2), ((1,), 2, 1)], None),
        (1, 1.0, [], None),
        (1, True, [((), 1, True)], None),
        (0, False, [((), 0, False)], None),
        ("1", 1, [((), "1", 1)], None),
        ({}, [], [((), {}, [])], None),
        ({}, {"a": 1}, [], [(("a",), MISSING, 1)]),
    ],
)
def test_the_smallest_parts_are_named(expected: Any, got: Any, parts: list[Any], exact: list[Any] | None) -> None:
    assert list(unlike(expected, got)) == parts
    assert contains(got, expected) == (parts == [])
    found = list(unlike(expected, got, exact=True))
    assert [part for part in found if part not in parts] == (exact or [])
