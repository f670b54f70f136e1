"""The parts of a run's state: steps, their effects, questions to people, and the words for how far they came."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from planrunner.events import Event

_AFTER_ID: Final = re.compile(r"[/\[(!]")
_CALL: Final = re.compile(r"!(?:tool|ask):([0-9.]*[0-9])")

NOT_STARTED: Final = "NOT_STARTED"
IN_PROGRESS: Final = "IN_PROGRESS"
NEED_CLARIFICATION: Final = "NEED_CLARIFICATION"
READY_TO_RESUME: Final = "READY_TO_RESUME"
COMPLETE: Final = "COMPLETE"
SKIPPED: Final = "SKIPPED"
FAILED: Final = "FAILED"

ENDED: Final = frozenset({COMPLETE, SKIPPED, FAILED})
"""The states in which a step or a run has come to its end."""


class EffectState:
    """One touch of the outside: an LLM call or a tool call.

    name      the tool, or the model
    args      of a tool call, as they were sent; None for an LLM call
    done      finished, with `value`, or with `error` as `{kind, message}`
    failed    the last attempt failed, and is followed by another
    failures  attempts that failed and were followed by another: `{name, choice, error, retry_after?, started_at,
              finished_at}`
    past      how many of these were made before the step was tried anew
    asks      the tool asked a person instead of giving a value; it is called again after the answer
    is_void   what is on record of it counts no more: it was in doubt, and a person said that it did not happen; or the
              step is tried anew
    usage     of an LLM call: `{prompt_tokens, completion_tokens, usd}`
    choice    of an LLM call: which of the models it may use was asked
    messages  of an LLM call: what it was sent beyond what the call before it was sent
    """

    __slots__ = (
        "args",
        "asks",
        "attempt",
        "choice",
        "done",
        "error",
        "failed",
        "failures",
        "finished_at",
        "is_void",
        "key",
        "messages",
        "name",
        "past",
        "started_at",
        "usage",
        "value",
    )

    def __init__(self, event: Event) -> None:
        body = event.body
        self.key = event.key
        self.name: str = body["name"]
        self.args: dict[str, Any] | None = body.get("args")
        self.attempt: int = body["attempt"]
        self.started_at = event.at
        self.finished_at: float | None = None
        self.done = False
        self.failed = False
        self.failures: list[dict[str, Any]] = []
        self.past = 0
        self.choice: int = body.get("choice", 0)
        self.messages: list[dict[str, Any]] | None = body.get("messages")
        self.asks = False
        self.is_void = False
        self.value: Any = None
        self.error: dict[str, str] | None = None
        self.usage: dict[str, Any] | None = None

    @property
    def path(self) -> str:
        """The path of the step that makes it."""
        return self.key[: self.key.index("!")]

    @property
    def failures_now(self) -> list[dict[str, Any]]:
        """The failures that count: those since the step was tried anew."""
        return [] if self.is_void else self.failures[self.past :]

    @property
    def is_begun(self) -> bool:
        """Whether it was begun and has not come to an end: made once more it is the same call, counted once."""
        return not self.done and not self.failed

    @property
    def is_llm_call(self) -> bool:
        """Whether a model was called, and not a tool."""
        return "!llm:" in self.key

    @property
    def ordinal(self) -> tuple[int, ...]:
        """Its place among the calls of its step, whatever came of it first: the turn, and the place in the reply."""
        return tuple(map(int, self.key.rpartition(":")[2].split(".")))


class StepState:
    """One step of the run, by its path: also one item of a `foreach`, and one round of a `repeat`.

    place    its place in its own list, from 0
    holds    other steps, items or rounds stand inside of it: the work is theirs
    summary  of an output that is too large for prompts
    refused  calls that a model asked for and that were not made, by key: `{tool, arguments, reason}`
    inner    what stands inside of it and is on record, by path
    items    of a `foreach`; None before its list is known
    keys     of decisions and hook firings that are forgotten with it
    began    where the failure began that ended it: the path of a step inside of it; None: with itself
    handling ids of the steps inside of it that were begun to handle its failure
    """

    __slots__ = (
        "attempts",
        "began",
        "effects",
        "error",
        "finished_at",
        "handling",
        "holds",
        "id",
        "inner",
        "items",
        "keys",
        "output",
        "path",
        "place",
        "refused",
        "started_at",
        "state",
        "summary",
    )

    def __init__(self, path: str) -> None:
        self.id = id_of(path)
        self.path = path
        self.place = 0
        self.holds = False
        self.state: str = NOT_STARTED
        self.attempts = 0
        self.started_at: float | None = None
        self.finished_at: float | None = None
        self.output: Any = None
        self.summary: str | None = None
        self.error: dict[str, str] | None = None
        self.effects: list[EffectState] = []
        self.refused: dict[str, dict[str, str]] = {}
        self.inner: dict[str, StepState] = {}
        self.items: Items | None = None
        self.keys: list[str] = []
        self.began: str | None = None
        self.handling: frozenset[str] = frozenset()


class Items:
    """The items of a `foreach`: of each its output, and its state once it has ended (before that None)."""

    __slots__ = ("outputs", "states")

    def __init__(self, total: int) -> None:
        self.outputs: list[Any] = [None] * total
        self.states: list[str | None] = [None] * total

    def counts(self) -> dict[str, int]:
        """As records have them."""
        number = Counter(self.states)
        return {
            "total": len(self.states),
            "complete": number[COMPLETE],
            "skipped": number[SKIPPED],
            "failed": number[FAILED],
        }


def parent_of(path: str) -> str | None:
    """The path around a path: of an item its `foreach`, of a round its `repeat`, of a step the one it stands in."""
    if path.endswith(")"):
        return path[: path.rindex("(")]
    if path.endswith("]"):
        return path[: path.rindex("[")]
    return path.rpartition("/")[0] or None


def id_of(path: str) -> str:
    """The id of the step that a path leads to, whichever item or round it is."""
    return root_of(path[path.rfind("/") + 1 :])


def root_of(path: str) -> str:
    """The id of the top-level step that a path begins with."""
    return _AFTER_ID.split(path, maxsplit=1)[0]


def last_number(path: str) -> int:
    """The index of the item, or the number of the round, that a path ends with; else 0."""
    return int(re.split(r"[\[(]", path)[-1][:-1]) if path[-1] in "])" else 0


def item_of(path: str) -> int | None:
    """The index of the item that a path ends with; None when it is no item."""
    return int(path[path.rindex("[") + 1 : -1]) if path.endswith("]") else None


class Stopwatch:
    """How long steps were in flight, in seconds. It stands still while people are waited for, and between processes."""

    __slots__ = ("_flying", "_passed", "_since")

    def __init__(self) -> None:
        self._flying = 0
        self._passed = 0.0
        self._since: float | None = None

    def begin(self, at: float) -> None:
        """One more step is in flight."""
        self._flying += 1
        self.go_on(at)

    def end(self, at: float) -> None:
        """One fewer."""
        self._flying -= 1
        if not self._flying:
            self.stop(at)

    def stop(self, at: float) -> None:
        """Nobody carries the run from now on."""
        self._passed = self.passed(at)
        self._since = None

    def go_on(self, at: float) -> None:
        """Somebody carries it again."""
        if self._flying and self._since is None:
            self._since = at

    def passed(self, at: float) -> float:
        """So many seconds until now."""
        return self._passed + (0.0 if self._since is None else max(0.0, at - self._since))


class QuestionState:
    """A question to a person, by its key `PATH!…`.

    body      the fields of the Clarification, as they were raised
    response  the answer, as `checked_answer` gave it
    closed    why nobody answers any more: `withdrawn` or `expired`; None while it is open or answered
    by        who answered
    """

    __slots__ = ("answered_at", "body", "by", "closed", "key", "raised_at", "resolved", "response")

    def __init__(self, event: Event) -> None:
        self.key = event.key
        self.body = event.body
        self.raised_at = event.at
        self.answered_at: float | None = None
        self.resolved = False
        self.response: Any = None
        self.closed: str | None = None
        self.by: str | None = None

    @property
    def id(self) -> str:
        """The clarification's id."""
        return str(self.body["id"])

    @property
    def place(self) -> tuple[int, ...]:
        """Of a question about a call, the place of the call among those of its step; else nothing."""
        call = _CALL.search(self.key)
        return tuple(map(int, call[1].split("."))) if call else ()

    @property
    def path(self) -> str:
        """The path of the step that asks."""
        return self.key[: self.key.index("!")]

    def as_clarification(self) -> dict[str, Any]:
        """The fields of the Clarification as it stands."""
        fields = {name: value for name, value in self.body.items() if value is not None}
        return {**fields, "response": self.response, "resolved": not self.is_open}

    @property
    def is_open(self) -> bool:
        """Whether an answer is still waited for."""
        return not self.resolved and self.closed is None
