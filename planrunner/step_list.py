"""Carries a list of steps: each starts when what it needs has ended, and independent ones go on side by side.

A step that waits for a person holds up those that need it, and no others. Once a step has failed nothing new starts in
its list, and once an `exit` was reached nothing new starts in its plan; what is under way comes to its end. At rest an
exit comes first, then waiting, then the failure that stands first in the list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from planrunner.crew import Crew
from planrunner.place import Place
from planrunner.plan import Step
from planrunner.questions import Waiting
from planrunner.run_state import FAILED
from planrunner.scope import PlanExit, PlanScope

RunStep = Callable[[PlanScope, Place, Step], Awaitable[None]]


class StepFailed(Exception):
    """A step has failed, and its failure is on record. Ends the list it stands in.

    step_id, path  the step in which it began
    error          `{kind, message}`
    """

    def __init__(self, step_id: str, path: str, error: dict[str, str]) -> None:
        super().__init__(error["message"])
        self.step_id = step_id
        self.path = path
        self.error = error


async def run_list(scope: PlanScope, place: Place, steps: Sequence[Step], run_step: RunStep) -> None:
    """Carry the list to its end. Raises PlanExit, Waiting, StepFailed."""
    if any(step.needs is not None for step in steps):
        await _Schedule(scope, place, steps, run_step).run()
        return
    for step in steps:  # one after another: each needs all above it
        await scope.breathe()
        if scope.exited is not None and not _has_begun(scope, place, step):
            raise scope.exited
        await run_step(scope, place, step)


def _has_begun(scope: PlanScope, place: Place, step: Step) -> bool:
    return place.path(step.id) in scope.ledger.state.steps


class _Schedule:
    """A list in which some steps say what they need."""

    def __init__(self, scope: PlanScope, place: Place, steps: Sequence[Step], run_step: RunStep) -> None:
        self._scope = scope
        self._place = place
        self._steps = steps
        self._run_step = run_step
        self._queue = Queue(steps)
        self._exits: dict[int, PlanExit] = {}
        self._failures: dict[int, StepFailed] = {}
        self._waits = False
        known = scope.ledger.state.steps
        paths = [place.path(step.id) for step in steps]
        self._has_failed = any(path in known and known[path].state == FAILED for path in paths)

    async def run(self) -> None:
        """Let steps start and end until none can."""
        ready = self._queue.first()
        async with Crew() as crew:
            while True:
                for index in filter(self._may_start, ready):
                    crew.start(index, self._one(index))
                if not crew:
                    break
                ready = [after for index, raised in await crew.ended() for after in self._take(index, raised)]
        if self._exits:
            raise self._exits[min(self._exits)]
        if self._waits:
            raise Waiting
        if self._failures:
            raise self._failures[min(self._failures)]
        if self._scope.exited is not None and not self._queue.is_over:
            raise self._scope.exited

    async def _one(self, index: int) -> None:
        await self._run_step(self._scope, self._place, self._steps[index])

    def _may_start(self, index: int) -> bool:
        stopped = self._has_failed or self._scope.exited is not None
        return not stopped or _has_begun(self._scope, self._place, self._steps[index])

    def _take(self, index: int, raised: BaseException | None) -> list[int]:
        """Take in how a step ended; the steps that can start now."""
        if isinstance(raised, PlanExit):
            self._exits[index] = raised
        elif isinstance(raised, StepFailed):
            self._failures[index] = raised
            self._has_failed = True
        elif isinstance(raised, Waiting):
            self._waits = True
        elif raised is not None:
            raise raised
        else:
            return self._queue.end(index)
        return []


class Queue:
    """Which steps of a list can start. A step without `needs` waits for all above it: a pointer, never edges."""

    def __init__(self, steps: Sequence[Step]) -> None:
        places = {step.id: index for index, step in enumerate(steps)}
        self._after: dict[int, list[int]] = {}
        self._missing: list[int | None] = []
        for index, step in enumerate(steps):
            needs = None if step.needs is None else {places[need] for need in step.needs}
            self._missing.append(None if needs is None else len(needs))
            for need in needs or ():
                self._after.setdefault(need, []).append(index)
        self._ended = [False] * len(steps)
        self._above = 0  # so many at the beginning have ended

    @property
    def is_over(self) -> bool:
        """Whether all of them have ended."""
        return all(self._ended)

    def first(self) -> list[int]:
        """Those that need nothing."""
        return [index for index, missing in enumerate(self._missing) if missing == 0 or (missing is None and not index)]

    def end(self, index: int) -> list[int]:
        """A step has ended: those that can start now and could not before, in plan order."""
        self._ended[index] = True
        ready = []
        for after in self._after.get(index, ()):
            left = self._missing[after] = (self._missing[after] or 0) - 1
            if left == 0:
                ready.append(after)
        before = self._above
        while self._above < len(self._ended) and self._ended[self._above]:
            self._above += 1
        if before < self._above < len(self._ended) and self._missing[self._above] is None:
            ready.append(self._above)
        return sorted(ready)
