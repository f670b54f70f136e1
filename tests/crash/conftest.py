"""Processes that carry runs and die of it. `pytest tests/crash --full` runs every test here at its full size."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CARRIER = Path(__file__).with_name("carrier.py")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT)}


class Process:
    """A carrier, and the conversation with it."""

    def __init__(self, folder: Path, *words: object) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, str(CARRIER), str(folder), *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    @property
    def pid(self) -> int:
        return self.popen.pid

    def wait_ready(self) -> Process:
        assert self._line() == "ready", self.popen.communicate()[1]
        return self

    def say(self, *words: object) -> None:
        assert self.popen.stdin is not None
        print(*words, file=self.popen.stdin, flush=True)

    def hear(self) -> dict[str, Any]:
        line = self._line()
        assert line, self.popen.communicate()[1]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def end(self) -> str:
        """Let it end by itself; what it said on standard error."""
        return self.popen.communicate(timeout=60)[1]

    def kill(self) -> None:
        """End it as the kernel does when memory is short: nothing of it runs after this."""
        self.popen.kill()
        self.popen.communicate()

    def _line(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()


Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a carrier: `start(FOLDER, LEASE_SECONDS)`. All are ended after the test."""
    started: list[Process] = []

    def begin(*words: Any) -> Process:
        started.append(Process(*words))
        return started[-1]

    yield begin
    for process in started:
        if process.popen.poll() is None:
            process.kill()
