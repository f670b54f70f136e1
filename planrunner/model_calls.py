"""The one way to a model: limits first, then attempts over the models that may answer, as one effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from planrunner import events
from planrunner.attempts import LLM_RETRY, LLM_SECONDS, Failure, Next, failure_of, next_attempt
from planrunner.errors import StepError
from planrunner.jsonsafe import to_json_safe
from planrunner.ledger import Ledger, outcome_of
from planrunner.limits import Budget, check_limits
from planrunner.models.base import Model, ModelRequest, Reply, ToolCall, Turn, Usage
from planrunner.plan import Step
from planrunner.times import Clock

if TYPE_CHECKING:
    from planrunner.run_state import EffectState


class ModelCalls:
    """The LLM calls of one run. `streams`: the listener hears the text of replies as it comes."""

    def __init__(self, model: Model, budgets: Sequence[Budget], ledger: Ledger, streams: bool) -> None:
        self._model = model
        self._budgets = budgets
        self._ledger = ledger
        self._streams = streams
        self._system: dict[str, Mapping[str, Any]] = {}

    async def call(self, step: Step, path: str, turn: Turn) -> Reply:
        """The reply to this turn of the step at `path`: as recorded when there is one, else the models are asked, in
        their order.

        Raises LimitExceededError, and the error of the last attempt when none is left.
        """
        known = self._ledger.state.effects.get(f"{path}!llm:{turn.number}")
        if known is not None and known.messages and known.messages[0]["role"] == "system":
            self._system[path] = known.messages[0]
        if known is not None and known.done and not known.is_void:
            return _reply(outcome_of(known))
        await self._model.ready()  # before the time of the call begins
        return _reply(await self._until_answered(_Call(step, path, turn, known, self._ledger.clock), known))

    async def _until_answered(self, call: _Call, known: EffectState | None) -> Any:
        attempt = 1 if known is None else known.attempt + (not known.is_begun)
        while True:
            choice, wait = call.upcoming
            if wait:
                await self._ledger.barrier()  # the failure is durable before the wait
                await self._ledger.clock.sleep(wait)
            try:
                return await self._attempt(call, choice, attempt)
            except StepError:
                if not call.goes_on:
                    raise
            attempt += 1

    async def _attempt(self, call: _Call, choice: int, attempt: int) -> Any:
        call.goes_on = False
        request = await self._request(call, choice)

        async def perform(_: EffectState) -> dict[str, Any]:
            reply = await self._model.complete(request)
            return {"value": _reply_body(reply), "usage": _usage_body(reply.usage)}

        known = self._ledger.state.effects.get(call.key)
        begun = known is not None and known.is_begun
        check_limits(self._budgets, self._ledger.state, "llm_calls", self._ledger.clock.now(), begun=begun)
        told = {"name": request.model, **({"choice": choice} if choice else {})}
        news = self._news(call, request.messages[0])
        return await self._ledger.effect(
            call.key,
            {**told, **news},
            perform,
            attempt,
            lambda error: call.failed(failure_of(error, choice)),
            may_happen_again=True,
        )

    async def _request(self, call: _Call, choice: int) -> ModelRequest:
        turn, model = call.turn, call.turn.models[choice]
        native = turn.schema is not None and await self._model.takes_schema(model, bool(turn.tools))
        return ModelRequest(
            model=model.model,
            messages=turn.messages if native or not turn.schema_prompt else _with_schema_prompt(turn),
            tools=turn.tools,
            parameters=model.parameters,
            schema=turn.schema if native else None,
            timeout=call.seconds_left(),
            path=call.path,
            turn=turn.number,
            on_text=self._whisper(call.key) if self._streams else None,
        )

    def _news(self, call: _Call, system: Mapping[str, Any]) -> dict[str, Any]:
        """What the record says of the messages: those that are new, and the system message where it is another.

        Nothing of a further attempt with the same messages.
        """
        known = self._ledger.state.effects.get(call.key)
        stands = known is not None and not known.is_void and bool(known.messages)
        path = call.path
        if self._system.get(path) == system and (known is None or stands):
            return {} if stands else {"messages": list(call.turn.news)}
        self._system[path] = system
        return {"messages": [dict(system), *call.turn.news]}

    def _whisper(self, key: str) -> Callable[[str], None]:
        return lambda text: self._ledger.whisper(events.TEXT, key, {"text": text})


class _Call:
    """One call while it is tried: what has failed of it, what comes next, and when its time is over.

    All its attempts and waits together may take as long as its attempts alone: `max_attempts` times `timeout`, for each
    of its models.
    """

    def __init__(self, step: Step, path: str, turn: Turn, known: EffectState | None, clock: Clock) -> None:
        self.path = path
        self.key = f"{path}!llm:{turn.number}"
        self.turn = turn
        self._retry = step.retry or LLM_RETRY
        self._seconds = LLM_SECONDS if step.timeout is None else step.timeout
        self._clock = clock
        self._end = clock.now() + self._seconds * self._retry.max_attempts * len(turn.models)
        self._failures = [] if known is None else [_failure(told) for told in known.failures_now]
        self.upcoming = self._next() or Next()
        self.goes_on = True

    def failed(self, failure: Failure) -> bool:
        """Note a failure; whether another attempt follows it."""
        self._failures.append(failure)
        upcoming = self._next()
        self.goes_on = upcoming is not None and self._clock.now() + upcoming.wait < self._end
        self.upcoming = upcoming or Next()
        return self.goes_on

    def seconds_left(self) -> float:
        """How long the attempt that begins now may take."""
        return min(self._seconds, max(self._end - self._clock.now(), 0.001))

    def _next(self) -> Next | None:
        return next_attempt(len(self.turn.models), self._retry, self._failures)


def _failure(told: Mapping[str, Any]) -> Failure:
    return Failure(told["choice"], told["error"]["kind"], told.get("retry_after"))


def _with_schema_prompt(turn: Turn) -> Sequence[Mapping[str, Any]]:
    system, *others = turn.messages
    return [{**system, "content": f"{system['content']}\n\n{turn.schema_prompt}"}, *others]


def _reply_body(reply: Reply) -> dict[str, Any]:
    calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in reply.tool_calls]
    body: dict[str, Any] = to_json_safe({"text": reply.text, "tool_calls": calls, "finish_reason": reply.finish_reason})
    return body


def _usage_body(usage: Usage) -> dict[str, Any]:
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens, "usd": usage.usd}


def _reply(body: Mapping[str, Any]) -> Reply:
    return Reply(
        text=body["text"],
        tool_calls=tuple(ToolCall(**call) for call in body["tool_calls"]),
        usage=Usage(),
        finish_reason=body["finish_reason"],
    )
