"""Carries a run: its steps, how it ends, what is done at the end. Deterministic; it touches nothing outside but through
the effects of its `Ledger`, so that folding the events of a run and carrying it on gives the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Self

from planrunner import events, run_state
from planrunner.checks import checked_context, checked_inputs
from planrunner.errors import (
    ContextError,
    InputsError,
    RunCancelledError,
    SchemaError,
    StepError,
    StoreError,
    step_error,
)
from planrunner.events import Event
from planrunner.futures import begun, to_the_end
from planrunner.hooks.base import AFTER_PLAN_RUN
from planrunner.json_schema import check_value
from planrunner.jsonsafe import to_json_safe
from planrunner.ledger import Ledger, error_body
from planrunner.limits import has_limits
from planrunner.place import Place
from planrunner.plan import MISSING, Step
from planrunner.questions import CANCEL, Waiting, cancel_message
from planrunner.run_state import COMPLETE, ENDED, FAILED, NEED_CLARIFICATION, OUTCOME
from planrunner.scope import Parts, PlanExit, PlanScope
from planrunner.step_list import StepFailed
from planrunner.step_run import Stepper, exit_error
from planrunner.tools.catalogue import Catalogue

LISTEN_SECONDS = 1.0
"""How often a run that is carried hears what was said to it."""

Outcome = dict[str, Any]
"""How a plan ended, as it is recorded: `{output}`, or `{error: {kind, message, step, path}}`."""


async def advance(scope: PlanScope) -> None:
    """Carry the run until it has ended, or until nothing can move before a person has answered.

    What stops it from outside leaves it as it stands, to be carried on later.
    """
    ledger = scope.ledger
    ledger.carrier = asyncio.current_task()
    try:
        ended = await _settle(scope)
        if ended and scope.hooks.any_at(AFTER_PLAN_RUN):
            state = ledger.state
            await scope.hooks.after_plan_run(state.error["message"] if state.error else state.output)
    except StoreError:
        ledger.abandon()  # nothing can be written any more
        raise
    except BaseException as stopped:
        # Cancelled, interrupted, or a defect of ours: that is no outcome of the run. What happened is kept.
        await let_go(ledger, stopped)
        raise
    finally:
        ledger.carrier = None
    if ended:
        await to_the_end(begun(ledger.release(ledger.state.state)))


async def let_go(ledger: Ledger, stopped: BaseException) -> None:
    """Release the run as it stands, whatever else happens; a store that fails now is only noted on what stopped it."""
    try:
        await to_the_end(begun(ledger.release(run_state.IN_PROGRESS)), leaving=True)
    except Exception as error:
        ledger.abandon()
        if error is not stopped:
            stopped.add_note(str(error))


async def _settle(scope: PlanScope) -> bool:
    """Carry the run to its end; False when it waits for a person, and is let go of."""
    ledger = scope.ledger
    while not ledger.state.has_ended:
        outcome = await _outcome_or_cancel(scope)
        if outcome is not None:
            outcome = await _finally(scope, outcome)
            ledger.record(ledger.ending(outcome.get("error"), outcome.get("output")))
            break
        paused = Event(events.RUN_PAUSED, "", ledger.clock.now(), {})
        answers = await ledger.try_release(NEED_CLARIFICATION, paused)
        if not answers:
            return False
        scope.said += answers
    return True


async def _outcome_or_cancel(scope: PlanScope) -> Outcome | None:
    """How the steps end, or that they were cancelled; None while people are waited for. Settled once."""
    known: Outcome | None = scope.ledger.state.decisions.get(OUTCOME)
    if known is not None:
        return known
    async with _Listening(scope) as listening:
        try:
            scope.questions.take(scope.take_said())
            outcome = await _outcome(scope)
        except asyncio.CancelledError:
            if not listening.cancelled:
                raise
            _uncancel()
            outcome = _cancelled(scope, RunCancelledError(listening.cancelled))
        except RunCancelledError as cancel:
            outcome = _cancelled(scope, cancel)
    if outcome is None:
        return None
    scope.questions.withdraw()
    return _settled(scope, outcome)


def _settled(scope: PlanScope, outcome: Outcome) -> Outcome:
    """The outcome, on record where something is still done after it."""
    if not scope.plan.finally_:
        return outcome
    settled: Outcome = scope.ledger.decide(f"{scope.path}{OUTCOME}", lambda: outcome)
    return settled


class _Listening:
    """Hears every second what is said to the run. A cancel ends what is in flight; `cancelled` is what it says then."""

    def __init__(self, scope: PlanScope) -> None:
        self.cancelled = ""
        self._ledger = scope.ledger
        self._task = asyncio.current_task()
        self._listener: asyncio.Task[None] | None = None  # none in a run that is over before the first second

    async def __aenter__(self) -> Self:
        self._begin = asyncio.get_running_loop().call_later(LISTEN_SECONDS, self._listen)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._begin.cancel()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    def _listen(self) -> None:
        self._listener = asyncio.create_task(self._until_cancelled())

    async def _until_cancelled(self) -> None:
        while not self.cancelled:
            for post in await self._ledger.posts():
                if post.key == f"{CANCEL}{self._ledger.state.tries}" and self._task is not None:
                    self.cancelled = cancel_message(post)
                    self._task.cancel()
            await asyncio.sleep(LISTEN_SECONDS)


def _uncancel() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


def _cancelled(scope: PlanScope, error: RunCancelledError) -> Outcome:
    """End the steps that are in flight or wait, and with them the run."""
    body = error_body(error)
    _end_all(scope, {"state": FAILED, "error": body})
    return {"error": {**body, "step": None, "path": None}}


def _end_all(scope: PlanScope, body: dict[str, Any]) -> None:
    """End whatever of this plan has begun and not ended, from the inside out."""
    prefix = scope.place.prefix
    begun = [step for step in scope.ledger.state.steps.values() if step.path.startswith(prefix)]
    for step in sorted(begun, key=lambda step: -len(step.path)):
        if step.state not in ENDED:
            scope.ledger.emit(events.STEP_FINISHED, step.path, body)


async def _outcome(scope: PlanScope) -> Outcome | None:
    """Carry the steps of a plan; None while people are waited for. A failed call of ours is its outcome too."""
    try:
        output = await _output(scope)
    except Waiting:
        return None
    except StepFailed as failed:
        return _failed(failed)
    except RunCancelledError:
        raise
    except StepError as error:
        return {"error": {**error_body(error), "step": None, "path": None}}
    return {"output": output}


async def _output(scope: PlanScope) -> Any:
    """The final value: of the `exit` that was reached, else `output`, else of the last step that is COMPLETE."""
    await scope.hooks.before_plan_run()
    if not scope.path:
        await _make_ready(scope)
    with suppress(PlanExit):
        await _stepper.run_steps(scope, scope.place, scope.plan.steps)
    value = MISSING
    if scope.exited is not None:
        value = _leave(scope, scope.exited)
    if value is MISSING:
        value = _final_value(scope)
    if scope.plan.returns is not None:
        check_value(scope.plan.returns, value, "the final output")
    return value


def _leave(scope: PlanScope, reached: PlanExit) -> Any:
    """The plan ends at an `exit`: what waits or was cut short is skipped. Raises StepFailed when it ends as FAILED."""
    reached.__traceback__ = None  # its frames hold the scope, which holds it
    _end_all(scope, {"state": run_state.SKIPPED})
    if reached.state == FAILED:
        raise StepFailed(run_state.id_of(reached.path), reached.path, error_body(exit_error(reached)))
    return reached.output


async def _make_ready(scope: PlanScope) -> None:
    """Have every tool of the plan and of its sub-plans ask for what it needs, all of them together."""
    await scope.tool_calls.make_ready(scope.plan.steps[0], _catalogues("", scope.parts))


def _catalogues(where: str, parts: Parts) -> Iterator[tuple[str, Catalogue]]:
    yield where, parts.tools
    for name, inner in parts.subplans.items():
        yield from _catalogues(f"{where}{name}/", inner)


def _final_value(scope: PlanScope) -> Any:
    plan, state = scope.plan, scope.ledger.state
    if plan.output is not MISSING:
        return to_json_safe(scope.render(plan.output, scope.place.names))
    ended = (state.steps.get(scope.place.path(step.id)) for step in reversed(plan.steps))
    complete = (s for s in ended if s is not None and s.state == COMPLETE and f"{s.path}!exit" not in state.decisions)
    return next((step.output for step in complete), None)


async def _finally(scope: PlanScope, outcome: Outcome) -> Outcome:
    """What is done at the end, one step after another, each even if one before it failed: how the plan ends then."""
    if not scope.plan.finally_:
        return outcome
    error = outcome.get("error")
    scope.run_names.ending = (FAILED if error else COMPLETE, error)
    scope.questions.close(scope.place.path(step.id) for step in scope.plan.finally_)
    scope.exited = None
    for step in scope.plan.finally_:
        try:
            await _stepper.run_steps(scope, scope.place, (step,))
        except StepFailed as failed:
            outcome = outcome if "error" in outcome else _failed(failed)
    return outcome


def _failed(failed: StepFailed) -> Outcome:
    return {"error": {**failed.error, "step": failed.step_id, "path": failed.path}}


async def _run_subplan(around: PlanScope, place: Place, step: Step, path: str) -> Any:
    """Carry a plan inside of a step; its output. Raises what ended it, as an error of the step."""
    plan, parts = around.plan.subplans[step.value], around.parts.subplans[step.value]
    ledger = around.ledger
    given = step.options.get("inputs", {})
    try:
        inputs = ledger.decide(f"{path}!inputs", lambda: checked_inputs(plan, around.render(given, place.names)))
        checked_context(plan, ledger.state.context)
    except (InputsError, ContextError) as wrong:
        raise SchemaError(str(wrong)) from None
    if has_limits(plan.limits):
        ledger.decide(f"{path}!limits", lambda: {"duration": ledger.state.in_flight.passed(ledger.clock.now())})
    if plan.finally_:
        ledger.decide(f"{path}!finally", lambda: [step.id for step in plan.finally_])
    scope = PlanScope(plan, parts, ledger, path=path, inputs=inputs, around=around)
    outcome: Outcome | None = ledger.state.decisions.get(f"{path}{OUTCOME}")
    if outcome is None:
        found = await _outcome(scope)
        if found is None:
            raise Waiting
        outcome = _settled(scope, found)
    outcome = await _finally(scope, outcome)
    error = outcome.get("error")
    if scope.hooks.any_at(AFTER_PLAN_RUN):
        await scope.hooks.after_plan_run(error["message"] if error else outcome["output"])
    if error is None:
        return outcome["output"]
    if error["path"] is None:
        raise step_error(error["kind"], error["message"])
    raise StepFailed(error["step"], error["path"], {"kind": error["kind"], "message": error["message"]})


_stepper = Stepper(_run_subplan)
