"""The one way to a tool: hooks before, the call as an effect, hooks after. Every call of every step takes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from planrunner import answers, events
from planrunner.attempts import ONCE, Failure, failure_of, next_attempt
from planrunner.errors import RejectedError, SchemaError, StepError, ToolHardError, ToolSoftError, step_error
from planrunner.hooks.base import AFTER_TOOL_CALL, BEFORE_TOOL_CALL, ToolCall
from planrunner.hooks.firing import Hooks
from planrunner.hooks.view import view_of
from planrunner.json_schema import check_value
from planrunner.jsonsafe import dumps, to_json_safe
from planrunner.ledger import Ledger, error_body
from planrunner.limits import Budget, check_limits
from planrunner.plan import Retry, Step
from planrunner.questions import Questions, Waiting, question_of
from planrunner.times import utc
from planrunner.tools.base import Tool, ToolRunContext
from planrunner.tools.calling import call_ready, call_tool
from planrunner.tools.catalogue import Catalogue, ResolvedTool
from planrunner.tools.scripted import ScriptedTools

if TYPE_CHECKING:
    from planrunner.run_state import EffectState

HAPPENED: Final = "it happened"
DID_NOT: Final = "it did not"
STOP: Final = "stop"


class ToolAsks(Exception):
    """A tool returned questions instead of a value: it is called again, under the same key, once they are answered."""

    def __init__(self, questions: list[dict[str, Any]]) -> None:
        super().__init__()
        self.questions = questions


class ToolCalls:
    """The tool calls of one run."""

    def __init__(
        self,
        tools: Catalogue,
        script: ScriptedTools | None,
        root: str,
        budgets: Sequence[Budget],
        ledger: Ledger,
        questions: Questions,
        hooks: Hooks,
    ) -> None:
        self._tools = tools
        self._script = script
        self._root = root
        self._budgets = budgets
        self._ledger = ledger
        self._questions = questions
        self._hooks = hooks

    async def call(
        self,
        step: Step,
        key: str,
        name: str,
        args: Mapping[str, Any],
        idempotency_key: str | None,
        retry: Retry = ONCE,
    ) -> Any:
        """The value of the call with this key: as recorded when it is finished, else the call is made.

        retry  how it is made again when it fails; of a call whose effect is not `read` only a ToolSoftError is

        Raises the StepError of the tool or of a hook, LimitExceededError, and Waiting while a person is asked.
        """
        resolved = self._tools.resolve(name)
        if resolved.effect == "irreversible" and self._questions.is_closed(key):
            raise RejectedError(f"under `finally` nobody can approve a call of {name}, which nobody can take back")
        if resolved.effect != "read":
            retry = replace(retry, on=tuple(kind for kind in retry.on if kind == ToolSoftError.kind))
        tried = _Tried(retry, self._ledger.state.effects.get(key))
        while True:
            try:
                return await self._attempt(step, key, resolved, args, idempotency_key, tried)
            except StepError:
                if not tried.goes_on:
                    raise
            await self._ledger.barrier()  # the failure is durable before the wait
            await self._ledger.clock.sleep(tried.wait)

    async def _attempt(
        self,
        step: Step,
        key: str,
        resolved: ResolvedTool,
        args: Mapping[str, Any],
        idempotency_key: str | None,
        tried: _Tried,
    ) -> Any:
        """Make the call once, with the hooks around it, unless it is finished."""
        tried.goes_on = False
        known = self._ledger.state.effects.get(key)
        in_flight = known is not None and not known.done and not known.failed and not known.asks
        if known is not None and in_flight and not known.is_void and resolved.effect == "irreversible":
            known = await self._settle_doubt(step, known)
        if known is None or known.is_void or known.failed:
            call = await self._approved(_new_call(step, key, resolved, args, known))
        else:
            call = _known_call(step, resolved, known)
            if not known.done and self._hooks.is_denied(call):
                raise RejectedError(f"calls of {resolved.name} are denied by the policy")
        value = await self._perform(call, resolved, idempotency_key, tried)
        if self._hooks.any_at(AFTER_TOOL_CALL):
            await self._hooks.after_tool_call(call, value)
        return value

    async def _approved(self, call: ToolCall) -> ToolCall:
        """The call with the args that the hooks before it left."""
        if not self._hooks.any_at(BEFORE_TOOL_CALL):
            return call
        resolved = self._tools.resolve(call.names[0])
        return call.with_args(await self._hooks.before_tool_call(call, lambda args: check_args(resolved, args)))

    async def _perform(self, call: ToolCall, resolved: ResolvedTool, idempotency_key: str | None, tried: _Tried) -> Any:
        async def touch(effect: EffectState) -> dict[str, Any]:
            return {"value": await self._touch(call, resolved, effect, idempotency_key)}

        await self._answers(call.step, call.key)
        known = self._ledger.state.effects.get(call.key)
        if known is None or not known.done or known.is_void:
            begun = known is not None and known.is_begun
            check_limits(self._budgets, self._ledger.state, "tool_calls", self._ledger.clock.now(), begun=begun)
        body = {"name": resolved.name, "args": call.args}
        try:
            return await self._ledger.effect(call.key, body, touch, call.attempt, tried.failed)
        except ToolAsks as asks:
            self._ledger.emit(events.EFFECT_ASKED, call.key, {})
            number = len(self._asked(call.key))
            for offset, question in enumerate(asks.questions):
                self._questions.put(f"{call.key}?{number + offset}", call.step, question)
        return await self._perform(call, resolved, idempotency_key, tried)

    async def _touch(
        self, call: ToolCall, resolved: ResolvedTool, effect: EffectState, idempotency_key: str | None
    ) -> Any:
        """Call the tool, or its script, and take the value in."""
        args = {name: _own_copy(value) for name, value in (effect.args or {}).items()}
        value = NotImplemented
        if self._script is not None:
            contained = call.tool.self_contained
            value = self._script.call(resolved.name, resolved.effect, args, effect.path, self_contained=contained)
        if value is NotImplemented:
            ctx = self._context(call.step, call.key, idempotency_key)
            value = await self._call_tool(call, ctx, args, resolved.timeout)
        if asked := _clarifications(value):
            raise ToolAsks([question_of(question, "tool", f"the tool {call.tool.id}") for question in asked])
        value = to_json_safe(value)
        if resolved.output_schema is not None:
            check_value(resolved.output_schema, value, f"the output of {resolved.name}")
        return self._hooks.redacted(call, value) if self._hooks.any_at(AFTER_TOOL_CALL) else value

    async def _call_tool(
        self, call: ToolCall, ctx: ToolRunContext, args: Mapping[str, Any], seconds: float | None
    ) -> Any:
        """Call the tool. What its error tells is redacted as a result would be."""
        try:
            return await call_tool(call.tool, ctx, args, _shortest(call.step.timeout, seconds))
        except StepError as error:
            told = self._hooks.redacted(call, str(error))
            if told == str(error):
                raise
            raise step_error(error.kind, told) from None

    async def _answers(self, step: Step, key: str) -> None:
        """Have what the tool asked answered, each question of it. Raises Waiting while one is open."""
        waiting: Waiting | None = None
        for question in self._asked(key):
            try:
                if question.is_open:
                    await self._questions.ask(question.key, step, {})
            except Waiting as waits:
                waiting = waits
        if waiting is not None:
            raise waiting

    async def make_ready(self, step: Step, catalogues: Iterable[tuple[str, Catalogue]]) -> None:
        """Ask every tool of the plan whether it can serve, and people what is missing, all of them together.

        catalogues  those of the plan and of its sub-plans, by where they stand

        Raises Waiting while one is not ready.
        """
        waiting: Waiting | None = None
        named = ((where, name, tools.resolve(name).tool) for where, tools in catalogues for name in tools.named())
        for where, name, tool in named:
            if type(tool).ready is Tool.ready or self._is_played(name, tool):
                continue
            try:
                await self._make_ready(step, f"{where}{name}", tool)
            except Waiting as waits:
                waiting = waits
        if waiting is not None:
            raise waiting

    def _is_played(self, name: str, tool: Tool) -> bool:
        """Whether a script answers every call of this tool."""
        return self._script is not None and self._script.stands_for(name, self_contained=tool.self_contained)

    async def _make_ready(self, step: Step, name: str, tool: Tool) -> None:
        key = f"!ready:{name}"
        await self._ledger.barrier()  # it is told of the run, and may touch the outside
        response = await call_ready(tool, self._context(step, key, None))
        asked = self._asked(key)
        if response.ready:
            if asked and asked[-1].is_open:
                self._ledger.emit(
                    events.CLARIFICATION_ANSWERED, asked[-1].key, {"response": answers.COMPLETE, "by": "tool"}
                )
            return
        if response.clarification is None:
            raise ToolHardError(f"the tool {name} is not ready, and does not say what is missing")
        number = len(asked) - 1 if asked and asked[-1].is_open else len(asked)
        await self._questions.ask(
            f"{key}?{number}", step, question_of(response.clarification, "tool", f"the tool {name}")
        )
        raise Waiting  # answered at once: whether it is ready now is asked with the next look

    def _context(self, step: Step, key: str, idempotency_key: str | None) -> ToolRunContext:
        state = self._ledger.state
        return ToolRunContext(
            end_user_id=state.context.get("end_user_id"),
            context=to_json_safe(state.context),
            step=step,
            run_id=state.id,
            idempotency_key=idempotency_key or self._idempotency_key(key),
            root=self._root,
            answered=tuple(q.as_clarification() for q in self._asked(key) if q.resolved),
            plan_run=view_of(state, step),
        )

    def _idempotency_key(self, key: str) -> str:
        """What receivers know the call by. Under `finally` a new try makes a call of its own: it tells another end."""
        state = self._ledger.state
        again = f"~{state.tries}" if state.tries > 1 and self._questions.is_closed(key) else ""
        return f"{state.id}/{key}{again}"

    def _asked(self, key: str) -> list[Any]:
        """The questions of the tool itself, in order."""
        questions = self._ledger.state.questions
        found: list[Any] = []
        while (question := questions.get(f"{key}?{len(found)}")) is not None:
            found.append(question)
        return found

    async def _settle_doubt(self, step: Step, effect: EffectState) -> EffectState:
        """A grave call was in flight when a process died: a person says whether it happened."""
        call = f"{effect.name} was being called with {dumps(effect.args)}"
        told = f"{call} at {utc(effect.started_at)} when the process ended"
        question = {
            "category": answers.MULTIPLE_CHOICE,
            "user_guidance": f"{told}. Nobody knows whether it happened. Look it up: did it?",
            "options": [HAPPENED, DID_NOT, STOP],
            "argument_name": "happened",
            "source": "doubt",
        }
        answer = await self._questions.ask(f"{effect.key}!doubt:{effect.attempt}", step, question)
        if answer == HAPPENED:
            self._ledger.emit(events.EFFECT_FINISHED, effect.key, {"value": None})
        elif answer == STOP:
            error = RejectedError(f"{told}; the answer was to stop")
            self._ledger.emit(events.EFFECT_FINISHED, effect.key, {"error": error_body(error)})
        else:
            self._ledger.emit(events.EFFECT_VOIDED, effect.key, {})
        return effect


class _Tried:
    """A call while it is tried: whether another attempt follows, and the seconds before it."""

    def __init__(self, retry: Retry, known: EffectState | None) -> None:
        self._retry = retry
        told = [] if known is None else known.failures_now
        self._failures = [Failure(0, failure["error"]["kind"], failure.get("retry_after")) for failure in told]
        self.goes_on = False
        self.wait = 0.0

    def failed(self, error: StepError) -> bool:
        """Note a failure; whether another attempt follows it."""
        self._failures.append(failure_of(error))
        upcoming = next_attempt(1, self._retry, self._failures)
        self.goes_on, self.wait = upcoming is not None, 0.0 if upcoming is None else upcoming.wait
        return self.goes_on


def _shortest(*timeouts: float | None) -> float | None:
    return min((timeout for timeout in timeouts if timeout is not None), default=None)


def check_args(resolved: ResolvedTool, args: Any) -> None:
    """SchemaError when the args do not fit the tool."""
    check_value(resolved.args_schema, args, f"the call of {resolved.name}")


def _new_call(
    step: Step, key: str, resolved: ResolvedTool, args: Mapping[str, Any], before: EffectState | None
) -> ToolCall:
    """A call with a copy of the args that nobody else holds: what is journaled is what the tool gets.

    before  the attempt before this one, which failed or counts no more
    """
    if before is not None:
        safe: dict[str, Any] = before.args or {}
    else:
        try:
            safe = to_json_safe(args, "args")
        except SchemaError as error:
            raise SchemaError(f"the call of {resolved.name}: {error}") from None
        check_args(resolved, safe)
    attempt = 1 if before is None else before.attempt + 1
    return _call(step, key, resolved, safe, attempt, attempt - _failed_attempts(before))


def _known_call(step: Step, resolved: ResolvedTool, effect: EffectState) -> ToolCall:
    first = effect.attempt - _failed_attempts(effect)
    return _call(step, effect.key, resolved, effect.args or {}, effect.attempt, first)


def _failed_attempts(effect: EffectState | None) -> int:
    """How many attempts at this call were followed by another."""
    return 0 if effect is None else len(effect.failures_now)


def _call(step: Step, key: str, resolved: ResolvedTool, args: dict[str, Any], attempt: int, first: int) -> ToolCall:
    return ToolCall(key, attempt, first, resolved.tool, resolved.names, resolved.effect, step, args)


def _own_copy(value: Any) -> Any:
    """What a tool may do with as it likes: what is recorded stays as it is."""
    return to_json_safe(value) if type(value) in (dict, list) else value


def _clarifications(value: Any) -> list[Any]:
    """The questions that a tool returned in place of a value; known without importing their classes.

    SchemaError for a list in which they stand beside other things: neither may get lost.
    """
    listed: list[Any] = value if type(value) is list else [value]
    found = [item for item in listed if hasattr(item, "user_guidance") and hasattr(item, "category")]
    if found and len(found) < len(listed):
        raise SchemaError("the tool returned a list of clarifications and other values; return one or the other")
    return found
