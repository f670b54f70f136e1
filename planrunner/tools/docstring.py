"""Reads what a docstring says of a function and of each of its parameters (Google's and Sphinx's way of writing)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

_SECTION = re.compile(r"^\s*(Args|Arguments|Parameters|Returns?|Raises|Yields|Examples?|Notes?):\s*$", re.MULTILINE)
_FIELD_LIST = re.compile(r"^\s*:\w+", re.MULTILINE)
_ARGUMENT = re.compile(r"^(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")
_PARAM = re.compile(r":param\s+(?:\S+\s+)?(\w+):\s*(.*?)(?=^\s*:\w+|\Z)", re.MULTILINE | re.DOTALL)


def read_docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The description, and what `Args:` (or `:param name:`) says of each parameter."""
    text = inspect.getdoc(function) or ""
    found = [match.start() for match in (_SECTION.search(text), _FIELD_LIST.search(text)) if match]
    description = text[: min(found, default=len(text))].strip()
    about = {name: " ".join(words.split()) for name, words in _PARAM.findall(text)}
    return description, {**about, **_arguments_section(text)}


def _arguments_section(text: str) -> dict[str, str]:
    """`name: words` or `name (type): words`, one per argument; deeper lines go on with the words."""
    about: dict[str, str] = {}
    start = re.search(r"^(?:Args|Arguments|Parameters):\s*$", text, re.MULTILINE)
    if start is None:
        return about
    name, indent = None, None
    for line in text[start.end() :].strip("\n").splitlines():
        depth = len(line) - len(line.lstrip())
        if not line.strip() or depth == 0:
            break
        indent = depth if indent is None else indent
        entry = _ARGUMENT.match(line.strip()) if depth <= indent else None
        if entry:
            name = entry[1]
            about[name] = entry[2]
        elif name is not None:
            about[name] = f"{about[name]} {line.strip()}"
    return about
