"""Standard output for data, standard error for talk. Both UTF-8 in any locale; a reader who leaves is no error."""

from __future__ import annotations

import contextlib
import os
import sys
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
        _write(sys.stdout, text)
    except OSError as error:
        raise PlanrunnerError(f"standard output can't be written: {error.strerror}") from None


def for_people(text: str) -> str:
    """Data as standard output may have it: byte for byte, and made safe when it is a terminal."""
    return term_safe(text, lines=True) if is_terminal(sys.stdout) else text


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
