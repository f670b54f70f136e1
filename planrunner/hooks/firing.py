"""Fires hooks: in which order, how often, and what their failure means. Only here.

Each firing that came to its end is an event, and is not repeated when the run is carried on; a hook that asked a person
fires again once the question is answered, with the very args it saw, and while it is open nothing fires.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from planrunner import events
from planrunner.errors import HookError, RejectedError, SchemaError, StepError, TemplateError, ToolHardError
from planrunner.hooks.base import (
    AFTER_PLAN_RUN,
    AFTER_STEP,
    AFTER_TOOL_CALL,
    BEFORE_PLAN_RUN,
    BEFORE_STEP,
    BEFORE_TOOL_CALL,
    POINTS,
    Binding,
    ToolCall,
)
from planrunner.hooks.view import view_of
from planrunner.jsonsafe import dumps, to_json_safe
from planrunner.ledger import Ledger
from planrunner.plan import Plan, Step
from planrunner.questions import Questions, Waiting
from planrunner.tools.threads import in_thread

ASKINGS = 20
"""How often one hook may ask about one call; one that asks for ever fails it."""

REJECTED = "rejected"

_log = logging.getLogger("planrunner")
_Names = Mapping[str, Any]


class Hooks:
    """The hooks of one run, in the order of their lists: the Runner's, then the plan's."""

    def __init__(
        self,
        bindings: Sequence[Binding],
        plan: Plan,
        ledger: Ledger,
        questions: Questions,
        render: Callable[[Any, _Names], Any],
        holds: Callable[[str, _Names], bool],
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._questions = questions
        self._render = render
        self._holds = holds
        self._at: dict[str, list[tuple[int, Binding]]] = {point: [] for point in POINTS}
        for number, binding in enumerate(bindings):
            self._at[binding.point].append((number, binding))

    def any_at(self, point: str) -> bool:
        """Whether anything stands at this point; nothing is spent on a point where nothing does."""
        return bool(self._at[point])

    async def before_plan_run(self) -> None:
        """Raises HookError."""
        for number, binding in self._at[BEFORE_PLAN_RUN]:
            await self._once(f"!before_plan_run:{number}", binding, {}, self._plan, view_of(self._ledger.state))

    async def after_plan_run(self, value: Any) -> None:
        """The run has ended; what fails here is logged and recorded, and changes nothing."""
        for number, binding in reversed(self._at[AFTER_PLAN_RUN]):
            arguments = (self._plan, view_of(self._ledger.state), _output(value))
            try:
                await self._once(f"!after_plan_run:{number}", binding, {"output": value}, *arguments)
            except StepError as error:
                _log.warning("the hook %s failed after the run had ended: %s", binding.name, error)

    async def before_step(self, step: Step) -> bool:
        """Whether the step is to be carried out. Raises HookError."""
        for number, binding in self._at[BEFORE_STEP]:
            if binding.matcher.fits_step(step):
                view = view_of(self._ledger.state, step)
                key = f"{step.path}!before_step:{number}"
                if await self._once(key, binding, _step_names(step), self._plan, view, step) == "SKIP":
                    return False
        return True

    async def after_step(self, step: Step, value: Any) -> None:
        """Raises HookError."""
        for number, binding in reversed(self._at[AFTER_STEP]):
            if binding.matcher.fits_step(step):
                view = view_of(self._ledger.state, step)
                names = {**_step_names(step), "output": value}
                key = f"{step.path}!after_step:{number}"
                await self._once(key, binding, names, self._plan, view, step, _output(value))

    async def before_tool_call(self, call: ToolCall, check: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """The args the call is made with. Raises RejectedError, HookError, and what `check` raises for changed args."""
        args = call.args
        approvals: list[Mapping[str, Any]] = []
        for number, binding in self._before(call):
            key = f"{call.key}#{call.attempt}.{self._ledger.state.generation}!before:{number}"
            args = await self._before_call(key, binding, call.with_args(args), check)
            approvals += self._approvals(key)
        digest = digest_of(call, args, self._ledger.state.context)
        if any(approval["digest"] != digest for approval in approvals):
            raise HookError(f"the args of {call.tool.id} were changed after they had been approved; it is not called")
        return args

    async def after_tool_call(self, call: ToolCall, value: Any) -> None:
        """Raises HookError, or Waiting when a hook asks a person."""
        for number, binding in reversed(self._at[AFTER_TOOL_CALL]):
            key = f"{call.key}#{call.attempt}!after:{number}"
            if not binding.is_about(call) or key in self._ledger.state.hooks or hasattr(binding.hook, "result"):
                continue
            names = {**_call_names(call), "output": value}
            await self._asking(key, binding, call, names, to_json_safe(value))
            self._fired(key, binding, "passed")

    def redacted(self, call: ToolCall, value: Any) -> Any:
        """The result as it is recorded."""
        for _, binding in self._at[AFTER_TOOL_CALL]:
            if hasattr(binding.hook, "result") and binding.is_about(call):
                value = binding.hook.result(value)
        return value

    def _before(self, call: ToolCall) -> Iterator[tuple[int, Binding]]:
        """First the hooks that may change args; then, over the args that are left, the verdicts."""
        at = self._at[BEFORE_TOOL_CALL]
        yield from ((n, binding) for n, binding in at if binding.verdict is None and binding.is_about(call))
        speakers: dict[int, tuple[int, Binding]] = {}
        for number, binding in at:
            if binding.verdict is not None and binding.is_about(call):
                speakers.setdefault(binding.lists, (number, binding))
        for verdict in ("deny", "clarify"):
            yield from (speaker for speaker in speakers.values() if speaker[1].verdict == verdict)

    async def _before_call(
        self, key: str, binding: Binding, call: ToolCall, check: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Fire one hook before a call, unless it is on record; the args it left."""
        fired = self._ledger.state.hooks.get(key)
        if fired is not None:
            if fired["outcome"] == REJECTED:
                raise RejectedError(fired["message"])
            return fired.get("args", call.args)  # type: ignore[no-any-return]
        seen = self._seen_args(key)
        args: dict[str, Any] = to_json_safe(call.args if seen is None else seen)
        call = call.with_args(args)
        try:
            await self._asking(key, binding, call, _call_names(call), args)
        except ToolHardError as error:
            self._fired(key, binding, REJECTED, message=str(error))
            raise RejectedError(str(error)) from error
        left: dict[str, Any] = _safe_args(binding, args)
        if left != call.args or seen is not None:
            check(left)
        self._fired(key, binding, "passed", args=left)
        return left

    async def _asking(
        self,
        key: str,
        binding: Binding,
        call: ToolCall,
        names: _Names,
        shown: Any,
    ) -> None:
        """Fire a hook that may ask, until it asks no more. It is shown the args, or the output, as `shown`."""
        while True:
            asked = list(self._asked(key))
            if asked and asked[-1].is_open:
                await self._questions.ask(asked[-1].key, call.step, {})
            digest = digest_of(call, call.args, self._ledger.state.context)
            own = frozenset(q.id for q in asked if (q.body.get("call") or {}).get("digest") == digest)
            view = view_of(self._ledger.state, call.step, own)
            question = await self._call(binding, names, call.tool, shown, view, call.step)
            if question is None or not hasattr(question, "user_guidance"):
                return
            if len(asked) >= ASKINGS:
                raise HookError(f"the hook {binding.name} asks again and again about {call.tool.id}")
            await self._questions.ask(f"{key}?{len(asked)}", call.step, _question(question, call, digest))

    def _asked(self, key: str) -> Iterator[Any]:
        """The questions of one firing, in order. By exact keys: one key may begin another."""
        questions = self._ledger.state.questions
        number = 0
        while (question := questions.get(f"{key}?{number}")) is not None:
            yield question
            number += 1

    def _approvals(self, key: str) -> list[Mapping[str, Any]]:
        """What the last question of this firing approved."""
        asked = list(self._asked(key))
        return [asked[-1].body["call"]] if asked and asked[-1].body.get("call") else []

    def _seen_args(self, key: str) -> dict[str, Any] | None:
        """The args that a person was shown, if this hook has asked."""
        approvals = self._approvals(key)
        return approvals[0]["args"] if approvals else None

    async def _once(self, key: str, binding: Binding, names: _Names, *arguments: Any) -> Any:
        """Fire a hook unless it is on record; its outcome as recorded."""
        fired = self._ledger.state.hooks.get(key)
        if fired is not None:
            return fired["outcome"]
        try:
            said = await self._call(binding, names, *arguments)
        except ToolHardError as error:
            raise HookError(str(error)) from error
        outcome = str(getattr(said, "value", said) or "passed")
        self._fired(key, binding, "SKIP" if outcome == "SKIP" else "passed")
        return outcome

    def _fired(self, key: str, binding: Binding, outcome: str, **more: Any) -> None:
        body = {"point": binding.point, "hook": binding.name, "outcome": outcome, **more}
        self._ledger.emit(events.HOOK_FIRED, key, body)

    async def _call(self, binding: Binding, names: _Names, *arguments: Any) -> Any:
        """What the hook returned. ToolHardError passes; whatever else goes wrong is a HookError, or logged."""
        try:
            if binding.when is not None and not self._holds(binding.when, names):
                return None
            settings = self._render(binding.with_, names) if binding.with_ else {}
            return await asyncio.wait_for(_run(binding, arguments, settings), binding.timeout)
        except (ToolHardError, Waiting):
            raise
        except TimeoutError:
            error: Exception = HookError(f"the hook {binding.name} took longer than {binding.timeout:g} s")
        except TemplateError as wrong:
            error = HookError(f"the hook {binding.name} can't be evaluated: {wrong}")
        except Exception as wrong:
            error = HookError(f"the hook {binding.name} failed: {type(wrong).__name__}: {wrong}")
            error.__cause__ = wrong
        if binding.tolerant:
            _log.warning("%s", error)
            return None
        raise error


async def _run(binding: Binding, arguments: Sequence[Any], settings: Mapping[str, Any]) -> Any:
    """Async hooks are awaited; others run in a thread, but for those that never block."""

    def work() -> Any:
        return binding.hook(*arguments, **settings)

    if binding.inline or inspect.iscoroutinefunction(binding.hook):
        said = work()
    else:
        said, error = await in_thread(work)
        if error is not None:
            raise error
    return await said if inspect.isawaitable(said) else said


def digest_of(call: ToolCall, args: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """What an approval is bound to: the tool, the args as they were shown, the end user."""
    whole = dumps([call.tool.id, call.names[0], sorted(args.items()), context.get("end_user_id")])
    return hashlib.sha256(whole.encode("utf-8")).hexdigest()


def _question(raised: Any, call: ToolCall, digest: str) -> dict[str, Any]:
    """A Clarification that a hook returned, as a question of this call."""
    fields = raised.model_dump(mode="json", exclude={"id", "plan_run_id", "response", "resolved", "step", "path"})
    shown = {"tool": call.names[0], "args": to_json_safe(call.args), "key": call.key, "digest": digest}
    return {**fields, "source": fields.get("source") or "hook", "call": shown, "expires_at": None}


def _safe_args(binding: Binding, args: Any) -> dict[str, Any]:
    try:
        return to_json_safe(args, "args")  # type: ignore[no-any-return]
    except SchemaError as error:
        raise HookError(f"the hook {binding.name} left args that JSON can't tell: {error}") from error


def _call_names(call: ToolCall) -> dict[str, Any]:
    return {**_step_names(call.step), "tool": {"id": call.names[0]}, "args": call.args}


def _step_names(step: Step) -> dict[str, Any]:
    return {"step": {"id": step.id}}


def _output(value: Any) -> Any:
    from planrunner.plan_run import Output

    return Output(value=value)
