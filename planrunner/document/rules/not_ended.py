"""A template reads a step only where that step has surely ended."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.problem import Problem
from planrunner.document.rules.scope import around, has_ended, is_inside
from planrunner.document.shape import Path, Site
from planrunner.document.tree import text_of
from planrunner.document.view import Document, StepView

_NOT_FROM_FINALLY = "do it in 'steps', or read it under 'finally'"


def check(document: Document) -> Iterator[Problem]:
    """Every reference to a step that may still run, or has not begun, when the template is rendered."""
    workers = _Workers(document)
    for site, reference in document.references:
        target = (
            document.by_id.get(str(reference.names[1]))
            if reference.names[0] == "steps" and reference.names[1:]
            else None
        )
        message = _wrong(document, site, target, workers) if target else None
        if message:
            yield document.problem_in(site, reference.offset, "not-ended", message)


def _wrong(document: Document, site: Site, target: StepView, workers: _Workers) -> str | None:
    if site.path[0] == "hooks":
        return None
    if site.path[0] in ("output", "returns"):
        return _hidden(target) if target.within.owner is not None or target.within.role == "finally" else None
    if site.path[0] == "agents":
        return workers.wrong(str(site.path[1]), target)
    step = document.step_at(site.path)
    if step is None:
        return f"no step has ended where this is read: steps.{target.name} can't stand here"
    return _from_step(step, site.path, target)


class _Workers:
    """Agents, whose instructions are rendered for every task that names them."""

    def __init__(self, document: Document) -> None:
        self._tasks: dict[str, list[StepView]] = {}
        for step in document.steps:
            self._tasks.setdefault(text_of(step.node.get("agent")) or "", []).append(step)
        self._known: dict[tuple[str, StepView], str | None] = {}

    def wrong(self, agent: str, target: StepView) -> str | None:
        """What is wrong with reading that step in what the agent is told."""
        key = agent, target
        if key not in self._known:
            told = ((step, _from_step(step, step.path, target)) for step in self._tasks.get(agent, ()))
            found = (f"the task {step.name!r} uses this agent: {message}" for step, message in told if message)
            self._known[key] = next(found, None)
        return self._known[key]


def _from_step(step: StepView, path: Path, target: StepView) -> str | None:
    if target in around(step):
        return _from_within(step, path, target)
    if _until_sees(step, path, target) or has_ended(target, step):
        return None
    if is_inside(target, step):
        return _hidden(target)
    beside = next((each for each in around(step) if each.within is target.within), None)
    if beside is None:
        return _hidden(target)
    if target.index > beside.index:
        return f"the step {target.name!r} comes after {beside.name!r}: move it above"
    return f"the step {target.name!r} may still be running here: add it to the 'needs' of {beside.name!r}"


def _from_within(step: StepView, path: Path, target: StepView) -> str | None:
    """A step reads itself only in its own `until`, and in what handles its error."""
    inside = path[len(target.path) :]
    if inside[:2] == ("repeat", "until") or inside[:1] == ("on_error",):
        return None
    if target is step:
        advice = "name a step above it; with 'repeat', 'previous' is the round before"
        return f"the step {target.name!r} reads itself, and has not ended here: {advice}"
    return f"the step {target.name!r} goes on until all in it has ended: {step.name!r} can't read it"


def _until_sees(step: StepView, path: Path, target: StepView) -> bool:
    """In `until` the ids of the step's own inner list are in scope."""
    return path[len(step.path) :][:2] == ("repeat", "until") and target.within.owner is step


def _hidden(target: StepView) -> str:
    if target.within.owner is None:
        return f"the step {target.name!r} stands under 'finally' and runs after this is read: {_NOT_FROM_FINALLY}"
    owner = target.within.owner.name
    return f"the step {target.name!r} stands inside of {owner!r}: from outside read steps.{owner}.output"
