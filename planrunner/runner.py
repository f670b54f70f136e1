"""Carries a run: which step is ready, what its outcome is, and how the run ends. Deterministic; it touches nothing
outside but through the effects of its `Ledger`, so that folding the events of a run and carrying it on gives the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from planrunner import events, run_state
from planrunner.errors import ExitError, RunCancelledError, StepError, StoreError
from planrunner.events import Event
from planrunner.facade import to_the_end
from planrunner.hooks.base import AFTER_PLAN_RUN, AFTER_STEP, BEFORE_STEP
from planrunner.json_schema import check_value
from planrunner.jsonsafe import to_json_safe
from planrunner.ledger import Ledger, error_body
from planrunner.plan import MISSING, Step
from planrunner.questions import CANCEL, Waiting, cancel_message
from planrunner.registry import Registry
from planrunner.run_state import COMPLETE, ENDED, FAILED, NEED_CLARIFICATION, SKIPPED, RunState
from planrunner.scope import PlanExit, RunScope, StepScope
from planrunner.steps import VERBS
from planrunner.steps.base import StepKind
from planrunner.summary import summary_of

_kinds = Registry(VERBS)


LISTEN_SECONDS = 1.0
"""How often a run that is carried hears what was said to it."""


class StepFailed(Exception):
    """A step has failed, and its failure is recorded. Ends the list it stands in."""

    def __init__(self, step: Step, error: dict[str, str]) -> None:
        super().__init__(error["message"])
        self.step = step
        self.error = error


async def advance(run: RunScope) -> None:
    """Carry the run until it has ended, or until nothing can move before a person has answered.

    What stops it from outside leaves it as it stands, to be carried on later.
    """
    try:
        ended = await _settle(run)
        if ended and run.hooks.any_at(AFTER_PLAN_RUN):
            await run.hooks.after_plan_run(_told(run.ledger.state))
    except StoreError:
        run.ledger.abandon()  # nothing can be written any more
        raise
    except BaseException as stopped:
        # Cancelled, interrupted, or a defect of ours: that is no outcome of the run. What happened is kept.
        await let_go(run.ledger, stopped)
        raise
    if ended:
        await to_the_end(run.ledger.release(run.ledger.state.state))


async def let_go(ledger: Ledger, stopped: BaseException) -> None:
    """Release the run as it stands, whatever else happens; a store that fails now is only noted on what stopped it."""
    try:
        await to_the_end(ledger.release(run_state.IN_PROGRESS), leaving=True)
    except Exception as error:
        ledger.abandon()
        stopped.add_note(str(error))


async def _settle(run: RunScope) -> bool:
    """Carry the run to its outcome; False when it waits for a person, and is let go of."""
    ledger = run.ledger
    async with _listening(run) as cancelled:
        while not ledger.state.has_ended:
            ending = await _carry(run, cancelled)
            if ending is not None:
                run.questions.withdraw()
                ledger.record(ending)
                break
            answers = await ledger.try_release(NEED_CLARIFICATION, Event(events.RUN_PAUSED, "", ledger.clock.now(), {}))
            if not answers:
                return False
            run.said += answers
    return True


@asynccontextmanager
async def _listening(run: RunScope) -> AsyncIterator[list[str]]:
    """Hear every second what is said to the run. A cancel ends what is in flight, and stands in the yielded list."""
    task, cancelled = asyncio.current_task(), []  # type: ignore[var-annotated]

    async def listen() -> None:
        while not cancelled:
            await asyncio.sleep(LISTEN_SECONDS)
            for post in await run.ledger.posts():
                if post.key == f"{CANCEL}{run.ledger.state.tries}" and task is not None:
                    cancelled.append(cancel_message(post))
                    task.cancel()

    listener = asyncio.ensure_future(listen())
    try:
        yield cancelled
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)


def _told(state: RunState) -> Any:
    """What hooks are given at the end: the final output, or the message of the error."""
    return state.error["message"] if state.error else state.output


async def _carry(run: RunScope, cancelled: list[str]) -> Event | None:
    """Run the steps and settle the outcome; None when it waits for a person."""
    try:
        run.questions.take(run.take_said())
        output = await _run_to_output(run)
    except Waiting:
        return None
    except asyncio.CancelledError:
        if not cancelled:
            raise
        _uncancel()
        return _cancelled(run, RunCancelledError(cancelled[0]))
    except RunCancelledError as cancel:
        return _cancelled(run, cancel)
    except StepFailed as failed:
        return run.ledger.ending({**failed.error, "step": failed.step.id, "path": failed.step.path})
    except StepError as error:
        return run.ledger.ending({**error_body(error), "step": None, "path": None})
    return run.ledger.ending(None, output)


def _cancelled(run: RunScope, error: RunCancelledError) -> Event:
    """End the steps that are in flight or wait, and with them the run."""
    body = error_body(error)
    for step in list(run.ledger.state.steps.values()):
        if step.state not in ENDED:
            run.ledger.emit(events.STEP_FINISHED, step.path, {"state": FAILED, "error": body})
    return run.ledger.ending({**body, "step": None, "path": None})


def _uncancel() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


async def _run_to_output(run: RunScope) -> Any:
    """The final value: of the `exit` that was reached, else `output`, else of the last step that is COMPLETE."""
    value = MISSING
    await run.hooks.before_plan_run()
    await run.tool_calls.make_ready(run.plan)
    try:
        await run_steps(run, run.plan.steps)
    except PlanExit as reached:
        value = reached.output
    if value is MISSING:
        value = _final_value(run)
    if run.plan.returns is not None:
        check_value(run.plan.returns, value, "the final output")
    return value


def _final_value(run: RunScope) -> Any:
    if run.plan.output is not MISSING:
        return to_json_safe(run.render(run.plan.output))
    steps = run.ledger.state.steps
    ended = (steps.get(step.path) for step in reversed(run.plan.steps))
    decisions = run.ledger.state.decisions
    return next(
        (s.output for s in ended if s is not None and s.state == COMPLETE and f"{s.path}!exit" not in decisions), None
    )


async def run_steps(run: RunScope, steps: Sequence[Step]) -> None:
    """Run a list, one step after another, each when what it needs has ended.

    A step that waits for a person holds up those that need it, and no others. Once a step has failed nothing new
    starts. At rest waiting wins over failing: what waits comes to its end first.
    """
    failure = _failed_before(run, steps)
    held: set[str] = set()
    for step in _in_order(steps):
        await run.breathe()
        if failure and step.path not in run.ledger.state.steps:
            continue
        if held and (step.needs is None or not held.isdisjoint(step.needs)):
            held.add(step.id)
            continue
        try:
            await _run_step(run, step)
        except Waiting:
            held.add(step.id)
        except StepFailed as failed:
            failure = failure or failed
    if held:
        raise Waiting
    if failure:
        raise failure


def _failed_before(run: RunScope, steps: Sequence[Step]) -> StepFailed | None:
    """The first step of the list, in plan order, whose failure is on record."""
    known = run.ledger.state.steps
    for step in steps:
        if step.path in known and known[step.path].state == FAILED:
            return StepFailed(step, known[step.path].error or {})
    return None


def _in_order(steps: Sequence[Step]) -> Iterator[Step]:
    """Plan order, but no step before one that it needs. The checker has made sure that there is no cycle."""
    if all(step.needs is None for step in steps):
        yield from steps
        return
    waiting = list(steps)
    ids = {step.id for step in waiting}
    while waiting:
        # Without `needs` a step waits for all above it: it is ready when it stands first among those that wait.
        place = next(
            place
            for place, step in enumerate(waiting)
            if (place == 0 if step.needs is None else ids.isdisjoint(step.needs))
        )
        step = waiting.pop(place)
        yield step
        ids.discard(step.id)


async def _run_step(run: RunScope, step: Step) -> None:
    """Carry one step to its end, and record it."""
    ledger, path = run.ledger, step.path
    known = ledger.state.steps.get(path)
    if known is not None and known.state in ENDED:
        await _replay(run, step)
        return
    try:
        if step.when is not None and not ledger.decide(f"{path}!when", lambda: run.holds(step.when or "")):
            ledger.emit(events.STEP_FINISHED, path, {"state": SKIPPED})
            return
        if known is None:
            ledger.emit(events.STEP_STARTED, path, {})
        if run.hooks.any_at(BEFORE_STEP) and not await run.hooks.before_step(run.shown(step)):
            ledger.emit(events.STEP_FINISHED, path, {"state": SKIPPED})
            return
        body = await _perform(run, step)
    except PlanExit as reached:
        await _leave(run, step, reached)
    except StepError as error:
        await _fail(run, step, error)
    else:
        ledger.emit(events.STEP_FINISHED, path, body)
        await _after_step(run, step)


async def _perform(run: RunScope, step: Step) -> dict[str, Any]:
    """What is recorded of a step that came to its end. An output that an effect has just recorded is not told twice."""
    kind: StepKind = _kinds.get(step.verb)
    if kind.run is None:
        raise AssertionError(f"the checker lets no {step.verb!r} step pass")
    output = await kind.run(StepScope(run, step, step.path))
    told = f"{step.path}!tool:0"
    effect = run.ledger.state.effects.get(told)
    body = {"state": COMPLETE}
    summary = summary_of(output, run.parts.large_output, f"steps.{step.id}.output")
    if summary is not None:
        body["summary"] = summary
    if effect is not None and effect.value is output:
        return {**body, "output_of": told}
    return {**body, "output": to_json_safe(output)}


async def _leave(run: RunScope, step: Step, reached: PlanExit) -> None:
    """An `exit` was reached: record how, so that carrying the run on ends it the same way."""
    exit_body = {"state": reached.state, "message": reached.message}
    if reached.output is not MISSING:
        exit_body["output"] = reached.output
    run.ledger.decide(f"{step.path}!exit", lambda: exit_body)
    if reached.state == FAILED:
        await _fail(run, step, ExitError(reached.message or f"the step {step.id} ended the plan as FAILED"))
    run.ledger.emit(events.STEP_FINISHED, step.path, {"state": COMPLETE, "output": None})
    await _after_step(run, step)
    raise reached


async def _fail(run: RunScope, step: Step, error: StepError) -> NoReturn:
    body = error_body(error)
    run.ledger.emit(events.STEP_FINISHED, step.path, {"state": FAILED, "error": body})
    await _after_step(run, step)
    raise StepFailed(step, body) from error


async def _after_step(run: RunScope, step: Step) -> None:
    """The hooks after a step that has ended. One that fails makes a COMPLETE step FAILED."""
    if not run.hooks.any_at(AFTER_STEP):
        return
    ended = run.ledger.state.steps[step.path]
    try:
        await run.hooks.after_step(run.shown(step), ended.error["message"] if ended.error else ended.output)
    except StepError as error:
        if ended.state == FAILED:
            return  # the step's own error is the one to tell
        body = error_body(error)
        run.ledger.emit(events.STEP_FINISHED, step.path, {"state": FAILED, "error": body})
        raise StepFailed(step, body) from error


async def _replay(run: RunScope, step: Step) -> None:
    """The step has ended before: let that have the consequence it had."""
    state = run.ledger.state
    known = state.steps[step.path]
    if known.state != SKIPPED:
        await _after_step(run, step)  # those that a crash came before
    if known.state == FAILED:
        raise StepFailed(step, known.error or {})
    reached = state.decisions.get(f"{step.path}!exit")
    if reached is not None:
        raise PlanExit(reached["state"], reached["message"], reached.get("output", MISSING))
