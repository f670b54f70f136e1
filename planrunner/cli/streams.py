"""Standard output for data, standard error for talk. Both UTF-8 in any locale; a reader who leaves is no error."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

from planrunner.errors import PlanrunnerError
from planrunner.render.words import Style, is_terminal, wants_colour
from planrunner.termsafe import term_safe


def use_utf8() -> None:
    """Speak UTF-8. What UTF-8 can't say (a file name of other bytes) is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def style(stream: TextIO | None) -> Style:
    """Colours for this stream, if it wants any."""
    return Style(wants_colour(stream, os.environ))


def talk(text: str) -> None:
    """Write to standard error, the line end included. Never raises: there is nobody left to tell."""
    with contextlib.suppress(OSError, ValueError):
        _write(sys.stderr, text + "\n")


def talk_raw(text: str) -> None:
    """As `talk`, without a line end."""
    with contextlib.suppress(OSError, ValueError):
        _write(sys.stderr, text)


def data(text: str) -> None:
    """Write to standard output. PlanrunnerError when it can't take it; a reader who has left is no error."""
    try:
        _write(_standard_output(), text)
    except OSError as error:
        raise PlanrunnerError(f"standard output can't be written: {error.strerror}") from None


@contextlib.contextmanager
def kept_for_data(say: Callable[[str], None]) -> Iterator[None]:
    """Meanwhile standard output takes nothing but our data: what tools and their children print is talk.

    say  takes each line that Python code prints; what a child process writes goes to standard error as it is
    """
    global _data
    real = sys.stdout
    prints = _Prints(say)
    own: int | None = None
    try:
        if real is not None and real.fileno() == 1:
            real.flush()
            own = os.dup(1)
            os.dup2(_talk_or_nowhere(), 1)
    except (OSError, ValueError):  # no file at all: a test's stand-in, or closed before we began
        own = None
    _data = real if own is None else open(own, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - closed below
    sys.stdout = prints
    try:
        yield
    finally:
        prints.finish()
        sys.stdout = real
        if own is not None:
            with contextlib.suppress(OSError):
                os.dup2(own, 1)
            _close(_data)
        _data = None


_data: TextIO | None = None
"""Where data goes while `kept_for_data` lasts."""


def _talk_or_nowhere() -> int:
    try:
        os.fstat(2)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
    return 2


def _close(stream: TextIO | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            stream.close()


class _Prints(io.TextIOBase):
    """Stands for standard output where tools print: whole lines go to `say`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._rest = ""
        self._lock = threading.Lock()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._say(term_safe(line))
        return len(text)

    def flush(self) -> None:
        """A line without an end stays until it has one, or until the run is over."""

    def finish(self) -> None:
        if self._rest:
            self.write("\n")


def _standard_output() -> TextIO | None:
    return sys.stdout if _data is None else _data


def for_people(text: str) -> str:
    """Data as standard output may have it: byte for byte, and made safe when it is a terminal."""
    return term_safe(text, lines=True) if is_terminal(_standard_output()) else text


def silence(stream: TextIO | None) -> None:
    """Let what is still buffered, and all that follows, go nowhere."""
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed before we began
        return
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        silence(stream)
    except OSError:
        silence(stream)
        raise
