"""What a step can reach while it runs: the names its templates see, and the touches of the outside, as effects."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

from planrunner import events, run_state
from planrunner.attempts import ONCE
from planrunner.errors import ModelError, TemplateError
from planrunner.hooks.base import Binding
from planrunner.hooks.firing import Hooks
from planrunner.journal.base import Post
from planrunner.json_schema import compile_schema
from planrunner.jsonsafe import dumps, to_json_safe
from planrunner.ledger import Ledger
from planrunner.model_calls import ModelCalls
from planrunner.models.base import Model, ModelChoice, Reply, ToolCall, Turn, models_named
from planrunner.plan import MISSING, NOTHING, Agent, ModelAlias, Plan, Retry, Step
from planrunner.questions import Handler, Questions
from planrunner.summary import summary_of
from planrunner.template import Renderer, compile_expression, compile_prompt, compile_text, compile_value
from planrunner.times import utc
from planrunner.tool_calls import ToolCalls
from planrunner.tools.catalogue import Catalogue, ResolvedTool
from planrunner.tools.scripted import ScriptedTools

if TYPE_CHECKING:
    from planrunner.run_state import RunState


@dataclass(frozen=True, slots=True)
class Parts:
    """What carrying a run needs besides its plan; `wire` puts it together.

    default_models  litellm names or aliases for tasks whose agent names none; empty when nobody named one
    aliases         models of the project; the plan's own come before them
    handler        asks people at once; None: questions wait for their answers
    bindings       hooks, in the order of their lists
    large_output   an output of more tokens stands in prompts as its summary
    streams        the listener hears the text of models as it comes
    """

    tools: Catalogue
    model: Model
    default_models: tuple[str, ...] = ()
    aliases: Mapping[str, ModelAlias] = NOTHING
    tool_script: ScriptedTools | None = None
    handler: Handler | None = None
    bindings: tuple[Binding, ...] = ()
    large_output: int = 20_000
    streams: bool = False


BREATH_SECONDS = 0.01


class PlanExit(Exception):
    """An `exit` step was reached."""

    def __init__(self, state: str, message: str | None, output: Any) -> None:
        super().__init__(message)
        self.state = state
        self.message = message
        self.output = output


class RunScope:
    """One run while it is carried: plan, parts, book, and what is compiled once for all its steps."""

    def __init__(self, plan: Plan, parts: Parts, ledger: Ledger) -> None:
        self.plan = plan
        self.parts = parts
        self.ledger = ledger
        self.names: Mapping[str, Any] = {
            "inputs": ledger.state.inputs,
            "context": _context_names(ledger.state.context),
            "steps": _StepNames(plan, ledger.state),
            "run": _RunNames(ledger.state),
        }
        self.questions = Questions(ledger, parts.handler)
        self._renderers: dict[int, Renderer] = {}
        self._shown: dict[str, Step] = {}
        self._breathed = monotonic()
        self.said: tuple[Post, ...] = ()
        self.hooks = Hooks(parts.bindings, plan, ledger, self.questions, self._render_with, self._holds_with)
        self.tool_calls = ToolCalls(parts.tools, parts.tool_script, plan, ledger, self.questions, self.hooks)
        self.model_calls = ModelCalls(parts.model, plan.limits, ledger, parts.streams)

    async def breathe(self) -> None:
        """Let the event loop have its turn now and then, also when no step ever waits."""
        if monotonic() - self._breathed > BREATH_SECONDS:
            await asyncio.sleep(0)
            self._breathed = monotonic()

    def shown(self, step: Step) -> Step:
        """The step as tools and hooks see it."""
        shown = self._shown.get(step.id)
        if shown is None:
            shown = self._shown[step.id] = step.shown()
        return shown

    def take_said(self) -> tuple[Post, ...]:
        """What was said to the run and not yet taken in."""
        said, self.said = self.said, ()
        return said

    def render(self, value: Any) -> Any:
        """The value, a part of the plan, with its templates rendered. Compiled once per run, by identity."""
        renderer = self._renderers.get(id(value))
        if renderer is None:
            renderer = self._renderers[id(value)] = compile_value(value)
        return renderer(self.names)

    def shorten(self, value: Any, name: str) -> Any:
        """The value, or its summary where it is too large for a prompt."""
        summary = summary_of(value, self.parts.large_output, name)
        return value if summary is None else summary

    def _render_with(self, value: Any, names: Mapping[str, Any]) -> Any:
        """A hook's `with`, which sees more names than a step."""
        return compile_value(value)({**self.names, **names})

    def _holds_with(self, expression: str, names: Mapping[str, Any]) -> bool:
        return _truth(expression, {**self.names, **names})

    def holds(self, expression: str) -> bool:
        """The truth of a bare expression; TemplateError when it is neither true nor false."""
        return _truth(expression, self.names)


def _truth(expression: str, names: Mapping[str, Any]) -> bool:
    """The value of a bare expression that must be true or false."""
    value = compile_expression(expression)(names)
    if value is True or value is False:
        return bool(value)
    raise TemplateError(f"`{expression}` must be true or false, and is {_short(value)}")


class StepScope:
    """One step of a run. The `Scope` that step kinds see."""

    __slots__ = ("_run", "path", "plan", "step")

    def __init__(self, run: RunScope, step: Step, path: str) -> None:
        self._run = run
        self.plan = run.plan
        self.step = step
        self.path = path

    @property
    def context(self) -> Mapping[str, Any]:
        return self._run.ledger.state.context

    def render(self, value: Any) -> Any:
        return self._run.render(value)

    def render_text(self, value: str) -> str:
        return compile_text(value)(self._run.names)

    def render_prompt(self, value: str) -> str:
        return compile_prompt(value, self._run.shorten)(self._run.names)

    def shorten(self, value: Any, name: str) -> Any:
        return self._run.shorten(value, name)

    def tool(self, name: str) -> ResolvedTool:
        return self._run.parts.tools.resolve(name)

    @property
    def tries(self) -> int:
        return self._run.ledger.state.steps[self.path].attempts

    def models(self, agent: Agent) -> Sequence[ModelChoice]:
        names = agent.model or self._run.parts.default_models
        if not names:
            raise ModelError("no model is named for this task")
        return models_named(names, self.plan.models, self._run.parts.aliases)

    def args_problems(self, name: str, args: Any) -> list[str]:
        return [str(problem) for problem in compile_schema(self.tool(name).args_schema).problems(args)]

    async def ask(self, name: str, question: Mapping[str, Any], on_timeout: Any = MISSING) -> Any:
        return await self._run.questions.ask(f"{self.path}!{name}", self.step, question, on_timeout)

    async def call_model(self, turn: Turn) -> Reply:
        return await self._run.model_calls.call(self.step, f"{self.path}!llm:{turn.number}", turn)

    def refuse(self, place: str, call: ToolCall, reason: str) -> None:
        key = f"{self.path}!tool:{place}"
        if key not in self._run.ledger.state.steps[self.path].refused:
            told = to_json_safe({"tool": call.name, "arguments": call.arguments, "reason": reason})
            self._run.ledger.emit(events.CALL_REFUSED, key, told)

    async def call_tool(
        self, name: str, args: Mapping[str, Any], place: str = "0", idempotency_key: str | None = None
    ) -> Any:
        return await self._run.tool_calls.call(
            self._run.shown(self.step), f"{self.path}!tool:{place}", name, args, idempotency_key, self._retry()
        )

    def _retry(self) -> Retry:
        """How a tool call of this step is made again. What an agent's calls come to, its model decides about."""
        return self.step.retry or ONCE if self.step.verb == "tool" else ONCE

    def exit(self, state: str, message: str | None, output: Any) -> NoReturn:
        raise PlanExit(state, message, output)


class _StepNames(Mapping[str, Any]):
    """`steps` in templates: every step of the plan by id, also one that has not run (its output is null)."""

    __slots__ = ("_ids", "_steps")

    def __init__(self, plan: Plan, state: RunState) -> None:
        self._ids = {step.id: step.path for step in plan.walk()}
        self._steps = state.steps

    def __getitem__(self, step_id: str) -> dict[str, Any]:
        step = self._steps.get(self._ids[step_id])
        if step is None:
            return {"output": None, "state": run_state.NOT_STARTED, "error": None}
        return {"output": step.output, "state": step.state, "error": step.error}

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


class _RunNames(Mapping[str, Any]):
    """`run` in templates."""

    __slots__ = ("_state",)

    def __init__(self, state: RunState) -> None:
        self._state = state

    def __getitem__(self, name: str) -> Any:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, Any]:
        state = self._state
        return {
            "id": state.id,
            "started_at": utc(state.created_at),
            "state": state.state,
            "error": state.error,
        }


def _context_names(context: Mapping[str, Any]) -> dict[str, Any]:
    return {"end_user_id": context["end_user_id"], "additional_data": context["additional_data"]}


def _short(value: Any) -> str:
    text = dumps(to_json_safe(value))
    return text if len(text) <= 80 else f"{text[:77]}..."
