"""What happens in a run, as plain facts. The journal keeps them; record, progress and JSON lines come of them."""

from __future__ import annotations

from typing import Any, NamedTuple

RUN_STARTED = "run_started"
RUN_RESUMED = "run_resumed"
RUN_RETRIED = "run_retried"
STEP_STARTED = "step_started"
STEP_FINISHED = "step_finished"
ITEM_LEFT = "item_left"
EFFECT_STARTED = "effect_started"
EFFECT_FINISHED = "effect_finished"
EFFECT_ASKED = "effect_asked"
ATTEMPT_FAILED = "attempt_failed"
CALL_REFUSED = "call_refused"
EFFECT_VOIDED = "effect_voided"
DECIDED = "decided"
CLARIFICATION_RAISED = "clarification_raised"
CLARIFICATION_ANSWERED = "clarification_answered"
CLARIFICATION_CLOSED = "clarification_closed"
HOOK_FIRED = "hook_fired"
RUN_PAUSED = "run_paused"
RUN_FINISHED = "run_finished"


TEXT = "text"
"""What a model is saying, piece by piece: heard by listeners that ask for it, and never kept."""


class Event(NamedTuple):
    """One fact.

    kind  one of the words above
    key   whom it concerns: a step path (`triage`), or an effect's key (`triage!llm:0`); "" for the run
    at    when, in seconds since 1970
    body  the rest, JSON only; its keys are documented where the event is emitted

    A tuple and not a dataclass: a run of 2,000 steps makes 8,000 of them, and a tuple is its own JSON.
    """

    kind: str
    key: str
    at: float
    body: dict[str, Any]
