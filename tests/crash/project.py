"""A project folder as a user has it, and the command line as a process of its own in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.crash.conftest import environment

PLAN = """
planrunner: 1
name: slow
tools: {hold: {use: "held:hold", effect: write}}
inputs: {word: {type: string, default: before}}
steps:
  - {id: first, tool: hold, args: {name: first}}
  - {id: ask, clarify: {type: input, guidance: "Which word?", schema: {type: string}}}
  - {id: second, tool: hold, args: {name: second}}
  - {id: told, set: "{{ inputs.word }}, {{ steps.ask.output }}"}
"""
SUMS = """
planrunner: 1
name: sums
steps:
  - {id: sum, tool: calculator, args: {expression: "20 + 1"}}
  - {id: ask, clarify: {type: input, guidance: "How often?", schema: {type: integer}}}
  - {id: product, tool: calculator, args: {expression: "{{ steps.sum.output }} * {{ steps.ask.output }}"}}
"""
"""A plan that needs no file but its own."""

TOOLS = '''
"""A tool that notes that it was called, and returns when a file of its name is there."""

import json
import os
import time
from pathlib import Path

from planrunner import ToolRunContext, tool


@tool
def hold(ctx: ToolRunContext, name: str) -> str:
    """Hold on until the file is there."""
    here = Path(ctx.root)
    with (here / "calls").open("a") as file:
        file.write(json.dumps([os.getpid(), ctx.idempotency_key]) + "\\n")
    while not (here / f"go-{name}").exists():
        time.sleep(0.005)
    return name
'''


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    err: str


def _hears_signals() -> None:
    """A shell that starts the tests in the background has them ignore ^C, and all that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Project:
    """A folder with a plan whose steps hold on until they are let go."""

    def __init__(self, folder: Path, plan: str = PLAN) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "planrunner.toml").touch()
        (folder / "held.py").write_text(TOOLS)
        (folder / "plan.yml").write_text(plan)
        self.calls = folder / "calls"

    def let_go(self, *names: str) -> None:
        for name in names:
            (self.folder / f"go-{name}").touch()

    def begin(self, *words: str, cwd: Path | None = None, first: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *(first or ("-m", "planrunner")), *words],
            cwd=cwd or self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_hears_signals,
        )

    def call(self, *words: str, cwd: Path | None = None, first: tuple[str, ...] = ()) -> Told:
        return ended(self.begin(*words, cwd=cwd, first=first))

    def made(self) -> list[str]:
        """The calls that were made, as lines."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def wait_for_calls(self, number: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.made()) < number:
            assert time.monotonic() < deadline
            time.sleep(0.002)


def ended(process: subprocess.Popen[str], number: signal.Signals | None = None) -> Told:
    """What came of it; the signal is sent first."""
    if number is not None:
        process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return Told(process.returncode, out, err)


def is_command(process: subprocess.Popen[str]) -> bool:
    """Whether our own code runs in it already: before that Python answers signals in its own way."""
    if process.poll() is not None:
        return True
    caught = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "SigCgt" in line)
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def wait_for_command(process: subprocess.Popen[str]) -> None:
    while not is_command(process):
        os.sched_yield()
