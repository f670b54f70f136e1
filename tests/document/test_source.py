"""YAML into a tree: words, places, bounds."""

from __future__ import annotations

from typing import Any

import pytest

from planrunner.document.places import place
from planrunner.document.problem import MAX_PROBLEMS
from planrunner.document.source import MAX_BYTES, MAX_DEPTH, MAX_NODES, MapNode, ScalarNode, Source, parse, plain


def read(text: str) -> Source:
    return parse(text.encode(), "f.yml")


def said(text: str | bytes) -> list[str]:
    source = parse(text.encode() if isinstance(text, str) else text, "f.yml")
    return [f"{problem.line}:{problem.column} {problem.code}" for problem in source.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: &x {b: 1}, c: *x}", {"a": {"b": 1}, "c": {"b": 1}}),
        ("{a: &x {b: 1, c: 2}, d: {<<: *x, c: 3}}", {"a": {"b": 1, "c": 2}, "d": {"c": 3, "b": 1}}),
        ("{a: &x {b: 1}, c: &y {b: 2, d: 3}, e: {<<: [*x, *y]}}", None),
        ("'<<': plain", {"<<": "plain"}),
        ("%YAML 1.1\n---\nyes", "yes"),
        ("? a\n: b", {"a": "b"}),
        ("- [a, b]\n- {}\n-", [["a", "b"], {}, None]),
        ("a: \"\\u00e9\\x41\\n\"", {"a": "éA\n"}),
        ("a: True\nb: FALSE\nc: tRuE", {"a": True, "b": False, "c": "tRuE"}),
        ("[0b11, 0o8, 0xG, 00, -012, '1', .]", ["0b11", "0o8", "0xG", "00", "-012", "1", "."]),
        ("[1., 1.e3, +.5]", [1.0, 1000.0, 0.5]),
        ("", None),
        ("\ufeffa: 1", {"a": 1}),
    ],
)  # fmt: skip
def test_values(text: str, value: Any) -> None:
    source = read(text)
    assert source.problems == ()
    if value is None and text:
        value = {"a": {"b": 1}, "c": {"b": 2, "d": 3}, "e": {"b": 1, "d": 3}}
    assert plain(source.root) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", ["3:1 duplicate-key"]),
        ("a: {<<: {b: 1}, <<: {c: 1}}", ["1:17 duplicate-key"]),
        ("1: x\nnull: y\n[a]: z", ["1:1 key-not-text", "2:1 key-not-text", "3:1 key-not-text"]),
        ("a: !x 1", ["1:4 tag"]),
        ("a:\n\tb: 1", ["2:1 tab-indent"]),
        ("a:\n  b: 1\n \tc: 2", ["3:2 tab-indent"]),
        ("a: {{ x }}", ["1:4 unquoted-template"]),
        ("a: {{ x }} b", ["1:4 unquoted-template"]),
        ("a: {{ {1: 2, 1: 3} }}", ["1:4 unquoted-template"]),
        ("a: x #{{ y }}", ["1:6 cut-off-by-comment"]),
        ("a: '{{ x }}' # {{ fine }}", []),
        ("a: x # fine\nb: '{{ x }}'", []),
        ("a: 1\n---\nb: 2", ["2:1 second-document"]),
        ("a: *b", ["1:4 unknown-alias"]),
        ("a: 1\nb: [x\n", ["2:4 syntax"]),
        ("a: ]", ["1:4 syntax"]),
        ("%FOO\n---\na", ["1:1 syntax"]),
        (b"a: \xff", ["1:4 encoding"]),
        (b"\xc3\xa9: \xc3", ["1:4 encoding"]),
        ("é: \x00", ["1:4 control-character"]),
        ("a: 1\r\nb: \x85", ["2:4 control-character"]),
        ("a: \ufffe", ["1:4 control-character"]),
        ("a: " + "9" * 5000, ["1:4 number"]),
        ("a: 1e400", ["1:4 number"]),
    ],
)
def test_problems(text: str | bytes, expected: list[str]) -> None:
    assert said(text) == expected


def test_places_of_keys_and_values_count_characters() -> None:
    source = read("é:\n  ß: 'x'\n  list:\n    - 𝄞\n")
    assert isinstance(source.root, MapNode)
    outer = source.root.get("é")
    assert isinstance(outer, MapNode)
    eszett = outer.get("ß")
    assert eszett is not None
    assert (outer.line, outer.column) == (2, 3)
    assert (eszett.line, eszett.column) == (2, 6)
    assert (outer.key("list").line, outer.key("list").column) == (3, 3)


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("a: one two", "two", (1, 8)),
        ("a: &mark  one two", "two", (1, 15)),
        ("a: one\n  two\n\n  three", "three", (4, 3)),
        ("a: 'it''s one'", "one", (1, 11)),
        ('a: "\\t\\u00e9\\"one"', "one", (1, 15)),
        ('a: "long \\\n   one"', "one", (2, 4)),
        ('a: "x\n\n   one"', "one", (3, 4)),
        ("a: |\n    two\n      one\n", "one", (3, 7)),
        ("a: |2-\n    two\n  one\n", "one", (3, 3)),
        ("a: >\n  x\n  y one\n\n    z\n", "one", (3, 5)),
        ("a: >\n  x\n  y\n\n    one\n", "one", (5, 5)),
        ("a: |\r\n  x\r\n  one\r\n", "one", (3, 3)),
        ("a: 'x\r\n  one'", "one", (2, 3)),
    ],
)
def test_place_of_a_word_inside_a_text(text: str, word: str, expected: tuple[int, int]) -> None:
    source = read(text)
    assert isinstance(source.root, MapNode)
    node = source.root.get("a")
    assert isinstance(node, ScalarNode)
    assert place(source, node, node.text.index(word)) == expected
    line, column = expected
    assert source.lines[line - 1][column - 1 :].startswith(word)


def test_depth_is_bounded() -> None:
    assert said("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []
    assert said("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == [f"1:{MAX_DEPTH + 1} too-deep"]


def test_depth_counts_aliases_spelled_out() -> None:
    half = "[" * 40 + "]" * 40
    assert said(f"a: &x {half}\nb: {'[' * 30}*x{']' * 30}") == ["2:34 too-deep"]


def test_nodes_are_bounded() -> None:
    assert said("- 1\n" * (MAX_NODES - 1)) == []
    assert said("- 1\n" * MAX_NODES) == [f"{MAX_NODES}:3 too-many-nodes"]


def test_nodes_count_aliases_spelled_out() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert [line.split()[1] for line in said("\n".join(lines))] == ["too-many-nodes"]


def test_size_is_bounded() -> None:
    assert said(b"#" * MAX_BYTES) == []
    assert said(b"#" * (MAX_BYTES + 1)) == ["1:1 too-large"]


def test_so_many_problems_are_told_and_no_more() -> None:
    told = said("a: 1\n" * 5000)
    assert len(told) == MAX_PROBLEMS
    assert told[-1].endswith("too-many-problems")
