"""Helpers of the command line's tests: a command as a process of its own, and a plan that needs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import planrunner

_CODE = str(Path(planrunner.__file__).parent.parent)
COMMAND = Path(sys.executable).parent / "planrunner"
"""The console script, as a user has it."""

NO_MODEL = """
planrunner: 1
name: sums
inputs:
  a: {type: integer}
  who: {type: string, default: nobody}
steps:
  - {id: sum, tool: calculator, args: {expression: "{{ inputs.a }} + 1"}}
  - {id: told, set: "{{ inputs.who }} gets {{ steps.sum.output }}"}
"""
"""A plan that needs neither model nor network."""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def write(path: Path, text: str) -> str:
    path.write_text(dedent(text).lstrip("\n"), "utf-8")
    return path.name


def spoken(value: object) -> str | None:
    """The id of a test case: the words of its command line."""
    return " ".join(value) if isinstance(value, list | tuple) and all(isinstance(word, str) for word in value) else None


def environment(**more: str) -> dict[str, str]:
    """As little as a process needs; the code that it runs is the code that the tests import."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "PYTHONPATH": _CODE, **more}


def start(*words: str | bytes, cwd: Path, env: dict[str, str] | None = None, **more: object) -> subprocess.Popen[bytes]:
    """Begin the console script as a process of its own."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([COMMAND, *words], cwd=cwd, env=env or environment(), **{**streams, **more})  # type: ignore[call-overload]


def process(
    *words: str | bytes, cwd: Path, env: dict[str, str] | None = None, stdin: bytes = b"", **more: object
) -> Result:
    """Carry out the console script as a process of its own."""
    running = start(*words, cwd=cwd, env=env, **{"stdin": subprocess.PIPE, **more})
    out, err = running.communicate(stdin, timeout=120)
    return Result(running.returncode, (out or b"").decode(), (err or b"").decode())
