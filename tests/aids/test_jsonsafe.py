"""The one way into JSON."""

from __future__ import annotations

import json
import sys
from collections import OrderedDict, UserDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from planrunner.errors import SchemaError
from planrunner.jsonsafe import dumps, loads, to_json_safe


class Colour(Enum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


class Word(StrEnum):
    YES = "yes"


class Shout(str):
    def __str__(self) -> str:
        return "not me"


class Count(int):
    def __int__(self) -> int:
        return 99


class Share(float):
    pass


@dataclass
class Item:
    sku: str
    price: float
    seen: date | None = None


class Order(BaseModel):
    id: str
    placed: datetime
    lines: list[dict[str, float]] = []


class BrokenModel:
    def model_dump(self, mode: str) -> dict[str, Any]:
        raise RuntimeError("no")


class BrokenMapping(UserDict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no")


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        (None, None),
        (True, True),
        (0, 0),
        (-1.5, -1.5),
        ("a\x00é😀", "a\x00é😀"),
        ((1, (2,)), [1, [2]]),
        (Pair(1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": MappingProxyType({"b": (1,)})}), {"a": {"b": [1]}}),
        (UserDict({"a": 1}), {"a": 1}),
        (Colour.RED, "red"),
        (Size.BIG, 3),
        (Word.YES, "yes"),
        ({Word.YES: Word.YES}, {"yes": "yes"}),
        (Shout("a"), "a"),
        (Count(4), 4),
        (Share(0.5), 0.5),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("a/b"), "a/b"),
        (Item("x", 1.5, date(2026, 1, 2)), {"sku": "x", "price": 1.5, "seen": "2026-01-02"}),
        (
            [Order(id="a", placed=datetime(2026, 1, 2, tzinfo=UTC))],
            [{"id": "a", "placed": "2026-01-02T00:00:00Z", "lines": []}],
        ),
        (10**3999, 10**3999),
    ],
)
def test_what_json_can_tell(value: Any, safe: Any) -> None:
    made = to_json_safe(value)
    assert made == safe
    assert exact(made)
    assert loads(dumps(made)) == safe if not isinstance(safe, int) or safe < 10**4000 else True


def exact(value: Any) -> bool:
    """Whether the value is of JSON's own types through and through, not of subclasses."""
    if type(value) is dict:
        return all(type(key) is str and exact(item) for key, item in value.items())
    if type(value) is list:
        return all(map(exact, value))
    return value is None or type(value) in (str, int, float, bool)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def cyclic() -> Any:
    value: dict[str, Any] = {"a": [1]}
    value["a"].append({"back": value})
    return value


def doubling() -> Any:
    value: list[Any] = [1]
    for _ in range(60):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"items": [1, 2, 3, {"price": float("nan")}]}, r"^output\.items\[3\]\.price: it is nan"),
        ([float("inf")], r"^output\[0\]: it is inf"),
        ("a\ud800", r"^output: .*U\+D800, at 1"),
        ({"\udc00": 1}, r"half a character"),
        ({"a b": {"c": b"x"}}, r"^output\['a b'\]\.c: .*type bytes.*decode it"),
        ({"a": {1, 2}}, r"^output\.a: .*type set.*make it a list"),
        (frozenset(), "make it a list"),
        ({1: 2}, "its key is an object of type int"),
        ({None: 2}, "its key is an object of type NoneType"),
        ({Colour.RED: 2}, "its key is an object of type .*Colour"),
        (object(), "type object, which JSON can't tell"),
        (Decimal("1.5"), "type decimal.Decimal"),
        (int, "type type"),
        (Item, "type type"),
        (Order, "can't tell|can't be read|type"),
        (lambda: 1, "type function"),
        ((n for n in [1]), "type generator"),
        (1j, "type complex"),
        (10**4000, "more than 4,000 digits"),
        (-(10**4000), "more than 4,000 digits"),
        (Item("x", float("nan")), r"^output\.price: it is nan"),
        (
            Order(id="a", placed=datetime(2026, 1, 2, tzinfo=UTC), lines=[{"x": float("inf")}]),
            r"^output\.lines\[0\]\.x",
        ),
        (BrokenModel(), "can't be read: no"),
        ({"a": BrokenMapping()}, r"^output\.a: .*can't be read: no"),
        (cyclic(), "it contains itself"),
        (nested(201), "more than 200 levels"),
        (nested(100_000), "more than 200 levels"),
        (doubling(), "too many values"),
    ],
)
def test_what_json_cannot_tell_is_named_with_its_place(value: Any, said: str) -> None:
    with pytest.raises(SchemaError, match=said) as caught:
        to_json_safe(value)
    assert len(str(caught.value)) < 400
    # Deep values are taken apart level by level: dropping them at once would recurse in the interpreter.
    while isinstance(value, list) and len(value) == 1:
        value = value[0]


def test_the_value_has_the_name_it_is_given() -> None:
    with pytest.raises(SchemaError, match=r"^the args of refund\.a: it is nan"):
        to_json_safe({"a": float("nan")}, "the args of refund")


def test_depth_of_two_hundred_is_kept() -> None:
    assert to_json_safe(nested(200)) == nested(200)


def test_little_stack_left_is_no_traceback_of_ours() -> None:
    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        else:
            to_json_safe(nested(190))

    with pytest.raises((SchemaError, RecursionError)) as caught:
        deep(sys.getrecursionlimit() - 150)
    assert isinstance(caught.value, SchemaError)


def test_the_copy_is_nobody_elses() -> None:
    inner = [1]
    value = {"a": inner, "b": inner}
    made = to_json_safe(value)
    inner.append(2)
    value["c"] = []
    made["a"].append(3)
    assert made == {"a": [1, 3], "b": [1]}


def test_a_value_that_changes_while_it_is_read_is_refused() -> None:
    value: dict[str, Any] = {}

    class Meddler(dict[str, Any]):
        def items(self) -> Any:
            value["more"] = 1
            return super().items()

    value["a"] = Meddler()
    with pytest.raises(SchemaError, match="changed size"):
        to_json_safe(value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner),
    max_leaves=30,
)


@settings(derandomize=True, database=None, max_examples=300, deadline=None)
@given(JSON)
def test_json_goes_through_unchanged(value: Any) -> None:
    made = to_json_safe(value)
    assert made == value
    text = dumps(made)
    assert text == json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert loads(text) == value
    assert loads(text.encode()) == value


ANYTHING = st.recursive(
    st.none()
    | st.floats()
    | st.text()
    | st.binary()
    | st.integers()
    | st.dates()
    | st.decimals()
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.sets(st.integers())
    ),
    max_leaves=20,
)


@settings(derandomize=True, database=None, max_examples=300, deadline=None)
@given(ANYTHING)
def test_anything_is_told_or_refused(value: Any) -> None:
    try:
        made = to_json_safe(value)
    except SchemaError:
        return
    assert exact(made)
    dumps(made).encode()


def test_dumps_is_compact_and_keeps_order_and_letters() -> None:
    assert dumps({"b": [1, 2.0, None, True], "a": "é\n"}) == '{"b":[1,2.0,null,true],"a":"é\\n"}'
    with pytest.raises(ValueError, match="JSON"):
        dumps(float("nan"))
    with pytest.raises(TypeError):
        dumps(object())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "[Infinity]",
        "-Infinity",
        "1e999",
        '{"a": -1e999}',
        "01",
        "'a'",
        "[1,]",
        "[" * 100_000,
        b"\xff",
        "1 2",
    ],
)
def test_loads_refuses_what_is_no_json(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text of the standard library's messages is not ours
        loads(text)
