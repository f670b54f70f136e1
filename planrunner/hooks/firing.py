"""Fires hooks: in which order, how often, and what their failure means. Only here.

Each firing that came to its end is an event, and is not repeated when the run is carried on; a hook that asked a person
fires again once the question is answered, with the very args it saw, and while it is open nothing fires.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from planrunner import events
from planrunner.errors import (
    HookError,
    RejectedError,
    SchemaError,
    StepError,
    TemplateError,
    ToolHardError,
    step_error,
)
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
from planrunner.hooks.calling import in_time
from planrunner.hooks.outcome import BeforeStepExecutionOutcome
from planrunner.hooks.view import view_of
from planrunner.jsonsafe import dumps, to_json_safe
from planrunner.ledger import Ledger, error_body
from planrunner.plan import Plan, Step
from planrunner.questions import Questions, question_of
from planrunner.tools.calling import error_text

ASKINGS = 20
"""How often one hook may ask about one call; one that asks for ever fails it."""

PASSED = "passed"
SKIP = str(BeforeStepExecutionOutcome.SKIP)
REJECTED = "rejected"
FAILED = "failed"
"""How a firing came to its end. The last two stand beside the `error` that it raises, also when it is replayed."""

_log = logging.getLogger("planrunner")
_Names = Mapping[str, Any]


class Hooks:
    """The hooks of one run, in the order of their lists: the policy's, the Runner's, then the plan's."""

    def __init__(
        self,
        bindings: Sequence[Binding],
        plan: Plan,
        ledger: Ledger,
        questions: Questions,
        render: Callable[[Any, _Names], Any],
        holds: Callable[[str, _Names], bool],
        path: str = "",
        own_list: int = 1,
    ) -> None:
        self._plan = plan
        self._path = path
        self._own_list = own_list
        self._shown_plan: Plan | None = None
        self._ledger = ledger
        self._questions = questions
        self._render = render
        self._holds = holds
        # Numbered within each list: a hook keeps its number whatever stands in the lists around its own.
        self._at: dict[str, list[tuple[str, Binding]]] = {point: [] for point in POINTS}
        for binding in bindings:
            at = self._at[binding.point]
            at.append((f"{binding.lists}.{sum(other.lists == binding.lists for _, other in at)}", binding))

    def _seen_plan(self) -> Plan:
        """The plan as hooks see it, copied once."""
        if self._shown_plan is None:
            self._shown_plan = self._plan.shown()
        return self._shown_plan

    def any_at(self, point: str) -> bool:
        """Whether anything stands at this point; nothing is spent on a point where nothing does."""
        return bool(self._at[point])

    async def before_plan_run(self) -> None:
        """Raises HookError."""
        for number, binding in self._at[BEFORE_PLAN_RUN]:
            if self._is_of_plan(binding):
                key = f"{self._path}!before_plan_run:{number}"
                await self._once(key, binding, {}, self._seen_plan(), view_of(self._ledger.state))

    async def after_plan_run(self, value: Any) -> None:
        """The run has ended; what fails here is logged and recorded, and changes nothing."""
        for number, binding in reversed(self._at[AFTER_PLAN_RUN]):
            if not self._is_of_plan(binding):
                continue
            arguments = (self._seen_plan(), view_of(self._ledger.state), _output(value))
            try:
                await self._once(f"{self._path}!after_plan_run:{number}", binding, {"output": value}, *arguments)
            except StepError as error:
                _log.warning("the hook %s failed after the run had ended: %s", binding.name, error)

    def _is_of_plan(self, binding: Binding) -> bool:
        """Whether it fires around this plan: of a sub-plan only its own do."""
        return not self._path or binding.lists == self._own_list

    async def before_step(self, step: Step) -> bool:
        """Whether the step is to be carried out. Raises HookError."""
        for number, binding in self._at[BEFORE_STEP]:
            if binding.matcher.fits_step(step):
                view = view_of(self._ledger.state, step)
                key = f"{step.path}!before_step:{number}"
                seen = (self._seen_plan(), view, self._shown(step))
                if await self._once(key, binding, _step_names(step), *seen) == SKIP:
                    return False
        return True

    async def after_step(self, step: Step, value: Any) -> None:
        """Raises HookError."""
        for number, binding in reversed(self._at[AFTER_STEP]):
            if binding.matcher.fits_step(step):
                view = view_of(self._ledger.state, step)
                names = {**_step_names(step), "output": value}
                key = f"{step.path}!after_step:{number}"
                await self._once(key, binding, names, self._seen_plan(), view, self._shown(step), _output(value))

    def is_denied(self, call: ToolCall) -> bool:
        """Whether the policy denies the call; for one that was begun under another policy and is carried on."""
        guards = (binding for _, binding in self._at[BEFORE_TOOL_CALL] if binding.by_id)
        return any(guard.verdict == "deny" and guard.is_about(call) for guard in guards)

    async def before_tool_call(self, call: ToolCall, check: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """The args the call is made with. Raises RejectedError, HookError, and what `check` raises for changed args.

        First the hooks that may change args; then, over the args that are left, those that decide about the call.
        """
        approvals: list[Mapping[str, Any]] = []
        for number, binding in self._at[BEFORE_TOOL_CALL]:
            if binding.verdict is None and binding.is_about(call):
                call = call.with_args(await self._before_call(number, binding, call, check, approvals))
        for number, binding in self._speakers(call):
            call = call.with_args(await self._before_call(number, binding, call, check, approvals))
        digest = digest_of(call, call.args, self._ledger.state.context)
        if any(approval["digest"] != digest for approval in approvals):
            raise HookError(f"the args of {call.tool.id} were changed after they had been approved; it is not called")
        return call.args

    async def after_tool_call(self, call: ToolCall, value: Any) -> None:
        """Raises HookError, ToolHardError as a hook raised it, or Waiting when a hook asks a person."""
        for number, binding in reversed(self._at[AFTER_TOOL_CALL]):
            key = f"{call.key}#{call.attempt}!after:{number}"
            if not binding.is_about(call) or self._recorded(key) is not None:
                continue
            names = {**_call_names(call), "output": value}
            try:
                await self._asking(key, key, binding, call, names, to_json_safe(value))
            except StepError as error:
                self._fired(key, binding, FAILED, error=error_body(error))
                raise
            self._fired(key, binding, PASSED)

    def redacted(self, call: ToolCall, value: Any) -> Any:
        """The result as it is recorded. Where it can't be told whether a redaction is meant, it is."""
        for _, binding in self._at[AFTER_TOOL_CALL]:
            if hasattr(binding.hook, "result") and binding.is_about(call):
                try:
                    meant = binding.when is None or self._holds(binding.when, {**_call_names(call), "output": value})
                except TemplateError:
                    meant = True
                value = binding.hook.result(value) if meant else value
        return value

    def _shown(self, step: Step) -> Step:
        """The step with its task as the model is given it."""
        if step.verb != "task":
            return step
        try:
            told = self._render(step.value, {})
            return replace(step, value=told if isinstance(told, str) else dumps(told))
        except TemplateError:  # the step itself fails of it
            return step

    def _speakers(self, call: ToolCall) -> list[tuple[str, Binding]]:
        """Of each list the first that is about the call and whose `when` holds; deny before clarify before allow."""
        speakers: dict[int, tuple[str, Binding]] = {}
        for number, binding in self._at[BEFORE_TOOL_CALL]:
            if binding.verdict is None or binding.lists in speakers or not binding.is_about(call):
                continue
            try:
                speaks = self._is_meant(self._before_key(number, call), binding, _call_names(call))
            except TemplateError as wrong:
                raise HookError(f"the hook {binding.name} can't be evaluated: {wrong}") from wrong
            if speaks:
                speakers[binding.lists] = (number, binding)
        spoken = ("deny", "clarify")
        return [speaker for verdict in spoken for speaker in speakers.values() if speaker[1].verdict == verdict]

    def _before_key(self, number: str, call: ToolCall, attempt: int | None = None) -> str:
        """Of a firing; with the first attempt of the call, of the questions that all its attempts share."""
        attempt = call.attempt if attempt is None else attempt
        return f"{call.key}#{attempt}.{self._ledger.state.generation}!before:{number}"

    async def _before_call(
        self,
        number: str,
        binding: Binding,
        call: ToolCall,
        check: Callable[[dict[str, Any]], None],
        approvals: list[Mapping[str, Any]],
    ) -> dict[str, Any]:
        """Fire one hook before a call, unless it is on record; the args it left. What it had approved is added."""
        key, asked = self._before_key(number, call), self._before_key(number, call, call.first)
        fired = self._recorded(key)
        if fired is None:
            fired = await self._fire_before(key, asked, binding, call, check)
        approvals += self._approvals(asked)
        left: dict[str, Any] = fired["args"]
        return left

    async def _fire_before(
        self, key: str, questions: str, binding: Binding, call: ToolCall, check: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Fire one hook before a call; what is recorded of it."""
        seen = self._seen_args(questions)
        args: dict[str, Any] = to_json_safe(call.args if seen is None else seen)
        call = call.with_args(args)  # which the hook may change in place
        try:
            await self._asking(key, questions, binding, call, _call_names(call), args)
            left = _safe_args(binding, args)
            check(left)
        except StepError as error:
            if isinstance(error, ToolHardError):
                error = RejectedError(str(error))
            self._fired(key, binding, REJECTED if isinstance(error, RejectedError) else FAILED, error=error_body(error))
            raise error from None
        return self._fired(key, binding, PASSED, args=left)

    async def _asking(
        self, key: str, questions: str, binding: Binding, call: ToolCall, names: _Names, shown: Any
    ) -> None:
        """Fire a hook that may ask, until it asks no more. It is shown the args, or the output, as `shown`.

        key, questions  of the firing, and of what it asks
        """
        while True:
            asked = list(self._asked(questions))
            if asked and asked[-1].is_open:
                await self._questions.ask(asked[-1].key, call.step, {})
            digest = digest_of(call, call.args, self._ledger.state.context)
            own = frozenset(q.id for q in asked if (q.body.get("call") or {}).get("digest") == digest)
            view = view_of(self._ledger.state, call.step, own)
            question = await self._call(key, binding, names, call.tool, shown, view, self._shown(call.step))
            if question is None:
                return
            if not hasattr(question, "user_guidance"):
                raise _wrong_return(binding, question, "a Clarification or None")
            if len(asked) >= ASKINGS:
                raise HookError(f"the hook {binding.name} asks again and again about {call.tool.id}")
            await self._questions.ask(f"{questions}?{len(asked)}", call.step, self._question(binding, question, call))

    def _question(self, binding: Binding, raised: Any, call: ToolCall) -> dict[str, Any]:
        """A Clarification that a hook returned, as a question about this call with the args it has now."""
        args = _safe_args(binding, call.args)
        digest = digest_of(call, args, self._ledger.state.context)
        return {
            **question_of(raised, "hook", f"the hook {binding.name}"),
            "call": {"tool": call.names[0], "args": args, "key": call.key, "digest": digest},
        }

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

    async def _once(self, key: str, binding: Binding, names: _Names, *arguments: Any) -> str:
        """Fire a hook unless it is on record; its outcome as recorded. Raises HookError, on record too."""
        fired = self._recorded(key)
        if fired is None:
            try:
                said = await self._call(None, binding, names, *arguments)
                outcome = _outcome(binding, said) if binding.point == BEFORE_STEP else PASSED
            except StepError as error:
                failure = HookError(str(error))
                self._fired(key, binding, FAILED, error=error_body(failure))
                raise failure from error
            fired = self._fired(key, binding, outcome)
        return str(fired["outcome"])

    def _recorded(self, key: str) -> dict[str, Any] | None:
        """What is on record of this firing; None when it has not come to its end. Raises as it raised."""
        fired = self._ledger.state.hooks.get(key)
        if fired is not None and "error" in fired:
            raise step_error(**fired["error"])
        return fired

    def _fired(self, key: str, binding: Binding, outcome: str, **more: Any) -> dict[str, Any]:
        body = {"point": binding.point, "hook": binding.name, "outcome": outcome, **more}
        self._ledger.emit(events.HOOK_FIRED, key, body)
        return body

    def _is_meant(self, key: str | None, binding: Binding, names: _Names) -> bool:
        """Whether the hook's `when` holds. Under a key that is decided once, and kept while a person is asked."""
        when = binding.when
        if when is None:
            return True
        if key is None:
            return self._holds(when, names)
        return bool(self._ledger.decide(f"{key}!when", lambda: self._holds(when, names)))

    async def _call(self, key: str | None, binding: Binding, names: _Names, *arguments: Any) -> Any:
        """What the hook returned. ToolHardError passes; whatever else goes wrong is a HookError. Or it is logged."""
        try:
            if not self._is_meant(key, binding, names):
                return None
            settings = self._render(binding.with_, names) if binding.with_ else {}
        except TemplateError as wrong:
            return _fail(binding, HookError(f"the hook {binding.name} can't be evaluated: {wrong}"), wrong)
        if not binding.inline:
            await self._ledger.barrier()  # it may touch the outside: what was before it must not happen again
        try:
            return await in_time(binding, arguments, settings)
        except (ToolHardError, HookError) as raised:
            return _fail(binding, raised, raised.__cause__)
        except (Exception, SystemExit) as wrong:
            return _fail(binding, HookError(f"the hook {binding.name} failed: {error_text(wrong)}"), wrong)


def _fail(binding: Binding, error: StepError, cause: BaseException | None) -> None:
    """Raise the error, or log it where the binding says so."""
    if not binding.tolerant:
        raise error from cause
    _log.warning("%s", error)


def _outcome(binding: Binding, said: Any) -> str:
    """What a hook before a step said. Anything it can't say is an error: it may have been meant as a guard."""
    if said is None:
        return PASSED
    if said in tuple(BeforeStepExecutionOutcome):
        return SKIP if said == SKIP else PASSED
    raise _wrong_return(binding, said, "a BeforeStepExecutionOutcome or None")


def _wrong_return(binding: Binding, said: Any, expected: str) -> HookError:
    return HookError(
        f"the hook {binding.name} returned a {type(said).__name__}; at {binding.point} it may return {expected}"
    )


def digest_of(call: ToolCall, args: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """What an approval is bound to: the tool, the args as they were shown, the end user."""
    whole = dumps([call.tool.id, call.names[0], sorted(args.items()), context.get("end_user_id")])
    return hashlib.sha256(whole.encode("utf-8")).hexdigest()


def _safe_args(binding: Binding, args: Any) -> dict[str, Any]:
    try:
        safe: dict[str, Any] = to_json_safe(args, "args")
    except SchemaError as error:
        raise HookError(f"the hook {binding.name} left args that JSON can't tell: {error}") from error
    return safe


def _call_names(call: ToolCall) -> dict[str, Any]:
    return {**_step_names(call.step), "tool": {"id": call.names[0]}, "args": call.args}


def _step_names(step: Step) -> dict[str, Any]:
    return {"step": {"id": step.id}}


def _output(value: Any) -> Any:
    from planrunner.plan_run import Output

    return Output(value=to_json_safe(value))  # the hook's own: what is recorded stays as it is
