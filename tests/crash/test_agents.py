"""kill -9 in the middle of an agent's work with a real model server: no finished call is made again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.conftest import environment
from tests.crash.project import Project
from tests.servers.openai_server import (
    HANG,
    Answer,
    OpenAIServer,
    Request,
    calls,
    failure,
    held,
    text,
)

PLAN = """
planrunner: 1
name: agent
defaults: {retry: {delay: 1s, backoff: constant}}
tools: {hold: {use: "held:hold", effect: write}}
agents: {it: {tools: [hold]}}
steps:
  - {id: work, task: "Go.", agent: it}
"""
LONG = "All is done, at last, after all these words."


class Forks:
    """Carries out command lines in processes that have litellm already."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("litellm_once.py"))]
        self.popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), text=True
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def begin(self, project: Project, server: OpenAIServer, out: Path, *words: str) -> int:
        """Begin; the id of the process."""
        assert self.popen.stdin is not None
        env = {"OPENAI_API_BASE": server.base_url}
        told = {"words": words, "cwd": str(project.folder), "env": env, "out": str(out)}
        print(json.dumps(told), file=self.popen.stdin, flush=True)
        return int(self._line())

    def ended(self) -> int:
        """The exit code of what was begun last."""
        return int(self._line())

    def close(self) -> None:
        self.popen.communicate()


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    forks = Forks()
    yield forks
    forks.close()


class Killed:
    """One run that is killed once, at a moment that its events tell, and carried on."""

    def __init__(self, folder: Path, forks: Forks, answer: Callable[[Request], Answer]) -> None:
        self.project = Project(folder, PLAN)
        self.forks = forks
        self.out = folder / "out"
        self.server = OpenAIServer(answer)

    def events(self) -> list[dict[str, Any]]:
        lines = self.out.read_bytes().splitlines(keepends=True) if self.out.exists() else []
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events()]

    def run_until(self, moment: Callable[[Killed], bool]) -> str:
        """Run until this moment, then kill the process. The run's id."""
        pid = self.forks.begin(
            self.project,
            self.server,
            self.out,
            "run",
            "plan.yml",
            "--format",
            "jsonl",
            "--no-input",
            "--model",
            "openai/x",
        )
        deadline = time.monotonic() + 60
        while not moment(self):
            assert time.monotonic() < deadline, (self.out.with_name("out.err").read_text(), self.events())
            time.sleep(0.005)
        os.kill(pid, signal.SIGKILL)
        assert self.forks.ended() == -signal.SIGKILL
        return str(self.events()[0]["body"]["id"])

    def carry_on(self, run_id: str) -> dict[str, Any]:
        """Carry it on in another process; the record."""
        out = self.out.with_name("resumed")
        self.forks.begin(
            self.project, self.server, out, "resume", run_id, "--format", "json", "--no-input", "--model", "openai/x"
        )
        assert self.forks.ended() == 0, out.with_name("resumed.err").read_text()
        record: dict[str, Any] = json.loads(out.read_text())
        assert record["state"] == "COMPLETE"
        assert record["final_output"] == {"value": LONG}
        return record

    def asked(self) -> Counter[int]:
        """How often the server was asked for each turn."""
        return Counter(
            sum(message["role"] == "assistant" for message in request.messages) for request in self.server.requests
        )


def turn(request: Request) -> int:
    return sum(message["role"] == "assistant" for message in request.messages)


HOLDS = calls(("hold", {"name": "first"}), ("hold", {"name": "second"}))


def test_killed_while_its_second_call_is_unanswered(tmp_path: Path, forks: Forks) -> None:
    alive = threading.Event()

    def answer(request: Request) -> Answer:
        if turn(request) == 0:
            return HOLDS
        return text(LONG) if alive.is_set() else HANG

    killed = Killed(tmp_path / "p", forks, answer)
    killed.project.let_go("first", "second")
    with killed.server:
        run_id = killed.run_until(lambda it: it.asked()[1] == 1)
        alive.set()
        record = killed.carry_on(run_id)
    assert killed.asked() == {0: 1, 1: 2}, "a finished LLM call was made again"
    assert len(killed.project.made()) == 2, "a finished tool call was made again"
    first, second = record["steps"][0]["llm_calls"]
    assert (first["attempts"], second["attempts"], second["failed_attempts"]) == (1, 1, [])
    assert record["usage"]["llm_calls"] == 2, "an attempt that was cut short is made once more, and is one attempt"


def test_killed_between_two_turns_while_its_tools_are_called(tmp_path: Path, forks: Forks) -> None:
    killed = Killed(tmp_path / "p", forks, lambda request: text(LONG) if turn(request) else HOLDS)
    killed.project.let_go("first")
    with killed.server:
        run_id = killed.run_until(lambda it: len(it.project.made()) == 2 and "effect_finished" in it.kinds()[-2:])
        killed.project.let_go("second")
        record = killed.carry_on(run_id)
    assert killed.asked() == {0: 1, 1: 1}
    keys = Counter(json.loads(line)[1].rpartition("!")[2] for line in killed.project.made())
    assert keys == {"tool:0.0": 1, "tool:0.1": 2}, "only the call in flight is made once more, under its own key"
    assert [call["attempts"] for call in record["steps"][0]["tool_calls"]] == [1, 1]
    assert [message["content"] for message in killed.server.requests[-1].messages[-2:]] == ["first", "second"]


def test_killed_in_the_wait_before_another_attempt(tmp_path: Path, forks: Forks) -> None:
    answers = iter([failure(500, "oops"), failure(503, "oops again"), text(LONG)])
    killed = Killed(tmp_path / "p", forks, lambda _: next(answers))
    with killed.server:
        run_id = killed.run_until(lambda it: "attempt_failed" in it.kinds())
        began = time.monotonic()
        record = killed.carry_on(run_id)
        assert time.monotonic() - began > 2.0, "the waits before the second and third attempt were left out"
    assert killed.asked() == {0: 3}
    (call,) = record["steps"][0]["llm_calls"]
    assert call["attempts"] == 3
    assert [failed["error"]["kind"] for failed in call["failed_attempts"]] == ["transient", "transient"]
    assert record["usage"]["llm_calls"] == 3


def test_killed_while_a_reply_streams(tmp_path: Path, forks: Forks) -> None:
    never = threading.Event()
    first = threading.Event()

    def answer(_: Request) -> Answer:
        if first.is_set():
            return text(LONG)
        first.set()
        return held(text(LONG), "er al", never)

    killed = Killed(tmp_path / "p", forks, answer)
    with killed.server:
        run_id = killed.run_until(lambda it: "text" in it.kinds())
        heard = "".join(event["body"]["text"] for event in killed.events() if event["kind"] == "text")
        record = killed.carry_on(run_id)
    assert heard
    assert LONG.startswith(heard)
    assert heard != LONG
    assert killed.asked() == {0: 2}
    (call,) = record["steps"][0]["llm_calls"]
    assert (call["attempts"], call["failed_attempts"]) == (1, [])
