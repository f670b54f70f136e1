"""`K=V`, `K:=JSON`, moments, and what an input of the plan takes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from time import time
from typing import Any

import click
import pytest

from planrunner.cli.values import allows_text, input_values, merged, pairs, since, utf8
from planrunner.errors import UsageError

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "pattern": "^A"},
        "days": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "any": {},
        "either": {"type": ["integer", "null"]},
    },
}


def texts(_: str, text: str) -> Any:
    return text


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("name=Ada", "name", "Ada"),
        ("name=", "name", ""),
        ("name=a=b", "name", "a=b"),
        ("name=:=1", "name", ":=1"),
        ("a:b=c", "a:b", "c"),
        ("n:=1", "n", 1),
        ("n:=[1, null]", "n", [1, None]),
        ('n:="x"', "n", "x"),
        ("name={{ 7*7 }}", "name", "{{ 7*7 }}"),
    ],
)
def test_pairs(word: str, key: str, value: Any) -> None:
    assert pairs("--data", [word], texts) == {key: value}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["name"], "--data name: expected NAME=VALUE, or NAME:=JSON"),
        (["=x"], "--data =x: expected NAME=VALUE, or NAME:=JSON"),
        ([":=1"], "--data :=1: expected NAME=VALUE, or NAME:=JSON"),
        (["a=1", "a:=2"], "--data a is given twice; give it once"),
        (["a:=Ada"], "--data a:=Ada is not JSON; a text needs quotes of its own, such as --data 'a:=\"text\"'"),
        (["{x}:={y}"], "--data {x}:={y} is not JSON (line 1, column 2); a text"),
        (["a:=NaN"], "--data a:=NaN is not JSON (NaN is no JSON)"),
        (["a:=1e999"], "--data a:=1e999 is not JSON (1e999 is too large for a number)"),
        (["a:=" + "[" * 100_000], "is not JSON ("),
    ],
)
def test_wrong_pairs(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        pairs("--data", words, texts)
    assert message in str(raised.value)
    assert len(str(raised.value)) < 250


def test_an_input_is_a_text_where_the_plan_allows_one() -> None:
    words = ["city=5", "days=5", "tags=[]", "any=5", "either=null"]
    assert input_values(words, SCHEMA) == {"city": "5", "days": 5, "tags": [], "any": "5", "either": None}
    assert input_values(["any:=5"], SCHEMA) == {"any": 5}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("dayz=5", "--input dayz: the plan has no such input; did you mean 'days'?"),
        ("zzz=5", "--input zzz: the plan has no such input; its inputs are city, days, tags, any, either"),
        ("days=five", "--input days=five is not JSON; the plan wants a whole number here, written as JSON"),
        ("either=x", "--input either=x is not JSON; the plan wants "),
    ],
)
def test_wrong_inputs(word: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        input_values([word], SCHEMA)
    assert str(raised.value).startswith(message)


def test_a_plan_without_inputs_says_so() -> None:
    with pytest.raises(UsageError, match="the plan has no such input; it takes no inputs"):
        input_values(["a=1"], {"type": "object", "properties": {}})


@pytest.mark.parametrize(
    ("schema", "allowed"),
    [
        ({}, True),
        (True, True),
        (False, False),
        ({"type": "string"}, True),
        ({"type": "number"}, False),
        ({"type": ["null", "string"]}, True),
        ({"enum": [1, "a"]}, True),
        ({"enum": [1, 2]}, False),
        ({"const": "a"}, True),
        ({"const": 1}, False),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, True),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, False),
        ({"allOf": [{"minLength": 1}, {"type": "string"}]}, True),
        ({"allOf": [{"type": "integer"}]}, False),
    ],
)
def test_allows_text(schema: Any, allowed: bool) -> None:
    assert allows_text(schema) is allowed


def test_values_may_come_from_a_file_or_a_flag_but_not_from_both() -> None:
    assert merged("the input", {"a": 1}, {"b": 2}) == {"a": 1, "b": 2}
    with pytest.raises(UsageError, match="the input b is given twice: in a file and by a flag"):
        merged("the input", {"a": 1, "b": 1}, {"b": 2})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T10:30", datetime(2026, 1, 31, 10, 30, tzinfo=UTC)),
        ("2026-01-31T10:30+02:00", datetime(2026, 1, 31, 8, 30, tzinfo=UTC)),
        ("2026-01-31T10:30:00Z", datetime(2026, 1, 31, 10, 30, tzinfo=UTC)),
    ],
)
def test_since(text: str, moment: datetime) -> None:
    assert since(text) == moment.timestamp()


@pytest.mark.parametrize(("text", "ago"), [("30s", 30), ("5m", 300), ("1.5h", 5400), ("2d", 172_800)])
def test_since_some_time_ago(text: str, ago: float) -> None:
    before = time()
    assert before - ago <= since(text) <= time() - ago


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2 d", "-2d", "9" * 400 + "d"])
def test_since_wants_a_time(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--since .*: expected a time such as 2026-01-31"):
        since(text)


def test_words_are_utf8() -> None:
    assert utf8("Ådne") == "Ådne"
    with pytest.raises(click.BadParameter, match="is not UTF-8 text"):
        utf8(os.fsdecode(b"\xff"))
