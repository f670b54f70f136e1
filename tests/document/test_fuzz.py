"""Whatever a file holds, reading it ends in a plan or in problems with a place, and never in an exception."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner.document.load import Loaded, load_document
from planrunner.document.places import place
from planrunner.document.source import MapNode, ScalarNode, parse
from tests.document.broken import PLANS, broken_plans

_FILES = [file.read_bytes() for file in sorted(PLANS.glob("*/*.yml"))]
_SNIPPETS = [
    b"{{ ", b" }}", b"{% ", b" %}", b"&a ", b"*a", b"<<: ", b"- ", b": ", b"? ", b"|\n", b">-\n", b"!x ", b"#", b"\t",
    b"'", b'"', b"\n  ", b"\r\n", b"---\n", b"...\n", b"[", b"]", b"{", b"}", b",", b"\xc3\xa9", b"\xff",
    b"\xe2\x80\xa8",     b"steps.a.output", b"inputs.x", b"null", b"0x1F", b".inf", b"%TAG ! x:\n",
]  # fmt: skip


def _load(text: bytes) -> Loaded:
    loaded = load_document(text, "fuzz.yml", path=str(PLANS / "ok" / "fuzz.yml"), root=str(PLANS))
    files = {source.name: source.lines for source in (loaded.source, *loaded.prompts, *loaded.subplans)}
    for problem in loaded.problems:
        assert 1 <= problem.line <= len(files[problem.file]) + 1
        assert problem.column >= 1
        assert problem.message
    assert loaded.plan is not None or loaded.problems
    return loaded


@settings(derandomize=True, max_examples=400, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(text: bytes) -> None:
    _load(text)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    _load(text.encode("utf-8", "surrogatepass"))


@settings(derandomize=True, max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(_SNIPPETS), max_size=30).map(b"".join))
def test_any_signs_of_yaml(text: bytes) -> None:
    _load(text)


@settings(derandomize=True, max_examples=600, deadline=None)
@given(st.data())
def test_plans_with_bytes_changed(data: st.DataObject) -> None:
    text = bytearray(data.draw(st.sampled_from(_FILES)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text[start:end] = data.draw(st.sampled_from(_SNIPPETS))
    _load(bytes(text))


def test_plans_with_a_value_changed() -> None:
    count = 0
    for text in list(broken_plans())[::11]:
        _load(text)
        count += 1
    assert count > 900


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(_JSON)
def test_any_value_under_any_key(value: Any) -> None:
    import json

    for key in ("inputs", "agents", "tools", "steps", "output", "hooks", "context"):
        _load(json.dumps({"planrunner": 1, "name": "x", "steps": [{"id": "a", "set": value}], key: value}).encode())


_WORDS = st.lists(st.sampled_from(["a", "bc", "é", "𝄞", "it's", '"q"', "\\", "{{x}}", ":c"]), min_size=1, max_size=12)


def _styles(words: list[str]) -> list[str]:
    text = " ".join(words)
    double = text.replace("\\", "\\\\").replace('"', '\\"')
    half = len(words) // 2
    lines = [" ".join(words[:half]) or "x", " ".join(words[half:])]
    return [
        "k: '" + text.replace("'", "''") + "'\n",
        f'k: "{double}"\n',
        "k: |\n  " + "\n    ".join(lines) + "\n",
        "k: >\n  " + "\n  ".join(lines) + "\n",
        "k: &m '" + "\n   ".join(line.replace("'", "''") for line in lines) + "'\n",
    ]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(_WORDS)
def test_every_character_of_a_text_is_found_in_the_file(words: list[str]) -> None:
    for text in _styles(words):
        source = parse(text.encode(), "f.yml")
        assert isinstance(source.root, MapNode), source.problems
        node = source.root.get("k")
        assert isinstance(node, ScalarNode)
        for offset, character in enumerate(node.text):
            if character in " \n":
                continue
            line, column = place(source, node, offset)
            assert source.lines[line - 1][column - 1] in (character, "\\")
