"""The console script as a process: signals, pipes, terminals, locales."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from tests.cli.commands import COMMAND, environment, process, start, write

WAITS = """
planrunner: 1
name: waits
tools:
  wait: {use: "slow:wait", effect: read}
  await: {use: "slow:await_", effect: read}
inputs:
  how: {enum: [wait, await]}
steps:
  - {id: sync, when: inputs.how == "wait", tool: wait}
  - {id: async, when: inputs.how == "await", tool: await}
"""
SLOW = """
import asyncio, time

def wait():
    time.sleep(60)

async def await_():
    await asyncio.sleep(60)
"""


@pytest.fixture
def waits(here: Path) -> str:
    (here / "slow.py").write_text(SLOW, "utf-8")
    return write(here / "waits.yml", WAITS)


def until(stream: IO[bytes], words: bytes) -> bytes:
    """Read until these words have come."""
    read, deadline = b"", time.monotonic() + 60
    while words not in read:
        ready, _, _ = select.select([stream], [], [], deadline - time.monotonic())
        assert ready, f"{words!r} did not come, but {read!r}"
        part = os.read(stream.fileno(), 65536)
        assert part, f"{words!r} did not come, but {read!r}"
        read += part
    return read


@pytest.mark.parametrize("how", ["wait", "await"])
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")], ids=str
)
def test_an_interrupted_run_is_kept(
    here: Path, waits: str, how: str, number: signal.Signals, code: int, word: str
) -> None:
    running = start("run", waits, "--input", f"how={how}", "--user", "u1", cwd=here)
    assert running.stderr is not None
    until(running.stderr, b"started")
    running.send_signal(number)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (code, b"")
    match = re.fullmatch(
        rf"{word}\nrun (prun-\S+) is kept as it stands; to go on with it: planrunner resume \1\n", err.decode()
    )
    assert match is not None, err.decode()
    shown = process("runs", "show", match[1], "--format", "json", cwd=here)
    assert json.loads(shown.out)["state"] == "IN_PROGRESS"


def test_an_interrupted_run_leaves_no_half_result(here: Path, waits: str) -> None:
    (here / "out.jsonl").write_text("before")
    running = start("run", waits, "--input", "how=await", "--format", "jsonl", "--out", "out.jsonl", cwd=here)
    assert running.stderr is not None
    until(running.stderr, b"started")
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert (here / "out.jsonl").read_text() == "before"
    assert list(here.glob("*.part")) == []


def test_the_end_does_not_look_through_all_that_is_left_for_garbage(here: Path) -> None:
    """Once litellm is imported that takes seconds, also after ^C."""
    code = (
        "import atexit, gc; from planrunner.cli.main import main; atexit.register(lambda: print(gc.get_freeze_count()))"
    )
    done = subprocess.run([sys.executable, "-c", f"{code}; main(['-V'])"], capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) > 1_000  # what is registered first comes last


def test_data_and_talk_are_apart(here: Path, sums: str) -> None:
    told = process("run", sums, "--input", "a=2", cwd=here)
    assert (told.code, told.out) == (0, "nobody gets 3\n")
    assert told.err.startswith("sum started\n")


def test_python_m(here: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "planrunner", "--version"], cwd=here, capture_output=True, timeout=60, check=True
    )
    assert told.stdout.startswith(b"planrunner ")


def test_a_plan_on_standard_input(here: Path, sums: str) -> None:
    told = process("run", "-", "--input", "a=2", cwd=here, stdin=(here / sums).read_bytes())
    assert (told.code, told.out) == (0, "nobody gets 3\n")


@pytest.mark.parametrize("words", [("runs", "list"), ("--help",), ("validate", "wrong.yml")], ids=" ".join)
def test_a_reader_who_leaves_changes_nothing(here: Path, sums: str, words: tuple[str, ...]) -> None:
    write(here / "wrong.yml", "planrunner: 1\nname: wrong\nsteps: 1\n")
    process("run", sums, "--input", "a=2", cwd=here)
    whole = process(*words, cwd=here)
    assert whole.out
    read, written = os.pipe()
    os.close(read)
    told = process(*words, cwd=here, stdout=written)
    os.close(written)
    assert (told.code, told.err) == (whole.code, whole.err)


def test_a_reader_who_leaves_does_not_stop_the_run(here: Path, sums: str) -> None:
    read, written = os.pipe()
    os.close(read)
    told = process("run", sums, "--input", "a=2", "--format", "jsonl", cwd=here, stdout=written)
    os.close(written)
    assert told.code == 0
    assert "COMPLETE in" in told.err


@pytest.mark.parametrize("closed", [1, 2])
def test_a_stream_that_is_closed_from_the_start(here: Path, sums: str, closed: int) -> None:
    told = process("run", sums, "--input", "a=2", cwd=here, preexec_fn=lambda: os.close(closed))
    assert told.code == 0
    assert told.out == ("" if closed == 1 else "nobody gets 3\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_a_full_disk_behind_standard_output_is_told(here: Path, sums: str, form: str) -> None:
    with open("/dev/full", "wb") as full:
        told = process("run", sums, "--input", "a=2", "--format", form, cwd=here, stdout=full)
    assert told.code == 1
    assert "error: standard output can't be written: No space left on device\nrun prun-" in told.err
    assert "Traceback" not in told.err
    assert "Exception ignored" not in told.err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_a_full_disk_behind_out_is_told(here: Path, sums: str) -> None:
    told = process("run", sums, "--input", "a=2", "--out", "/dev/full", cwd=here)
    assert told.code == 1
    assert "error: --out /dev/full can't be written: No space left on device\n" in told.err


ODD = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_utf8_in_an_odd_locale(here: Path, sums: str) -> None:
    words = ["run", sums.encode(), b"--input", b"a=2", b"--input", "who=Ådne 日本".encode()]
    told = process(*words, cwd=here, env=environment(**ODD))
    assert (told.code, told.out) == (0, "Ådne 日本 gets 3\n")


def test_words_that_are_not_utf8(here: Path, sums: str) -> None:
    told = process("run", sums, b"--input", b"who=\xff", cwd=here)
    assert told.code == 2
    assert "is not UTF-8 text" in told.err
    assert "Traceback" not in told.err


def test_file_names_that_are_not_utf8(here: Path, sums: str) -> None:
    name = b"b\xffd.yml"
    (here / sums).rename(os.fsdecode(os.fsencode(here) + b"/" + name))
    assert process("validate", name, cwd=here).code == 0
    assert process("validate", ".", cwd=here).code == 0
    told = process("run", name, "--input", "a=2", cwd=here)
    assert (told.code, told.out) == (0, "nobody gets 3\n")
    assert process("run", b"n\xffne.yml", cwd=here).err.startswith("error: the plan n\\udcffne.yml does not exist")


def terminal(*words: str, cwd: Path, **env: str) -> str:
    """All that a person at a terminal sees of a command."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [COMMAND, *words],
        cwd=cwd,
        env=environment(TERM="xterm", COLUMNS="80", LINES="24", **env),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        seen = b""
        while part := _read(ours):
            seen += part
        assert running.wait(timeout=60) == 0, seen
    os.close(ours)
    return seen.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says so when the other side is gone
        return b""


def test_at_a_terminal_steps_move_and_untrusted_text_does_not(here: Path, sums: str) -> None:
    seen = terminal("run", sums, "--input", "a=2", "--input", "who=\x1b]0;title\x07", cwd=here)
    assert "\x1b[32m✓\x1b[0m sum" in seen
    assert "\x1b[1A\x1b[2K" in seen
    assert "\x1b]0;" not in seen
    assert "\\x1b]0;title\\x07 gets 3" in seen


def test_no_color(here: Path, sums: str) -> None:
    assert "\x1b[3" not in terminal("run", sums, "--input", "a=2", cwd=here, NO_COLOR="1")


def test_force_color(here: Path) -> None:
    write(here / "wrong.yml", "planrunner: 1\nname: wrong\nsteps: 1\n")
    assert "\x1b[31merror\x1b[0m" in process("validate", "wrong.yml", cwd=here, env=environment(FORCE_COLOR="1")).out
    assert "\x1b" not in process("validate", "wrong.yml", cwd=here).out
