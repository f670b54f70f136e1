"""Keeps keys that stand in a file out of all that is told of it: what is shown is cut out of the file's own lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from planrunner.document.places import span
from planrunner.document.problem import Problem
from planrunner.document.source import ScalarNode, Source
from planrunner.models.masking import MASK, SHORTEST_KEY, is_key_name

_LOOKS_LIKE_ONE: Final = re.compile(
    r"(?<![\w-])([\w-]{1,64})[\"']?[ \t]{0,9}:[ \t]{0,9}[\"']?"
    rf"([^\s,}}\"'{{][^,}}\"'\r\n]{{{SHORTEST_KEY - 1},}})"
)
"""Bounded, and tried at the beginning of words alone: the file may mean harm."""
_KEPT: Final = re.compile(r"[^\r\n]")
"""What a star stands for: places in a file stay what they are."""


def hide(source: Source, problems: Sequence[Problem], keys: Iterable[ScalarNode]) -> tuple[Source, list[Problem]]:
    """The file and its problems with a star for each character of the keys.

    Of a file that could not be read there is no tree: then all is hidden that looks like a key.
    """
    if source.root is None:
        found = [match for match in _LOOKS_LIKE_ONE.finditer(source.text) if is_key_name(match[1])]
        spans, values = [match.span(2) for match in found], [match[2] for match in found]
    else:
        nodes = {id(node): node for node in keys}.values()
        spans, values = [span(source, node) for node in nodes], [str(node.value) for node in nodes]
    if not spans:
        return source, list(problems)
    told = [replace(problem, message=_without(problem.message, values)) for problem in problems]
    return replace(source, text=_starred(source.text, spans), problems=()), told


def _starred(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts, told = [], 0
    for begin, end in sorted(spans):
        if begin >= told:
            parts += [text[told:begin], _KEPT.sub("*", text[begin:end])]
            told = end
    return "".join((*parts, text[told:]))


def _without(message: str, values: Iterable[str]) -> str:
    for value in sorted(values, key=len, reverse=True):
        message = message.replace(value, MASK)
    return message
