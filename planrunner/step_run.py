"""Carries one step to its end: `when`, then `foreach`, and for each item the hooks, `on_error` and `repeat` around the
verb. What is on record is not done again: it has the consequence it had.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from planrunner import events, run_state
from planrunner.crew import Crew
from planrunner.errors import (
    ExhaustedError,
    ExitError,
    HookError,
    LimitExceededError,
    RejectedError,
    RunCancelledError,
    StepError,
    step_error,
)
from planrunner.hooks.base import AFTER_STEP, BEFORE_STEP
from planrunner.jsonsafe import to_json_safe
from planrunner.ledger import error_body
from planrunner.place import Place
from planrunner.plan import MISSING, ErrorHandler, Foreach, Step
from planrunner.registry import Registry
from planrunner.run_parts import item_of
from planrunner.run_state import COMPLETE, ENDED, FAILED, SKIPPED, StepState
from planrunner.scope import Carry, PlanExit, PlanScope, StepScope, truth_of
from planrunner.step_items import ItemsLeft, items_of, outcome_of
from planrunner.step_list import StepFailed, run_list
from planrunner.steps import VERBS
from planrunner.steps.base import Recorded, StepKind, last_output
from planrunner.summary import summary_of

_kinds = Registry(VERBS)
_HOLDS = frozenset(("steps", "switch", "plan"))
_MUST_BE_NAMED = frozenset(error.kind for error in (RejectedError, LimitExceededError, HookError))
"""The kinds that `on_error` handles only where it names them."""

SubplanRun = Callable[[PlanScope, Place, Step, str], Awaitable[Any]]


class Stepper:
    """Carries steps. `subplan` carries a whole plan inside of one."""

    def __init__(self, subplan: SubplanRun) -> None:
        self._carry = Carry(self.run_steps, subplan)

    async def run_steps(self, scope: PlanScope, place: Place, steps: Sequence[Step]) -> None:
        """Carry a list of steps. Raises PlanExit, Waiting, StepFailed."""
        await run_list(scope, place, steps, self.run_step)

    async def run_step(self, scope: PlanScope, place: Place, step: Step) -> None:
        """Carry one step of a list, with all its items. Raises as `run_steps`."""
        path = place.path(step.id)
        known = scope.ledger.state.steps.get(path)
        if known is None and step.when is not None and not await self._is_wanted(scope, place, step, path):
            scope.ledger.emit(events.STEP_FINISHED, path, {"state": SKIPPED, **_at(step)})
        elif step.foreach is not None:
            await self._run_items(scope, place, step, step.foreach, path)
        else:
            await self._run_one(scope, place, step, path)

    async def _is_wanted(self, scope: PlanScope, place: Place, step: Step, path: str) -> bool:
        """Whether its `when` holds; one that can't be told fails the step."""
        try:
            return bool(scope.ledger.decide(f"{path}!when", lambda: truth_of(step.when or "", place.names)))
        except StepError as error:
            await self._fail(scope, step, path, error_body(error), error)

    # a foreach and its items

    async def _run_items(self, scope: PlanScope, place: Place, step: Step, foreach: Foreach, path: str) -> None:
        known = scope.ledger.state.steps.get(path)
        if known is not None and known.state in ENDED and (known.items is None or not scope.hooks.any_at(AFTER_STEP)):
            _again(scope, known)
            return
        if known is None:
            scope.ledger.emit(events.STEP_STARTED, path, {"holds": True, **_at(step)})
        try:
            items = scope.ledger.decide(f"{path}!items", lambda: items_of(foreach, place))
        except StepError as error:
            _end_failed(scope, path, error_body(error))
            raise StepFailed(step.id, path, error_body(error)) from error
        try:
            await self._each(scope, place, step, foreach, path, items)
        except StepFailed as failed:
            _end_failed(scope, path, failed.error, began=failed.path)
            raise
        except PlanExit as reached:
            _end_exit(scope, path, reached)
            raise
        if known is None or known.state not in ENDED:
            outputs = run_state.outputs_of(scope.ledger.state, path)
            body = {"state": COMPLETE, "lists": True, **_summary(scope, step, outputs)}
            scope.ledger.emit(events.STEP_FINISHED, path, body)

    async def _each(
        self, scope: PlanScope, place: Place, step: Step, foreach: Foreach, path: str, items: Sequence[Any]
    ) -> None:
        """Carry every item, at most `max_concurrent` at once. One that waits for a person holds up no other."""
        work = ItemsLeft(scope, path, len(items))

        async def one(index: int) -> None:
            names = {foreach.as_: items[index], "loop": {"index": index + 1, "index0": index}}
            await self._run_one(scope, place.with_names(**names), step, f"{path}[{index}]")

        if foreach.max_concurrent == 1:
            while (index := work.next()) is not None:
                await scope.breathe()
                work.take(index, await outcome_of(one(index)))
        else:
            async with Crew() as crew:
                while True:
                    while len(crew) < foreach.max_concurrent and (index := work.next()) is not None:
                        crew.start(index, one(index))
                    if not crew:
                        break
                    for ended, raised in await crew.ended():
                        work.take(ended, raised)
        work.settle()

    # one step, or one item

    async def _run_one(self, scope: PlanScope, place: Place, step: Step, path: str) -> None:
        known = scope.ledger.state.steps.get(path)
        ended = run_state.ended_as(scope.ledger.state, path)
        if ended is not None:
            await self._replay(scope, step, path, ended)
            return
        if known is None:
            holds = step.repeat is not None or step.verb in _HOLDS
            scope.ledger.emit(events.STEP_STARTED, path, {**({"holds": True} if holds else {}), **_at(step)})
        try:
            if scope.hooks.any_at(BEFORE_STEP) and not await scope.hooks.before_step(scope.shown(step, path)):
                scope.ledger.emit(events.STEP_FINISHED, path, {"state": SKIPPED})
                return
            value = await self._handled(scope, place, step, path)
            body = {"state": COMPLETE, **_told(scope, path, value), **_summary(scope, step, _plain(value))}
            body |= _kept(scope, path)
        except PlanExit as reached:
            await self._leave(scope, step, path, reached)
            raise
        except StepFailed as failed:
            await self._fail(scope, step, path, failed.error, failed)
        except StepError as error:
            await self._fail(scope, step, path, error_body(error), error)
        scope.ledger.emit(events.STEP_FINISHED, path, body)
        await self._after_step(scope, step, path, _plain(value))

    async def _handled(self, scope: PlanScope, place: Place, step: Step, path: str) -> Any:
        """The output of the step, or what `on_error` puts in its place."""
        chosen = scope.ledger.state.decisions.get(f"{path}!on_error") if step.on_error else None
        if chosen is None:
            try:
                return await self._repeated(scope, place, step, path)
            except (StepError, StepFailed) as error:
                body = error.error if isinstance(error, StepFailed) else error_body(error)
                number = _handler(step.on_error, body["kind"])
                if number is None:
                    raise
            chosen = scope.ledger.decide(f"{path}!on_error", lambda: _chosen(step, number, body))
        handler = step.on_error[chosen["handler"]]
        around = place.with_names(error=chosen["error"])
        if not handler.steps:
            return None if handler.output is MISSING else scope.render(handler.output, around.names)
        outputs = await StepScope(scope, step, path, around, self._carry).run_steps(handler.steps)
        return last_output(outputs)

    async def _repeated(self, scope: PlanScope, place: Place, step: Step, path: str) -> Any:
        """The output of the verb, or of the round after which `until` holds."""
        repeat = step.repeat
        if repeat is None:
            return await self._perform(scope, place, step, path)
        steps, previous = scope.ledger.state.steps, None
        most = repeat.max * steps[path].attempts  # a new try of the step has as many rounds again
        for number in range(1, most + 1):
            round_path = f"{path}({number})"
            if number > 1 and repeat.delay and round_path not in steps:
                await scope.ledger.barrier()
                await scope.ledger.clock.sleep(repeat.delay)
            await scope.breathe()
            if scope.exited is not None and round_path not in steps:
                raise scope.exited
            around = place.with_names(previous=previous)
            await self._round(scope, around, step, round_path)
            previous, seen = steps[round_path].output, _seen_by_until(around, step, round_path)
            if scope.ledger.decide(f"{round_path}!until", partial(truth_of, repeat.until, seen.names)):
                return Recorded(previous, {"output_of": round_path})
        raise ExhaustedError(f"`{repeat.until}` did not come true in {most} rounds (repeat.max)")

    async def _round(self, scope: PlanScope, place: Place, step: Step, path: str) -> None:
        """One round, unless it has ended before."""
        known = scope.ledger.state.steps.get(path)
        if known is not None and known.state in ENDED:
            if known.state == FAILED and known.began is None and not _has_left(scope, path):
                raise step_error(**(known.error or {}))  # the error is that of the step, not of one inside of it
            _again(scope, known)
            return
        if known is None:
            scope.ledger.emit(events.STEP_STARTED, path, {"holds": True} if step.verb in _HOLDS else {})
        try:
            value = await self._perform(scope, place, step, path)
            body = {"state": COMPLETE, **_told(scope, path, value)}
        except PlanExit as reached:
            _end_exit(scope, path, reached)
            raise
        except StepFailed as failed:
            _end_failed(scope, path, failed.error, began=failed.path)
            raise
        except StepError as error:
            _end_failed(scope, path, error_body(error))
            raise
        scope.ledger.emit(events.STEP_FINISHED, path, body)

    async def _perform(self, scope: PlanScope, place: Place, step: Step, path: str) -> Any:
        kind: StepKind = _kinds.get(step.verb)
        if kind.run is None:
            raise AssertionError(f"the checker lets no {step.verb!r} step pass")
        return await kind.run(StepScope(scope, step, path, place, self._carry))

    # how it ends

    async def _leave(self, scope: PlanScope, step: Step, path: str, reached: PlanExit) -> None:
        """An `exit` was reached, here or inside; one that was reached elsewhere cut this step short."""
        scope.leave(reached)
        if not _is_around(path, reached):
            return
        _end_exit(scope, path, reached)
        await self._after_step(scope, step, path, reached.message if reached.state == FAILED else None)

    async def _fail(self, scope: PlanScope, step: Step, path: str, error: dict[str, str], cause: Exception) -> NoReturn:
        _end_failed(scope, path, error, began=cause.path if isinstance(cause, StepFailed) else path)
        await self._after_step(scope, step, path, error["message"])
        if isinstance(cause, StepFailed):
            raise cause
        raise StepFailed(step.id, path, error) from cause

    async def _after_step(self, scope: PlanScope, step: Step, path: str, told: Any) -> None:
        """The hooks after a step that has ended. One that fails makes a COMPLETE step FAILED."""
        if not scope.hooks.any_at(AFTER_STEP):
            return
        try:
            await scope.hooks.after_step(scope.shown(step, path), told)
        except StepError as error:
            if run_state.ended_as(scope.ledger.state, path) == FAILED:
                return  # the step's own error is the one to tell
            body = error_body(error)
            _end_failed(scope, path, body, step)
            raise StepFailed(step.id, path, body) from error
        known = scope.ledger.state.steps[path]
        if known.state == COMPLETE and _kept(scope, path):
            scope.ledger.emit(events.ITEM_LEFT, path, {})

    async def _replay(self, scope: PlanScope, step: Step, path: str, ended: str) -> None:
        """The step, or item, has ended before: let that have the consequence it had."""
        known = scope.ledger.state.steps.get(path)
        if ended == SKIPPED or known is None:  # nothing comes after an item that is let go of
            return
        told = known.error["message"] if known.error else known.output
        await self._after_step(scope, step, path, told)  # those that a crash came before
        _again(scope, known)


def _seen_by_until(place: Place, step: Step, round_path: str) -> Place:
    """`until` sees the step's own output of this round, and the steps inside of it."""
    steps = place.names["steps"].with_paths(
        {step.id: round_path, **{inner.id: f"{round_path}/{inner.id}" for inner in step.steps}}
    )
    return place.with_names(steps=steps)


def _handler(handlers: Sequence[ErrorHandler], kind: str) -> int | None:
    """Which entry of `on_error` is for this kind of error."""
    if kind == RunCancelledError.kind:
        return None
    for number, handler in enumerate(handlers):
        if kind in handler.match if handler.match is not None else kind not in _MUST_BE_NAMED:
            return number
    return None


def _chosen(step: Step, number: int, error: dict[str, str]) -> dict[str, Any]:
    """What is recorded of the entry of `on_error` that handles an error: which it is, and its steps."""
    steps = [inner.id for inner in step.on_error[number].steps]
    return {"handler": number, "error": error, **({"steps": steps} if steps else {})}


def _at(step: Step) -> dict[str, int]:
    return {"place": step.place} if step.place else {}


def _kept(scope: PlanScope, path: str) -> dict[str, bool]:
    """Whether what is in an item is kept when it is COMPLETE: as long as hooks that may fail come after it."""
    return {"kept": True} if item_of(path) is not None and scope.hooks.any_at(AFTER_STEP) else {}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Recorded) else value


def _told(scope: PlanScope, path: str, value: Any) -> dict[str, Any]:
    """What is recorded of an output. One that stands on record already is not told twice."""
    if isinstance(value, Recorded):
        return dict(value.told)
    call = f"{path}!tool:0"
    effect = scope.ledger.state.effects.get(call)
    if effect is not None and effect.value is value:
        return {"output_of": call}
    return {"output": to_json_safe(value)}


def _summary(scope: PlanScope, step: Step, value: Any) -> dict[str, str]:
    summary = summary_of(value, scope.parts.large_output, f"steps.{step.id}.output")
    return {} if summary is None else {"summary": summary}


def _end_failed(
    scope: PlanScope, path: str, error: dict[str, str], step: Step | None = None, began: str | None = None
) -> None:
    """Record that it has failed, and where the failure began when that was inside of it."""
    known = scope.ledger.state.steps.get(path)
    if known is None or known.state != FAILED:
        told = {**({} if step is None else _at(step)), **({} if began in (None, path) else {"began": began})}
        scope.ledger.emit(events.STEP_FINISHED, path, {"state": FAILED, "error": error, **told})


def _end_exit(scope: PlanScope, path: str, reached: PlanExit) -> None:
    """Record that the plan ends here. The `exit` itself, and what stands around it, end as the plan does.

    What an exit elsewhere cut short is left as it stands: the plan skips it when it ends.
    """
    if not _is_around(path, reached):
        return
    scope.ledger.decide(f"{path}!exit", lambda: True)
    if reached.state == FAILED:
        _end_failed(scope, path, error_body(exit_error(reached)))
    elif run_state.ended_as(scope.ledger.state, path) is None:
        scope.ledger.emit(events.STEP_FINISHED, path, {"state": COMPLETE, "output": None, **_kept(scope, path)})


def _is_around(path: str, reached: PlanExit) -> bool:
    """Whether the `exit` is this step, or stands inside of it."""
    return reached.path == path or reached.path.startswith((f"{path}/", f"{path}[", f"{path}("))


def exit_error(reached: PlanExit) -> ExitError:
    """The error of a plan that an `exit` ended as FAILED."""
    return ExitError(reached.message or f"the step {reached.path} ended the plan as FAILED")


def _has_left(scope: PlanScope, path: str) -> bool:
    """Whether an `exit` was reached there."""
    return f"{path}!exit" in scope.ledger.state.decisions


def _again(scope: PlanScope, known: StepState) -> None:
    """Raise what the step raised when it ended."""
    if scope.exited is not None and _has_left(scope, known.path):
        raise scope.exited
    if known.state == FAILED:
        began = known.began or known.path
        raise StepFailed(run_state.id_of(began), began, known.error or {})
