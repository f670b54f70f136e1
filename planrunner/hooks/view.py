"""What a hook sees of the run: the whole record, read-only, built when it is first looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from planrunner.run_state import RunState

if TYPE_CHECKING:
    from planrunner.plan import Step
    from planrunner.plan_run import ReadOnlyPlanRun


class PlanRunView:
    """Stands for a ReadOnlyPlanRun that is built at the first touch: most hooks never look."""

    __slots__ = ("_build", "_built")

    def __init__(self, build: Callable[[], ReadOnlyPlanRun]) -> None:
        object.__setattr__(self, "_build", build)
        object.__setattr__(self, "_built", None)

    @property  # type: ignore[misc]  # Python lets a property stand in for the class
    def __class__(self) -> type:  # isinstance(view, PlanRun) holds, as for what it stands for
        from planrunner.plan_run import ReadOnlyPlanRun

        return ReadOnlyPlanRun

    def _get(self) -> ReadOnlyPlanRun:
        built: ReadOnlyPlanRun | None = self._built
        if built is None:
            built = self._build()
            object.__setattr__(self, "_built", built)
        return built

    def __getattr__(self, name: str) -> Any:
        return getattr(self._get(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._get(), name, value)  # which refuses, in its own words

    def __eq__(self, other: object) -> bool:
        return self._get() == other

    def __str__(self) -> str:
        return str(self._get())

    def __repr__(self) -> str:
        return repr(self._get())


def view_of(run: RunState, step: Step | None = None, shown: frozenset[str] | None = None) -> Any:
    """The run as a hook of this step sees it.

    shown  ids of clarifications: of all that its top-level step has raised, in whatever item, round or inner step,
           only these are seen (a tool hook sees those of its own call): what was answered about another call is no
           approval of this one
    """
    return PlanRunView(lambda: _build(run, step, shown))


def _build(run: RunState, step: Step | None, shown: frozenset[str] | None) -> ReadOnlyPlanRun:
    from planrunner.plan_run import PlanRun, ReadOnlyPlanRun

    record = PlanRun.from_state(run)
    if step is not None:
        record.current_step_index = step.index
        if shown is not None:
            record.clarifications = [q for q in record.clarifications if q.step != step.index or q.id in shown]
    return ReadOnlyPlanRun.from_plan_run(record)
