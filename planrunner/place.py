"""Where in a run a list of steps stands, and what is seen from there: paths and names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planrunner.run_parts import NOT_STARTED
from planrunner.run_state import RunState
from planrunner.times import utc

_UNREACHED: Mapping[str, Any] = {"output": None, "state": NOT_STARTED, "error": None}


@dataclass(frozen=True, slots=True)
class Place:
    """A list of steps in a run.

    prefix  of the paths of its steps: "", or the path of what they stand in with a `/`
    names   what templates see there
    """

    prefix: str
    names: Mapping[str, Any]

    def path(self, step_id: str) -> str:
        """The path of a step of the list."""
        return f"{self.prefix}{step_id}"

    def with_names(self, **names: Any) -> Place:
        """The same place, seen with more names."""
        return Place(self.prefix, {**self.names, **names})

    def inside(self, path: str, ids: Iterable[str]) -> Place:
        """The place of a list inside of what stands at `path`; its steps are seen beside those around it."""
        steps = self.names["steps"].with_paths({step_id: f"{path}/{step_id}" for step_id in ids})
        return Place(f"{path}/", {**self.names, "steps": steps})


class StepNames(Mapping[str, Any]):
    """`steps` in templates: the steps of a list and of the lists around it, by id; also those that have not run."""

    __slots__ = ("_around", "_paths", "_run")

    def __init__(self, run: RunState, paths: Mapping[str, str], around: StepNames | None = None) -> None:
        self._run = run
        self._paths = paths
        self._around = around

    def with_paths(self, paths: Mapping[str, str]) -> StepNames:
        """These and more."""
        return StepNames(self._run, paths, self)

    def __getitem__(self, step_id: str) -> Mapping[str, Any]:
        names: StepNames | None = self
        while names is not None:
            path = names._paths.get(step_id)
            if path is not None:
                step = self._run.steps.get(path)
                return _UNREACHED if step is None else {"output": step.output, "state": step.state, "error": step.error}
            names = names._around
        raise KeyError(step_id)

    def __iter__(self) -> Iterator[str]:
        names: StepNames | None = self
        while names is not None:
            yield from names._paths
            names = names._around

    def __len__(self) -> int:
        return sum(1 for _ in self)


class RunNames(Mapping[str, Any]):
    """`run` in templates. `ending`: the state and the error of the plan, once they are settled and `finally` begins."""

    __slots__ = ("_run", "ending")

    def __init__(self, run: RunState) -> None:
        self._run = run
        self.ending: tuple[str, Mapping[str, Any] | None] | None = None

    def _all(self) -> dict[str, Any]:
        run = self._run
        state, error = self.ending or (run.state, run.error)
        return {"id": run.id, "started_at": utc(run.created_at), "state": state, "error": error}

    def __getitem__(self, name: str) -> Any:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())
