"""Real processes for the tests of the SQLite store."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planrunner.events import STEP_STARTED, Event
from planrunner.ids import new_run_id
from planrunner.journal.base import NewRun

WORKER = Path(__file__).with_name("worker.py")


class Process:
    """A worker process and the conversation with it."""

    def __init__(self, *arguments: object) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, str(WORKER), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def say(self, *words: object) -> None:
        assert self.popen.stdin is not None
        print(*words, file=self.popen.stdin, flush=True)

    def hear(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def end(self) -> None:
        self.popen.kill()
        self.popen.communicate()


Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a worker with these arguments; its first line has been heard unless `wait=False`."""
    processes: list[Process] = []

    def run(*arguments: object, wait: bool = True) -> Process:
        processes.append(Process(*arguments))
        if wait:
            assert processes[-1].hear() in ("ready", "locked")
        return processes[-1]

    yield run
    for process in processes:
        process.end()


def new_run(**changes: Any) -> NewRun:
    return replace(NewRun(new_run_id(), "u1", "plan", "a" * 64, {"plan.yml": "x"}, time.time()), **changes)


def event(number: int, **body: Any) -> Event:
    return Event(STEP_STARTED, "step", 1.5, {"n": number, **body})
