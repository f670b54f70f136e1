"""A run as its events tell it: the state that `fold` makes of them, and what is asked of it. Only `fold` changes it.

No pydantic here: the record that users hold (`plan_run.PlanRun`) is built from this only at the edges.
"""

from __future__ import annotations

from typing import Any

from planrunner.descriptions import Descriptions
from planrunner.plan import MISSING
from planrunner.run_parts import (
    COMPLETE,
    ENDED,
    FAILED,
    IN_PROGRESS,
    NEED_CLARIFICATION,
    NOT_STARTED,
    READY_TO_RESUME,
    SKIPPED,
    EffectState,
    Items,
    QuestionState,
    StepState,
    Stopwatch,
    id_of,
    item_of,
    parent_of,
    root_of,
)

__all__ = [
    "COMPLETE",
    "ENDED",
    "FAILED",
    "IN_PROGRESS",
    "NEED_CLARIFICATION",
    "NOT_STARTED",
    "OUTCOME",
    "READY_TO_RESUME",
    "SKIPPED",
    "EffectState",
    "QuestionState",
    "RunState",
    "StepState",
    "current_step_index",
    "id_of",
]

OUTCOME = "!outcome"
"""The decision that settles how a run ends, before what stands under `finally` is done."""


class RunState:
    """The whole run.

    steps, effects, decisions  by path, by effect key, by decision key
    hooks                      firings of hooks that came to their end, by key
    questions                  by question key, in the order they were raised; `open_questions` are those of them
                               that still wait for an answer
    step_ids, descriptions     the top-level steps in plan order, those under `finally` last, and what the plan says of
                               steps for people
    finally_ids                which of them stand under `finally`
    spent                      what sub-plans with limits of their own have spent, by their path
    root                       the project root of the plan
    generation                 grows when what people have said counts no more: another end user, or a new try
    tries                      1, and one more for each retry of a failed run
    in_flight                  how long steps were in flight
    raised_limits              limits of the plan that a retry has raised
    output                     MISSING until the run is COMPLETE
    """

    __slots__ = (
        "context",
        "created_at",
        "decisions",
        "descriptions",
        "effects",
        "error",
        "finally_ids",
        "generation",
        "hooks",
        "id",
        "in_flight",
        "inputs",
        "open_questions",
        "output",
        "plan",
        "questions",
        "raised_limits",
        "root",
        "spent",
        "state",
        "step_ids",
        "steps",
        "tries",
        "updated_at",
        "usage",
    )

    def __init__(self, run_id: str) -> None:
        self.id = run_id
        self.plan: dict[str, Any] = {}
        self.root = "."
        self.generation = 0
        self.tries = 1
        self.in_flight = Stopwatch()
        self.raised_limits: dict[str, Any] = {}
        self.step_ids: list[str] = []
        self.finally_ids: frozenset[str] = frozenset()
        self.descriptions = Descriptions()
        self.state: str = NOT_STARTED
        self.inputs: dict[str, Any] = {}
        self.context: dict[str, Any] = {}
        self.steps: dict[str, StepState] = {}
        self.effects: dict[str, EffectState] = {}
        self.decisions: dict[str, Any] = {}
        self.hooks: dict[str, dict[str, Any]] = {}
        self.questions: dict[str, QuestionState] = {}
        self.open_questions: dict[str, QuestionState] = {}
        self.output: Any = MISSING
        self.error: dict[str, Any] | None = None
        self.usage = nothing_spent()
        self.spent: dict[str, dict[str, Any]] = {}
        self.created_at = 0.0
        self.updated_at = 0.0

    @property
    def has_ended(self) -> bool:
        """Whether the run is COMPLETE or FAILED."""
        return self.state in ENDED


def nothing_spent() -> dict[str, Any]:
    """The sums before anything was spent."""
    return {"llm_calls": 0, "tool_calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "usd": 0.0}


def current_step_index(run: RunState) -> int:
    """Index of the top-level step that is in progress; else of the one that failed the run, else of the last ended.

    What runs under `finally` does not move it.
    """
    ids = [step_id for step_id in run.step_ids if step_id not in run.finally_ids]
    if run.state == FAILED and run.error and run.error.get("path") and root_of(run.error["path"]) in ids:
        return ids.index(root_of(run.error["path"]))
    last = 0
    for index, step_id in enumerate(ids):
        step = run.steps.get(step_id)
        if step is None:
            continue
        if step.state not in ENDED:
            return index
        last = index
    return last


def ended_as(run: RunState, path: str) -> str | None:
    """The state in which a step, item or round has ended; None when it has not. Also of an item that is let go of."""
    step = run.steps.get(path)
    if step is not None:
        return step.state if step.state in ENDED else None
    items, index = _items_around(run, path)
    return None if items is None else items.states[index]


def outputs_of(run: RunState, path: str) -> list[Any]:
    """The outputs of the items of a foreach."""
    items = run.steps[path].items
    return [] if items is None else items.outputs


def _items_around(run: RunState, path: str) -> tuple[Items | None, int]:
    index = item_of(path)
    parent = None if index is None else run.steps.get(parent_of(path) or "")
    return (None, 0) if index is None or parent is None else (parent.items, index)
