"""Files that the command line names: read, with one clear message for whatever can be wrong with them."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from typing import Any

from planrunner.cli.values import json_fault
from planrunner.errors import UsageError

MAX_BYTES = 16 * 1024 * 1024
_OURS = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")


class UnreadableError(UsageError):
    """A file that the command line leads to can't be read."""


def read_bytes(path: str, what: str, limit: int = MAX_BYTES) -> bytes:
    """At most `limit` + 1 bytes of a file, `-` being standard input. `what` names it in messages: `the plan`."""
    if path == "-":
        return sys.stdin.buffer.read(limit + 1) if sys.stdin is not None else b""
    if os.path.isdir(path):
        raise UnreadableError(f"{what} {path} is a folder, and a file is needed")
    try:
        with open(path, "rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        raise UnreadableError(f"{what} {path} does not exist{_from_here(path)}") from None
    except OSError as error:
        raise UnreadableError(f"{what} {path} can't be read: {error.strerror}") from None
    except ValueError:
        raise UnreadableError(f"{what} {path!r} is no possible file name") from None


def is_handed(path: str) -> bool:
    """Whether the shell has opened this for us and it stands in no folder: standard input, or `<(…)`."""
    return path == "-" or path.startswith(_OURS)


def refuse_special(path: str, what: str) -> None:
    """UnreadableError for a pipe, a socket or a device: reading one may never end. What can't be told passes."""
    if is_handed(path):
        return
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UnreadableError(f"{what} {path} is not a regular file")


def read_text(path: str, what: str) -> str:
    """A UTF-8 file, without its byte order mark."""
    content = read_bytes(path, what)
    if len(content) > MAX_BYTES:
        raise UsageError(f"{what} {path} is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} {path} is not UTF-8 (byte {error.start})") from None


def read_map(path: str, what: str) -> Mapping[str, Any]:
    """A YAML file, or a JSON file by the name `*.json`, that holds a map."""
    value = _json(path, what) if path.endswith(".json") else _yaml(path, what)
    if not isinstance(value, dict):
        raise UsageError(f"{what} {path} must hold a map of names to values")
    return value


def _json(path: str, what: str) -> Any:
    from planrunner.jsonsafe import loads

    try:
        return loads(read_text(path, what))
    except ValueError as error:
        raise UsageError(f"{what} {path} is not JSON{json_fault(error)}") from None


def _yaml(path: str, what: str) -> Any:
    from planrunner.document.source import parse, plain

    source = parse(read_bytes(path, what), path)
    if source.problems:
        raise UsageError("\n".join((f"{what} {path} can't be used:", *(f"{path}:{each}" for each in source.problems))))
    return {} if source.root is None else plain(source.root)


def _from_here(path: str) -> str:
    if os.path.islink(path):
        return ": the link leads nowhere"
    if os.path.isabs(path):
        return ""
    try:
        return f" in {os.getcwd()}"
    except OSError:
        return ""
