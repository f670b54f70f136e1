"""The parts of a run's state: steps, their effects, questions to people, and the words for how far they came."""

from __future__ import annotations

from typing import Any, Final

from planrunner.events import Event

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
    asks      the tool asked a person instead of giving a value; it is called again after the answer
    is_void   it was in doubt, and a person said that it did not happen
    usage     of an LLM call: `{prompt_tokens, completion_tokens, usd}`
    """

    __slots__ = (
        "args",
        "asks",
        "attempt",
        "done",
        "error",
        "finished_at",
        "is_void",
        "key",
        "name",
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
    def is_llm_call(self) -> bool:
        """Whether a model was called, and not a tool."""
        return "!llm:" in self.key


class StepState:
    """One step of the run, by its path."""

    __slots__ = ("attempts", "effects", "error", "finished_at", "id", "output", "path", "started_at", "state")

    def __init__(self, path: str) -> None:
        self.id = path.rsplit("/", 1)[-1]
        self.path = path
        self.state: str = NOT_STARTED
        self.attempts = 0
        self.started_at: float | None = None
        self.finished_at: float | None = None
        self.output: Any = None
        self.error: dict[str, str] | None = None
        self.effects: list[EffectState] = []


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
