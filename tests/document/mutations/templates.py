"""The expressions of a plan and the paths in them, found by their looks: braces, and keys whose values are bare."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import yaml

from tests.document.mutations.reading import Key

_BARE: Final = frozenset((("step", "when"), ("case", "when"), ("binding", "when"), ("words", "in"), ("words", "until")))
_BRACES: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED: Final = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_WORDS: Final = re.compile(r"(?<![\w.\])])[a-z_]\w*(?:\.\w+|\[\d+\])*(?!\w*\s*=[^=])")
_FILTER: Final = re.compile(r"\|\s*([a-z_]+)")
_KEYWORDS: Final = frozenset(
    ("and", "or", "not", "in", "is", "if", "else", "elif", "endif", "for", "endfor", "set", "endset", "with", "endwith")
) | {"true", "false", "null", "none"}


class Expression(NamedTuple):
    """An expression where it stands: its place in the text, and what it says, with spaces for texts in quotes."""

    key: Key
    start: int
    text: str


class Words(NamedTuple):
    """A path as it is written: `steps.a.output.total`, and where each of its words begins."""

    key: Key
    start: int
    words: tuple[str, ...]

    def at(self, number: int) -> int:
        """Where a word of the path begins. (A number in brackets is no word of its own: `a[0].b` has two.)"""
        return self.start + len(".".join(self.words[:number])) + (1 if number else 0)


def expressions(keys: list[Key], text: str) -> Iterator[Expression]:
    """Every expression of the plan; what stands in a JSON Schema, or is kept as it is (`x-…`), is none."""
    for key in keys:
        node = key.value
        if not isinstance(node, yaml.ScalarNode) or key.role == "schema":
            continue
        start, end = node.start_mark.index, node.end_mark.index
        if (key.role, key.path[-1]) in _BARE:
            quoted = 1 if text[start] in "'\"" else 0
            yield Expression(key, start + quoted, _QUOTED.sub(_blank, text[start + quoted : end - quoted]))
        else:
            for found in _BRACES.finditer(text, start, end):
                yield Expression(key, found.start(), _QUOTED.sub(_blank, found[0]))


def paths(expression: Expression) -> Iterator[Words]:
    """Every path in an expression, from its first word on; filters, tests and words of Jinja are none."""
    bound = set(re.findall(r"(?:\bfor|\bset|,)\s+([a-z_]\w*)(?=\s*(?:,|in\b|=))", expression.text))
    for found in _WORDS.finditer(expression.text):
        before = expression.text[: found.start()].rstrip()
        after = expression.text[found.end() :].lstrip()
        words = tuple(found[0].split("."))
        is_name = not before.endswith("|") and not re.search(r"\bis(\s+not)?$", before) and not after.startswith("(")
        if is_name and words[0] not in _KEYWORDS | bound and "[" not in found[0]:
            yield Words(expression.key, expression.start + found.start(), words)


def filters(expression: Expression) -> Iterator[tuple[int, str]]:
    """Where the name of each filter begins, and the name."""
    for found in _FILTER.finditer(expression.text):
        yield expression.start + found.start(1), found[1]


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
