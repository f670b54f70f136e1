"""The record of a run, as users hold it and as its JSON stands in files: `PlanRun`, built from a `RunState`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from planrunner import run_state
from planrunner.clarification import AnyClarification, ClarificationCategory
from planrunner.descriptions import Descriptions
from planrunner.execution_context import ExecutionContext
from planrunner.frozen import frozen
from planrunner.ids import plan_id
from planrunner.jsonsafe import to_json_safe
from planrunner.plan import MISSING
from planrunner.run_parts import last_number
from planrunner.run_state import EffectState, QuestionState, RunState, StepState

SCHEMA_VERSION = 1


class PlanRunState(StrEnum):
    """The state of a run."""

    NOT_STARTED = "NOT_STARTED"
    IN_PROGRESS = "IN_PROGRESS"
    NEED_CLARIFICATION = "NEED_CLARIFICATION"
    READY_TO_RESUME = "READY_TO_RESUME"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"


class StepRunState(StrEnum):
    """The state of a step in a run."""

    NOT_STARTED = "NOT_STARTED"
    IN_PROGRESS = "IN_PROGRESS"
    NEED_CLARIFICATION = "NEED_CLARIFICATION"
    COMPLETE = "COMPLETE"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Output(_Words):
    """A value, of any JSON type, and where it is large a `summary` of it (left out when there is none)."""

    value: Any = None
    summary: str | None = Field(default=None, exclude_if=lambda summary: summary is None)


class PlanReference(_Words):
    """Which plan a run carries out: its name, its version for people, and the digest of its files."""

    name: str
    version: str | None = None
    sha256: str


class ErrorRecord(_Words):
    """Why something failed. `kind` is one of `planrunner.errors.ERROR_KINDS`."""

    kind: str
    message: str


class RunError(ErrorRecord):
    """Why the run failed. `step` and `path` are None when no single step is to blame."""

    step: str | None = None
    path: str | None = None


class FailedAttempt(_Words):
    """An attempt at a call that failed and was followed by another. `model` is that of an LLM call."""

    model: str | None = None
    error: ErrorRecord
    started_at: datetime
    finished_at: datetime


class RefusedCall(_Words):
    """A call that a model asked for and that was not made: `tool` and `arguments` as the model wrote them."""

    tool: str
    arguments: str
    reason: str


class ToolCallRecord(_Words):
    """One tool call, in the order in which the step, or the model, asked for them."""

    tool: str
    args: dict[str, Any]
    state: StepRunState
    attempts: int = 1
    output: Any = None
    error: ErrorRecord | None = None
    failed_attempts: list[FailedAttempt] = Field(default_factory=list)
    started_at: datetime
    finished_at: datetime | None = None


class LlmCallRecord(_Words):
    """One LLM call. `model` is the one that was asked last; `usd` is None when the price is not known."""

    model: str
    state: StepRunState
    attempts: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float | None = None
    error: ErrorRecord | None = None
    failed_attempts: list[FailedAttempt] = Field(default_factory=list)
    started_at: datetime
    finished_at: datetime | None = None


class ItemCounts(_Words):
    """How many items a `foreach` has, and how many of them have ended, and how."""

    total: int
    complete: int
    skipped: int
    failed: int


class StepRecord(_Words):
    """One step of the plan and how far it came.

    items  of a `foreach`
    steps  what stands inside of it and was begun: inner steps, rounds, and of items those that failed, were skipped, or
           are under way (what became of the others is told by `items`, and by the events of the run)
    """

    id: str
    path: str
    description: str | None = None
    state: StepRunState = StepRunState.NOT_STARTED
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    tool_calls: list[ToolCallRecord] = Field(default_factory=list)
    llm_calls: list[LlmCallRecord] = Field(default_factory=list)
    refused_calls: list[RefusedCall] = Field(default_factory=list)
    error: ErrorRecord | None = None
    items: ItemCounts | None = Field(default=None, exclude_if=lambda items: items is None)
    steps: list[StepRecord] = Field(default_factory=list, exclude_if=lambda steps: not steps)


class UsageRecord(_Words):
    """Sums over the whole run, every attempt at a call counted. Calls of unknown price count 0 in `usd`."""

    llm_calls: int = 0
    tool_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0


class PlanRunOutputs(_Words):
    """The outputs of a run: per step under `$ID`, and the final one."""

    clarifications: list[AnyClarification] = Field(default_factory=list)
    step_outputs: dict[str, Output] = Field(default_factory=dict)
    final_output: Output | None = None


class PlanRun(_Words):
    """The record of one run of a plan.

    current_step_index  index among the top-level steps: the one in progress, else the last that ended; on FAILED the
                        step whose error ended the run
    step_outputs        `$ID` → output of every top-level step that is COMPLETE, in plan order
    final_output        `{value}` when the run is COMPLETE, else None
    times               UTC
    """

    schema_version: int = SCHEMA_VERSION
    id: str
    plan_id: str
    plan: PlanReference
    current_step_index: int = 0
    state: PlanRunState
    execution_context: ExecutionContext
    inputs: dict[str, Any] = Field(default_factory=dict)
    clarifications: list[AnyClarification] = Field(default_factory=list)
    step_outputs: dict[str, Output] = Field(default_factory=dict)
    final_output: Output | None = None
    steps: list[StepRecord] = Field(default_factory=list)
    usage: UsageRecord = Field(default_factory=UsageRecord)
    error: RunError | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def outputs(self) -> PlanRunOutputs:
        """Clarifications, step outputs and the final output together; the same objects, not copies."""
        return PlanRunOutputs.model_construct(
            clarifications=self.clarifications, step_outputs=self.step_outputs, final_output=self.final_output
        )

    def get_outstanding_clarifications(self) -> list[AnyClarification]:
        """The questions that still wait for an answer, in the order they were raised."""
        return [question for question in self.clarifications if not question.resolved]

    def get_clarifications_for_step(self, step: int | None = None) -> list[AnyClarification]:
        """The questions of the step with this index; of the current step when it is left out."""
        index = self.current_step_index if step is None else step
        return [question for question in self.clarifications if question.step == index]

    def get_clarification_for_step(
        self, category: ClarificationCategory, step: int | None = None
    ) -> AnyClarification | None:
        """The newest question of that kind that the step raised; None when it raised none."""
        asked = self.get_clarifications_for_step(step)
        return next((question for question in reversed(asked) if question.category == category), None)

    def __str__(self) -> str:
        return (
            f"Run(id={self.id}, plan_id={self.plan_id}, state={self.state}, "
            f"current_step_index={self.current_step_index}, "
            f"final_output={'set' if self.final_output else 'unset'})"
        )

    @classmethod
    def from_state(cls, run: RunState) -> PlanRun:
        """The record of a run as it stands."""
        return cls.model_validate(record_of(run))


class ReadOnlyPlanRun(PlanRun):
    """A copy that can't be changed, at any depth: setting a field raises, and so does changing a list or a mapping."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def from_plan_run(cls, plan_run: PlanRun) -> ReadOnlyPlanRun:
        """The frozen copy of a record."""
        fields = {name: frozen(value) for name, value in plan_run.model_copy(deep=True)}
        return cls.model_construct(**fields)


def record_of(run: RunState) -> dict[str, Any]:
    """The fields of the record, in their order."""
    ended = (step for step in map(run.steps.get, run.step_ids) if step and step.state == run_state.COMPLETE)
    complete = [step for step in ended if f"{step.path}!exit" not in run.decisions]  # an exit has no output
    return {
        "schema_version": SCHEMA_VERSION,
        "id": run.id,
        "plan_id": plan_id(run.plan["sha256"]),
        "plan": run.plan,
        "current_step_index": run_state.current_step_index(run),
        "state": run.state,
        "execution_context": to_json_safe(run.context),
        "inputs": to_json_safe(run.inputs),
        "clarifications": [_clarification(question) for question in _as_asked(run)],
        "step_outputs": {f"${step.id}": _step_output(step) for step in complete},
        "final_output": None if run.output is MISSING else {"value": to_json_safe(run.output)},
        "steps": [_step(step_id, run.steps.get(step_id), run.descriptions) for step_id in run.step_ids],
        "usage": run.usage,
        "error": run.error,
        "created_at": _utc(run.created_at),
        "updated_at": _utc(run.updated_at),
    }


def _utc(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _step_output(step: StepState) -> dict[str, Any]:
    value = {"value": to_json_safe(step.output)}
    return value if step.summary is None else {**value, "summary": step.summary}


def _step(step_id: str, step: StepState | None, descriptions: Descriptions) -> dict[str, Any]:
    description = descriptions.of(step_id)
    if step is None:
        return {"id": step_id, "path": step_id, "description": description}
    inner = sorted(step.inner.values(), key=lambda each: (each.place, last_number(each.path)))
    inside = descriptions.inside(step_id)  # of its items and rounds the same is said as of the step itself
    return {
        "id": step.id,
        "path": step.path,
        "description": description,
        "state": step.state,
        "attempts": step.attempts,
        "started_at": _utc(step.started_at),
        "finished_at": _utc(step.finished_at),
        "tool_calls": [_tool_call(effect, step) for effect in _in_order(step) if not effect.is_llm_call],
        "llm_calls": [_llm_call(effect, step) for effect in _in_order(step) if effect.is_llm_call],
        "refused_calls": list(step.refused.values()),
        "error": step.error,
        "items": None if step.items is None else step.items.counts(),
        "steps": [_step(each.id, each, descriptions if each.path[-1] in "])" else inside) for each in inner],
    }


def _in_order(step: StepState) -> list[EffectState]:
    """The calls of a step in the order in which they were asked for, whichever was begun first."""
    return sorted(step.effects, key=lambda effect: effect.ordinal) if len(step.effects) > 1 else step.effects


def _as_asked(run: RunState) -> list[QuestionState]:
    """The questions in the order of the steps and calls that they are about, whichever was raised first."""
    return sorted(run.questions.values(), key=lambda question: (question.body["step"], question.path, question.place))


def _clarification(question: QuestionState) -> dict[str, Any]:
    fields = question.as_clarification()
    if "expires_at" in fields:
        fields["expires_at"] = _utc(fields["expires_at"])
    return fields


def _call(effect: EffectState, step: StepState) -> dict[str, Any]:
    failures, error, finished_at = effect.failures, effect.error, effect.finished_at
    if (
        effect.failed and step.state in run_state.ENDED
    ):  # a limit or a cancel came before the attempt that was to follow
        *failures, last = failures
        error, finished_at = last["error"], last["finished_at"]
    done = run_state.FAILED if error else run_state.COMPLETE
    return {
        "state": done if effect.done or error else run_state.IN_PROGRESS,
        "attempts": effect.attempt,
        "error": error,
        "failed_attempts": [_failed_attempt(effect, told) for told in failures],
        "started_at": _utc(effect.started_at),
        "finished_at": _utc(finished_at),
    }


def _failed_attempt(effect: EffectState, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": told["name"] if effect.is_llm_call else None,
        "error": told["error"],
        "started_at": _utc(told["started_at"]),
        "finished_at": _utc(told["finished_at"]),
    }


def _tool_call(effect: EffectState, step: StepState) -> dict[str, Any]:
    return {
        "tool": effect.name,
        "args": to_json_safe(effect.args or {}),
        "output": to_json_safe(effect.value),
        **_call(effect, step),
    }


def _llm_call(effect: EffectState, step: StepState) -> dict[str, Any]:
    usage: Mapping[str, Any] = effect.usage or {}
    return {"model": effect.name, **usage, **_call(effect, step)}
