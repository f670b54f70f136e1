"""A person at a terminal: reads what is shown, types, presses ^C or Ctrl-D. The terminal is a real one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cli.commands import COMMAND, environment

END_OF_INPUT = "\x04"
INTERRUPT = "\x03"
_COLOURS = re.compile(r"\x1b\[\d+m")


class Person:
    """Sits in front of one command. Standard output goes to a pipe, as in `planrunner run … > file`.

    seen   all that the terminal has shown, without colours
    out    what came to standard output, once the command has ended
    """

    def __init__(self, *words: str, cwd: Path, **env: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [COMMAND, *words],
            cwd=cwd,
            env=environment(TERM="xterm", COLUMNS="100", LINES="40", **env),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.seen = ""
        self._read_so_far = 0
        self.out = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self._ours)

    def reads(self, words: str, within: float = 60.0) -> str:
        """Wait until these words stand on the terminal, after those waited for before. What came up to them."""
        deadline = time.monotonic() + within
        while words not in self.seen[self._read_so_far :]:
            assert self._look(deadline - time.monotonic()), f"{words!r} did not come, but {self.seen!r}"
        end = self.seen.index(words, self._read_so_far) + len(words)
        part = self.seen[self._read_so_far : end]
        self._read_so_far = end
        return part

    def types(self, text: str) -> None:
        """Press these keys."""
        os.write(self._ours, text.encode())

    def answers(self, prompt: str, text: str) -> str:
        """Wait for the prompt, type the text and press Enter. What came up to the prompt."""
        came = self.reads(prompt)
        self.types(f"{text}\n")
        return came

    def rests(self, seconds: float) -> str:
        """What comes while nobody does anything."""
        before, deadline = len(self.seen), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._look(left):
            pass
        return self.seen[before:]

    def leaves(self, code: int) -> str:
        """The command ends with this exit code. All that was shown."""
        deadline = time.monotonic() + 60
        while self._look(deadline - time.monotonic()):
            pass
        self.out = self.process.communicate(timeout=60)[0].decode()
        assert self.process.returncode == code, self.seen
        return self.seen

    def _look(self, seconds: float) -> bool:
        """Read what is there or comes in time; False when nothing does, or the terminal is closed."""
        ready, _, _ = select.select([self._ours], [], [], max(seconds, 0))
        try:
            part = os.read(self._ours, 65536) if ready else b""
        except OSError:  # Linux says so when the other side is gone
            part = b""
        self.seen += _COLOURS.sub("", part.decode("utf-8", "replace")).replace("\r\n", "\n")
        return bool(part)
