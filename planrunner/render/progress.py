"""What a person sees while a run goes on: lines that move on a terminal, one plain line per fact elsewhere."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping
from time import time
from typing import Any

from planrunner import events
from planrunner.events import Event
from planrunner.render.text import MARKS
from planrunner.render.words import Style, clip, clip_start, took, width
from planrunner.run_parts import FAILED
from planrunner.termsafe import term_safe

Write = Callable[[str], None]
"""Takes text that is fit for the terminal, line ends included. Must not raise."""

_DESCRIPTION = 80
_TICK = 0.2
_LAST_WORDS = 400
_FEW = 12
_ENDS_WORDS = frozenset((events.EFFECT_STARTED, events.EFFECT_FINISHED, events.ATTEMPT_FAILED, events.STEP_FINISHED))
_SPIN = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_UP_AND_CLEAR = "\x1b[1A\x1b[2K"


class Quiet:
    """Says nothing; the ground on which the others stand.

    descriptions  step path → what the plan says of the step; may be filled until the step starts
    hears_text    whether it shows the text of models as it comes
    """

    descriptions: Mapping[str, str] = {}
    hears_text = False

    def __call__(self, event: Event) -> None:
        """Hear an event."""

    def say(self, line: str) -> None:
        """Print one line of somebody else's that belongs between those of the run."""

    def hold(self) -> None:
        """Leave the terminal to a question: until `go_on` nothing is printed."""

    def go_on(self) -> None:
        """The terminal is free again: print what has come up meanwhile."""

    def close(self) -> None:
        """Leave the terminal as it was found."""


class Plain(Quiet):
    """One line per step start and end, and per question; with `verbose` also per call, and why it is made again."""

    def __init__(self, write: Write, style: Style, verbose: bool = False) -> None:
        self._write = write
        self._style = style
        self._verbose = verbose
        self._since: dict[str, float] = {}
        self._asking: dict[str, str] = {}
        self._held: list[str] | None = None

    def __call__(self, event: Event) -> None:
        """Tell the event, if people care for it."""
        if event.kind == events.STEP_STARTED:
            self._since[event.key] = event.at
            if not self._is_one_of_many(event):
                self._started(event)
        elif event.kind == events.STEP_FINISHED:
            since = self._since.pop(event.key, None)
            if not self._is_one_of_many(event):
                self._finished(event, since)
        elif event.kind == events.EFFECT_STARTED and self._verbose:
            self.say(self._style(_call(event), "dim"))
        elif event.kind == events.ATTEMPT_FAILED and self._verbose:
            self.say(self._style(_attempt(event), "dim"))
        elif event.kind == events.CLARIFICATION_RAISED:
            self._asking[event.key] = _path(event)
            self.say(f"{term_safe(_path(event))} {self._style('asks a person', 'yellow')}")
        elif event.kind in (events.CLARIFICATION_ANSWERED, events.CLARIFICATION_CLOSED):
            self._asking.pop(event.key, None)
            self.say(f"{term_safe(_path(event))} {_answer(event)}")

    def _is_one_of_many(self, event: Event) -> bool:
        """Whether this is about an item of a loop, or what is inside of one, that goes as it should: told with -v."""
        return "[" in event.key and event.body.get("state") != FAILED and not self._verbose

    def say(self, line: str) -> None:
        """Print one line."""
        if self._held is None:
            self._print(line)
        else:
            self._held.append(line)

    def hold(self) -> None:
        """Keep lines back."""
        self._held = self._held or []

    def go_on(self) -> None:
        """Print the lines that were kept back."""
        held, self._held = self._held or (), None
        for line in held:
            self._print(line)

    def close(self) -> None:
        """Keep nothing back."""
        self.go_on()

    def _print(self, line: str) -> None:
        self._write(line + "\n")

    def _started(self, event: Event) -> None:
        told = self._description(event.key)
        self.say(f"{term_safe(event.key)} started{f': {told}' if told else ''}")

    def _description(self, path: str) -> str:
        return clip(term_safe(" ".join(self.descriptions.get(path, "").split())), _DESCRIPTION)

    def _finished(self, event: Event, since: float | None) -> None:
        state = event.body["state"]
        time_taken = "" if since is None else f" in {took(event.at - since)}"
        self.say(f"{term_safe(event.key)} {self._style.state(state)}{time_taken}")


class Live(Plain):
    """Steps in flight stand at the bottom with their running time and the last words of their model; ended ones stay
    above as plain lines.
    """

    hears_text = True

    def __init__(self, write: Write, style: Style, verbose: bool = False) -> None:
        super().__init__(write, style, verbose)
        self._words: dict[str, str] = {}
        self._lock = threading.RLock()
        self._drawn = 0
        self._turn = 0
        self._ended = threading.Event()
        self._ticker: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        """Tell the event; the ticking thread waits meanwhile."""
        with self._lock:
            if event.kind == events.TEXT:
                self._words[_path(event)] = (self._words.get(_path(event), "") + event.body["text"])[-_LAST_WORDS:]
            elif event.kind in _ENDS_WORDS:
                self._words.pop(_path(event), None)
            super().__call__(event)

    def say(self, line: str) -> None:
        """Print one line above the moving ones."""
        with self._lock:
            super().say(line)

    def hold(self) -> None:
        """Take the moving lines off the screen, and keep others back."""
        with self._lock:
            super().hold()
            self._write(self._erased())

    def go_on(self) -> None:
        """Print what was kept back; the moving lines come again by themselves."""
        with self._lock:
            super().go_on()

    def close(self) -> None:
        """Stop moving; what was in flight disappears from the screen."""
        self._ended.set()
        if self._ticker is not None:
            self._ticker.join()
        with self._lock:
            self._write(self._erased())
            self._since.clear()
            super().close()

    def _print(self, line: str) -> None:
        self._write(f"{self._erased()}{line}\n{self._moving()}")

    def _started(self, event: Event) -> None:
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, name="planrunner-progress", daemon=True)
            self._ticker.start()
        self._draw()

    def _finished(self, event: Event, since: float | None) -> None:
        state = event.body["state"]
        tail = state if since is None else took(event.at - since)
        self.say(
            f"{self._style.state(state, MARKS.get(state, '?'))} {self._named(event.key)}  {self._style(tail, 'dim')}"
        )

    def _named(self, path: str) -> str:
        """The step, and what the plan says of it."""
        told = self._description(path)
        return f"{term_safe(path)}  {told}" if told else term_safe(path)

    def _tick(self) -> None:
        while not self._ended.wait(_TICK):
            self._draw()

    def _draw(self) -> None:
        with self._lock:
            if self._held is not None:
                return
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
        spin, asking = _SPIN[self._turn % len(_SPIN)], set(self._asking.values())
        told = (
            (f"{'?' if path in asking else spin} {self._named(path)}  {took(time() - since)}", path)
            for path, since in flying
        )
        return "".join(self._style(self._line(line, path, size.columns - 1), "cyan") + "\n" for line, path in told)

    def _line(self, line: str, path: str, columns: int) -> str:
        """One line, with as much of the end of the model's text as there is room for."""
        words, room = " ".join(term_safe(self._words.get(path, "")).split()), columns - width(line) - 2
        if not words or room < _FEW:
            return clip(line, columns)
        return f"{line}  {clip_start(words, room)}"


def _call(event: Event) -> str:
    """`  triage calls crm.search {"q": "A-1"}`."""
    path = _path(event)
    args: Any = event.body.get("args")
    told = "" if args is None else " " + json.dumps(args, ensure_ascii=False)
    return clip(term_safe(f"  {path} calls {event.body['name']}{told}"), 200)


def _attempt(event: Event) -> str:
    """`  triage fails and tries again: transient: the provider failed (503)`."""
    error = event.body["error"]
    return clip(term_safe(f"  {_path(event)} fails and tries again: {error['kind']}: {error['message']}"), 200)


def _path(event: Event) -> str:
    return event.key.partition("!")[0]


def _answer(event: Event) -> str:
    if event.kind == events.CLARIFICATION_CLOSED:
        return f"asks no more: {term_safe(str(event.body['why']))}"
    response, by = event.body["response"], event.body.get("by")
    told = response if isinstance(response, str) else json.dumps(response, ensure_ascii=False)
    return clip(term_safe(f"is answered{f' by {by}' if by else ''}: {told}"), 200)
