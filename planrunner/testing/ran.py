"""What a run leaves for a test to look at, gathered from its events while it is carried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from planrunner import events
from planrunner.events import Event
from planrunner.fold import apply
from planrunner.plan import MISSING
from planrunner.run_state import COMPLETE, NOT_STARTED, RunState, StepState
from planrunner.scripted import names_of
from planrunner.sent import SentPrompt, sent_prompts
from planrunner.testing.names import PlanNames
from planrunner.times import utc


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool, as it was sent, by the step of this path."""

    tool: str
    args: dict[str, Any]
    path: str


class Ran:
    """A run as it stands.

    calls    of tools, each attempt, in the order in which they were made
    events   everything that happened
    whole    its steps and effects, also those that a run forgets: items of a loop that are done
    refusal  why the run was not begun
    """

    def __init__(self, names: PlanNames) -> None:
        self.state = RunState("")
        self.whole = RunState("")
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self.refusal: str | None = None
        self._names = names

    def hear(self, event: Event) -> None:
        """Take an event in."""
        if event.kind == events.RUN_STARTED:
            self.state = RunState(event.body["id"])
        self.events.append(event)
        path = event.key.partition("!")[0]
        step = self.state.steps.get(path)
        apply(self.state, event)
        step = self.state.steps.get(path, step)
        if step is not None:
            self.whole.steps[path] = step
        if event.kind == events.EFFECT_STARTED:
            self.whole.effects[event.key] = self.state.effects[event.key]
            if "args" in event.body:
                self.calls.append(Call(event.body["name"], event.body["args"], path))

    def due(self) -> float | None:
        """When the first open question stops being answerable; None when none ever does."""
        ends = (question.body["expires_at"] for question in self.state.open_questions.values())
        return min((end for end in ends if end is not None), default=None)

    def step(self, path: str) -> StepState:
        """The step of this path; one that is NOT_STARTED when there is none."""
        return self.whole.steps.get(path) or StepState(path)

    def step_state(self, path: str) -> str:
        """The state of the step of this path; `A and B` when its items or rounds are in several."""
        steps = self.whole.steps
        meant = [steps[path]] if path in steps else [step for step in steps.values() if _means(path, step.path)]
        return " and ".join(dict.fromkeys(step.state for step in meant)) or NOT_STARTED

    def expression_names(self) -> dict[str, Any]:
        """What expressions can read of the run."""
        state = self.state
        return {
            "inputs": state.inputs,
            "context": {key: state.context.get(key) for key in ("end_user_id", "additional_data")},
            "steps": _Steps(self, self._names),
            "run": {
                "id": state.id,
                "started_at": utc(state.created_at),
                "state": state.state,
                "error": state.error,
                "seconds": round(state.updated_at - state.created_at, 3),
            },
            "output": None if state.output is MISSING else state.output,
            "outputs": {path: step.output for path, step in self.whole.steps.items() if step.state == COMPLETE},
            "prompts": _prompts(self.events),
        }


class _Steps(Mapping[str, Any]):
    """`steps` in expressions: by id, as in plans, and by path."""

    def __init__(self, ran: Ran, names: PlanNames) -> None:
        self._ran = ran
        self._names = names

    def __getitem__(self, name: str) -> dict[str, Any]:
        path = self._names.path(name)
        if path is None:
            raise KeyError(name)
        step = self._ran.step(path)
        return {"output": step.output, "state": step.state, "error": step.error}

    def __iter__(self) -> Iterator[str]:
        yield from self._names.ids()

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _means(name: str, path: str) -> bool:
    return any(name == known for known in names_of(path))


def _prompts(history: Sequence[Event]) -> dict[str, list[str]]:
    """Step path → the text that was sent to its model, one per turn: the system message, then all that was said."""
    texts: dict[str, list[str]] = {}
    for path, sent in groupby(_first_attempts(history), lambda prompt: prompt.path):
        system, said = "", list[str]()
        for prompt in sent:
            for message in prompt.messages:
                if message["role"] == "system":
                    system = message["content"]
                else:
                    said.append(message["content"])
            texts.setdefault(path, []).append("\n\n".join(filter(None, (system, *said))))
            said += _reply(prompt)
    return texts


def _first_attempts(history: Sequence[Event]) -> Iterator[SentPrompt]:
    """Of each call what was sent at first: a further attempt is sent the same."""
    return (prompt for prompt in sent_prompts("", history) if prompt.attempt == 1)


def _reply(prompt: SentPrompt) -> Iterator[str]:
    """What the model said, as it is sent back to it."""
    if prompt.reply is not None:
        if prompt.reply["text"]:
            yield prompt.reply["text"]
        yield from (f"{call['name']} {call['arguments']}" for call in prompt.reply["tool_calls"])
