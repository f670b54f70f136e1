"""What a verb is: the shape it has in the file, and what it does when its turn comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from planrunner.plan import MISSING, NOTHING
from planrunner.run_parts import COMPLETE

if TYPE_CHECKING:
    from planrunner.models.base import ModelChoice, Reply, ToolCall, Turn
    from planrunner.plan import Agent, Plan, Step
    from planrunner.run_state import StepState


class ToolFacts(Protocol):
    """What an agent's model is told of a tool."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def args_schema(self) -> Mapping[str, Any]: ...


class Scope(Protocol):
    """All that a verb can reach while it runs. Nothing outside is touched but through it.

    path   where in the run this is: `triage`, `looks[3]`
    tries  1, and one more for each time the step was tried again after it had failed
    """

    plan: Plan
    step: Step
    path: str

    @property
    def tries(self) -> int: ...

    @property
    def context(self) -> Mapping[str, Any]:
        """The end user's execution context, as it stands in the record."""
        ...

    def render(self, value: Any) -> Any:
        """A part of the plan with every template in it rendered. Never give it anything but the plan's own text."""
        ...

    def render_text(self, value: str) -> str:
        """As `render`, for what is a text whatever its templates give: values that are no strings appear as JSON."""
        ...

    def render_prompt(self, value: str) -> str:
        """As `render_text`, for what a model reads: outputs that are too large stand in it as their summaries."""
        ...

    def shorten(self, value: Any, name: str) -> Any:
        """The value itself, or its summary where it is too large for a prompt."""
        ...

    def holds(self, expression: str) -> bool:
        """Whether a bare expression is true. TemplateError when it is neither true nor false."""
        ...

    def decide(self, what: str, decide: Callable[[], Any]) -> Any:
        """What was decided under the key `PATH!WHAT`, decided now when nothing was: never again after that."""
        ...

    def tool(self, name: str) -> ToolFacts:
        """The tool the plan knows by this name."""
        ...

    def args_problems(self, name: str, args: Any) -> list[str]:
        """What is wrong with these args for that tool; empty when nothing is."""
        ...

    def models(self, agent: Agent) -> Sequence[ModelChoice]:
        """The models that work for this agent, in the order they are tried."""
        ...

    async def call_model(self, turn: Turn) -> Reply:
        """One LLM call, journaled as the effect `PATH!llm:TURN`; a finished one is replayed."""
        ...

    def refuse(self, place: str, call: ToolCall, reason: str) -> None:
        """Put on record that a model asked for this call and that it was not made."""
        ...

    async def call_tool(
        self, name: str, args: Mapping[str, Any], place: str = "0", idempotency_key: str | None = None
    ) -> Any:
        """One tool call, journaled as `PATH!tool:PLACE`; a finished one is replayed. Raises the tool's StepError."""
        ...

    async def ask(self, name: str, question: Mapping[str, Any], on_timeout: Any = MISSING) -> Any:
        """The answer to a question, asked once under the key `PATH!NAME`.

        question    fields of a Clarification, `category` and `user_guidance` at least; `timeout` in seconds
        on_timeout  the answer that counts when the time is over; MISSING: DeadlineError then

        Until there is an answer the step waits, and what stands behind this call does not run.
        """
        ...

    async def run_steps(self, steps: Sequence[Step]) -> Mapping[str, StepState | None]:
        """Carry a list of steps inside of this one: id → what is on record of each, None for one that was not reached.

        Raises what ends the list: a step that failed, or waits, or an `exit`.
        """
        ...

    async def run_plan(self) -> Any:
        """Carry the plan that this `plan` step names: its final output."""
        ...

    def exit(self, state: str, message: str | None, output: Any) -> NoReturn:
        """End the plan this step stands in. `output` is MISSING when the step names none."""
        ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """An output that stands on record already, where `told` says: it is not told again.

    told  `{output_of: KEY OR PATH}`, or `{gathers: [ID, …], around: PATH}`
    """

    value: Any
    told: Mapping[str, Any]


def last_output(steps: Mapping[str, StepState | None]) -> Recorded | None:
    """The output of the last of these steps that came to its end; None when none did."""
    ran = [step for step in steps.values() if step is not None and step.state == COMPLETE]
    return Recorded(ran[-1].output, {"output_of": ran[-1].path}) if ran else None


@dataclass(frozen=True, slots=True)
class StepKind:
    """One verb.

    verb     the key in the file
    schema   JSON Schema of what stands under the verb
    beside   JSON Schemas of the keys that belong to this verb and stand beside it
    wraps    which of the keys for any step may be used: `foreach`, `repeat`, `on_error`, `retry`, `timeout`
    run      carries the step out and returns its output; None: the verb is in the language, and not built yet
    """

    verb: str
    schema: Mapping[str, Any]
    beside: Mapping[str, Mapping[str, Any]] = NOTHING
    wraps: tuple[str, ...] = ("foreach", "repeat", "on_error")
    run: Callable[[Scope], Awaitable[Any]] | None = None
