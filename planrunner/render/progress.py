"""What a person sees while a run goes on: lines that move on a terminal, one plain line per fact elsewhere."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from time import time
from typing import Any

from planrunner import events
from planrunner.events import Event
from planrunner.render.text import MARKS
from planrunner.render.words import Style, clip, took
from planrunner.termsafe import term_safe

Write = Callable[[str], None]
"""Takes text that is fit for the terminal, line ends included. Must not raise."""

_TICK = 0.2
_SPIN = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_UP_AND_CLEAR = "\x1b[1A\x1b[2K"


class Quiet:
    """Says nothing; the ground on which the others stand."""

    def __call__(self, event: Event) -> None:
        """Hear an event."""

    def say(self, line: str) -> None:
        """Print one line of somebody else's that belongs between those of the run."""

    def close(self) -> None:
        """Leave the terminal as it was found."""


class Plain(Quiet):
    """One line per step start and end; with `verbose` also one per call."""

    def __init__(self, write: Write, style: Style, verbose: bool = False) -> None:
        self._write = write
        self._style = style
        self._verbose = verbose
        self._since: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Tell the event, if people care for it."""
        if event.kind == events.STEP_STARTED:
            self._since[event.key] = event.at
            self._started(event)
        elif event.kind == events.STEP_FINISHED:
            self._finished(event, self._since.pop(event.key, None))
        elif event.kind == events.EFFECT_STARTED and self._verbose:
            self.say(self._style(_call(event), "dim"))

    def say(self, line: str) -> None:
        """Print one line."""
        self._write(line + "\n")

    def _started(self, event: Event) -> None:
        self.say(f"{term_safe(event.key)} started")

    def _finished(self, event: Event, since: float | None) -> None:
        state = event.body["state"]
        time_taken = "" if since is None else f" in {took(event.at - since)}"
        self.say(f"{term_safe(event.key)} {self._style.state(state)}{time_taken}")


class Live(Plain):
    """Steps in flight stand at the bottom with their running time; ended ones stay above as plain lines."""

    def __init__(self, write: Write, style: Style, verbose: bool = False) -> None:
        super().__init__(write, style, verbose)
        self._lock = threading.RLock()
        self._drawn = 0
        self._turn = 0
        self._ended = threading.Event()
        self._ticker: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        """Tell the event; the ticking thread waits meanwhile."""
        with self._lock:
            super().__call__(event)

    def say(self, line: str) -> None:
        """Print one line above the moving ones."""
        with self._lock:
            self._write(f"{self._erased()}{line}\n{self._moving()}")

    def close(self) -> None:
        """Stop moving; what was in flight disappears from the screen."""
        self._ended.set()
        if self._ticker is not None:
            self._ticker.join()
        with self._lock:
            self._write(self._erased())

    def _started(self, event: Event) -> None:
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, name="planrunner-progress", daemon=True)
            self._ticker.start()
        self._draw()

    def _finished(self, event: Event, since: float | None) -> None:
        state = event.body["state"]
        tail = state if since is None else took(event.at - since)
        self.say(
            f"{self._style.state(state, MARKS.get(state, '?'))} {term_safe(event.key)}  {self._style(tail, 'dim')}"
        )

    def _tick(self) -> None:
        while not self._ended.wait(_TICK):
            self._draw()

    def _draw(self) -> None:
        with self._lock:
            self._turn += 1
            self._write(self._erased() + self._moving())

    def _erased(self) -> str:
        drawn, self._drawn = self._drawn, 0
        return _UP_AND_CLEAR * drawn

    def _moving(self) -> str:
        """The steps in flight, no more of them than fit: a line that wraps or scrolls away can't be taken back."""
        size = shutil.get_terminal_size()
        flying = list(self._since.items())[: max(1, size.lines - 2)]
        self._drawn = len(flying)
        mark = _SPIN[self._turn % len(_SPIN)]
        lines = (clip(f"{mark} {term_safe(path)}  {took(time() - since)}", size.columns - 1) for path, since in flying)
        return "".join(self._style(line, "cyan") + "\n" for line in lines)


def _call(event: Event) -> str:
    """`  triage calls crm.search {"q": "A-1"}`."""
    path = event.key.partition("!")[0]
    args: Any = event.body.get("args")
    told = "" if args is None else " " + json.dumps(args, ensure_ascii=False)
    return clip(term_safe(f"  {path} calls {event.body['name']}{told}"), 200)
