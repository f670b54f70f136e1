"""The file named by --env-file: `NAME=VALUE` lines. Nothing is read unless it is named; what is set already stays."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from planrunner.cli.files import read_text
from planrunner.errors import UsageError

_LINE = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)")
_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)\"""")
_COMMENT = re.compile(r"[ \t]+#.*")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def use_env_file(path: str) -> None:
    """Set the variables of this file that the environment does not have."""
    for name, value in env_file(path, read_text(path, "the env file")).items():
        os.environ.setdefault(name, value)


def env_file(path: str, text: str) -> dict[str, str]:
    r"""Name → value. UsageError with file and line for a line that is none of ours, or a name set twice.

    A value is bare (` #` begins a comment), in single quotes (as it is) or in double quotes (`\n`, `\t`, `\"`, `\\`).
    """
    values: dict[str, str] = {}
    for number, name, value in _assignments(path, text):
        if name in values:
            raise UsageError(f"{path}:{number}: {name} is set twice")
        values[name] = value
    return values


def _assignments(path: str, text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise UsageError(f"{path}:{number}: expected NAME=VALUE")
        yield number, match[1], _value(match[2], f"{path}:{number}")


def _value(text: str, where: str) -> str:
    text = _COMMENT.sub("", f" {text}", count=1).strip() if not text.startswith(("'", '"')) else text
    if not text.startswith(("'", '"')):
        return _nul_free(text, where)
    match = _QUOTED.match(text)
    if match is None or _COMMENT.sub("", text[match.end() :], count=1).strip():
        raise UsageError(f"{where}: the quotes do not enclose the whole value; a value stands on one line")
    if match[1] is not None:
        return _nul_free(match[1], where)
    return _nul_free(_ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), match[2]), where)


def _nul_free(value: str, where: str) -> str:
    if "\0" in value:
        raise UsageError(f"{where}: a value can't hold a NUL character")
    return value
