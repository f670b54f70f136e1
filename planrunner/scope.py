"""What a plan, and a step of it, can reach while it runs: names for its templates, and the outside, as effects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import Any, NoReturn

from planrunner import events
from planrunner.attempts import ONCE
from planrunner.errors import ModelError, TemplateError
from planrunner.hooks.base import Binding
from planrunner.hooks.firing import Hooks
from planrunner.journal.base import Post
from planrunner.json_schema import compile_schema
from planrunner.jsonsafe import dumps, to_json_safe
from planrunner.ledger import Ledger
from planrunner.limits import Budget, has_limits
from planrunner.model_calls import ModelCalls
from planrunner.models.base import Model, ModelChoice, Reply, ToolCall, Turn, models_named
from planrunner.place import Place, RunNames, StepNames
from planrunner.plan import MISSING, NOTHING, Agent, Limits, ModelAlias, Plan, Retry, Step
from planrunner.policy import NO_LIMITS
from planrunner.questions import Handler, Questions
from planrunner.summary import summary_of
from planrunner.template import Renderer, compile_expression, compile_prompt, compile_text, compile_value
from planrunner.tool_calls import ToolCalls
from planrunner.tools.catalogue import Catalogue, ResolvedTool
from planrunner.tools.scripted import ScriptedTools


@dataclass(frozen=True, slots=True)
class Parts:
    """What carrying a plan needs besides the plan; `wire` puts it together.

    default_models  litellm names or aliases for tasks whose agent names none; empty when nobody named one
    aliases         models of the project; the plan's own come before them
    handler         asks people at once; None: questions wait for their answers
    ceilings        the limits of the policy, above those of any plan
    bindings        hooks, in the order of their lists; `own_list` is that of the plan itself
    large_output    an output of more tokens stands in prompts as its summary
    streams         the listener hears the text of models as it comes
    subplans        the same for each sub-plan, as the plan names it
    """

    tools: Catalogue
    model: Model
    default_models: tuple[str, ...] = ()
    aliases: Mapping[str, ModelAlias] = NOTHING
    tool_script: ScriptedTools | None = None
    handler: Handler | None = None
    ceilings: Limits = NO_LIMITS
    bindings: tuple[Binding, ...] = ()
    own_list: int = 1
    large_output: int = 20_000
    streams: bool = False
    subplans: Mapping[str, Parts] = NOTHING


BREATH_SECONDS = 0.01


class PlanExit(Exception):
    """An `exit` step was reached, at `path`. `output` is MISSING where the step names none."""

    def __init__(self, path: str, state: str, message: str | None, output: Any) -> None:
        super().__init__(message)
        self.path = path
        self.state = state
        self.message = message
        self.output = output


class PlanScope:
    """A plan while it is carried, and what is compiled once for all its steps.

    path    of the step that runs it as a sub-plan; "" for the plan of the run
    inputs  those of the run, unless it is a sub-plan
    exited  the `exit` that was reached: nothing new starts then
    """

    def __init__(
        self,
        plan: Plan,
        parts: Parts,
        ledger: Ledger,
        *,
        path: str = "",
        inputs: Mapping[str, Any] | None = None,
        around: PlanScope | None = None,
    ) -> None:
        self.plan = plan
        self.parts = parts
        self.ledger = ledger
        self.path = path
        self.exited = _exit_on_record(ledger, path)
        self.said: tuple[Post, ...] = ()
        self.questions: Questions = Questions(ledger, parts.handler) if around is None else around.questions
        ceilings = (Budget("", parts.ceilings, fixed=True),) if has_limits(parts.ceilings) else ()
        self.budgets: tuple[Budget, ...] = ceilings if around is None else around.budgets
        if has_limits(plan.limits):
            self.budgets = (*self.budgets, Budget(path, plan.limits))
        self._renderers: dict[int, Renderer] = {}
        self._shown: dict[str, Step] = {}
        self._breathed = monotonic()
        self.run_names = RunNames(ledger.state)
        self.place = self._top(ledger.state.inputs if inputs is None else inputs)
        # These hold the names and not the scope: else it would hold itself, and not be freed with the end of the run.
        render, holds = partial(_render_with, self.place.names), partial(_holds_with, self.place.names)
        self.hooks = Hooks(parts.bindings, plan, ledger, self.questions, render, holds, path, parts.own_list)
        self.tool_calls = ToolCalls(
            parts.tools, parts.tool_script, plan.root, self.budgets, ledger, self.questions, self.hooks
        )
        self.model_calls = ModelCalls(parts.model, self.budgets, ledger, parts.streams)

    def _top(self, inputs: Mapping[str, Any]) -> Place:
        """The place of the plan's own lists, `steps` and `finally`."""
        prefix = f"{self.path}/" if self.path else ""
        paths = {step.id: f"{prefix}{step.id}" for step in (*self.plan.steps, *self.plan.finally_)}
        state = self.ledger.state
        names = {
            "inputs": inputs,
            "context": {name: state.context[name] for name in ("end_user_id", "additional_data")},
            "steps": StepNames(state, paths),
            "run": self.run_names,
        }
        return Place(prefix, names)

    def leave(self, reached: PlanExit) -> None:
        """An `exit` was reached: the first one counts, also when the run is carried on."""
        body = {"path": reached.path, "state": reached.state, "message": reached.message}
        if reached.output is not MISSING:
            body["output"] = reached.output
        self.ledger.decide(f"{self.path}!left", lambda: body)
        self.exited = self.exited or reached

    async def breathe(self) -> None:
        """Let the event loop have its turn now and then, also when no step ever waits."""
        if monotonic() - self._breathed > BREATH_SECONDS:
            await asyncio.sleep(0)
            self._breathed = monotonic()

    def shown(self, step: Step, path: str) -> Step:
        """The step as tools and hooks see it, where it stands in the run."""
        shown = self._shown.get(step.id)
        if shown is None:
            shown = self._shown[step.id] = step.shown()
        return shown if shown.path == path else replace(shown, path=path)

    def take_said(self) -> tuple[Post, ...]:
        """What was said to the run and not yet taken in."""
        said, self.said = self.said, ()
        return said

    def render(self, value: Any, names: Mapping[str, Any]) -> Any:
        """The value, a part of the plan, with its templates rendered. Compiled once per run, by identity."""
        renderer = self._renderers.get(id(value))
        if renderer is None:
            renderer = self._renderers[id(value)] = compile_value(value)
        return renderer(names)

    def shorten(self, value: Any, name: str) -> Any:
        """The value, or its summary where it is too large for a prompt."""
        summary = summary_of(value, self.parts.large_output, name)
        return value if summary is None else summary


def _render_with(around: Mapping[str, Any], value: Any, names: Mapping[str, Any]) -> Any:
    """A hook's `with`, which sees more names than a step."""
    return compile_value(value)({**around, **names})


def _holds_with(around: Mapping[str, Any], expression: str, names: Mapping[str, Any]) -> bool:
    return truth_of(expression, {**around, **names})


def _exit_on_record(ledger: Ledger, path: str) -> PlanExit | None:
    body = ledger.state.decisions.get(f"{path}!left")
    return None if body is None else PlanExit(body["path"], body["state"], body["message"], body.get("output", MISSING))


def truth_of(expression: str, names: Mapping[str, Any]) -> bool:
    """The value of a bare expression that must be true or false; TemplateError when it is neither."""
    value = compile_expression(expression)(names)
    if value is True or value is False:
        return bool(value)
    raise TemplateError(f"`{expression}` must be true or false, and is {_short(value)}")


class Carry:
    """How containers let the steps inside of them be carried; `runner` gives it to them."""

    def __init__(
        self,
        steps: Callable[[PlanScope, Place, Sequence[Step]], Awaitable[None]],
        subplan: Callable[[PlanScope, Place, Step, str], Awaitable[Any]],
    ) -> None:
        self.steps = steps
        self.subplan = subplan


class StepScope:
    """One step, one item of it, or one round, while it is carried out. The `Scope` that step kinds see."""

    __slots__ = ("_carry", "_plan", "_shown", "path", "place", "plan", "step")

    def __init__(self, plan: PlanScope, step: Step, path: str, place: Place, carry: Carry) -> None:
        self._plan = plan
        self._carry = carry
        self._shown: Step | None = None
        self.plan = plan.plan
        self.step = step
        self.path = path
        self.place = place

    @property
    def shown(self) -> Step:
        """The step as tools and hooks see it."""
        if self._shown is None:
            self._shown = self._plan.shown(self.step, self.path)
        return self._shown

    @property
    def context(self) -> Mapping[str, Any]:
        return self._plan.ledger.state.context

    @property
    def tries(self) -> int:
        return self._plan.ledger.state.steps[self.path].attempts

    def render(self, value: Any) -> Any:
        return self._plan.render(value, self.place.names)

    def render_text(self, value: str) -> str:
        return compile_text(value)(self.place.names)

    def render_prompt(self, value: str) -> str:
        return compile_prompt(value, self._plan.shorten)(self.place.names)

    def shorten(self, value: Any, name: str) -> Any:
        return self._plan.shorten(value, name)

    def holds(self, expression: str) -> bool:
        return truth_of(expression, self.place.names)

    def decide(self, what: str, decide: Callable[[], Any]) -> Any:
        return self._plan.ledger.decide(f"{self.path}!{what}", decide)

    def tool(self, name: str) -> ResolvedTool:
        return self._plan.parts.tools.resolve(name)

    def models(self, agent: Agent) -> Sequence[ModelChoice]:
        names = agent.model or self._plan.parts.default_models
        if not names:
            raise ModelError("no model is named for this task")
        return models_named(names, self.plan.models, self._plan.parts.aliases)

    def args_problems(self, name: str, args: Any) -> list[str]:
        return [str(problem) for problem in compile_schema(self.tool(name).args_schema).problems(args)]

    async def ask(self, name: str, question: Mapping[str, Any], on_timeout: Any = MISSING) -> Any:
        return await self._plan.questions.ask(f"{self.path}!{name}", self.step, question, on_timeout)

    async def call_model(self, turn: Turn) -> Reply:
        return await self._plan.model_calls.call(self.step, self.path, turn)

    def refuse(self, place: str, call: ToolCall, reason: str) -> None:
        key = f"{self.path}!tool:{place}"
        if key not in self._plan.ledger.state.steps[self.path].refused:
            told = to_json_safe({"tool": call.name, "arguments": call.arguments, "reason": reason})
            self._plan.ledger.emit(events.CALL_REFUSED, key, told)

    async def call_tool(
        self, name: str, args: Mapping[str, Any], place: str = "0", idempotency_key: str | None = None
    ) -> Any:
        return await self._plan.tool_calls.call(
            self.shown, f"{self.path}!tool:{place}", name, args, idempotency_key, self._retry()
        )

    def _retry(self) -> Retry:
        """How a tool call of this step is made again. What an agent's calls come to, its model decides about."""
        return self.step.retry or ONCE if self.step.verb == "tool" else ONCE

    async def run_steps(self, steps: Sequence[Step]) -> Mapping[str, Any]:
        inner = self.place.inside(self.path, [step.id for step in steps])
        await self._carry.steps(self._plan, inner, steps)
        known = self._plan.ledger.state.steps
        return {step.id: known.get(inner.path(step.id)) for step in steps}

    async def run_plan(self) -> Any:
        return await self._carry.subplan(self._plan, self.place, self.step, self.path)

    def exit(self, state: str, message: str | None, output: Any) -> NoReturn:
        raise PlanExit(self.path, state, message, output)


def _short(value: Any) -> str:
    text = dumps(to_json_safe(value))
    return text if len(text) <= 80 else f"{text[:77]}..."
