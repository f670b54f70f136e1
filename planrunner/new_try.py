"""What a new try of a failed run leaves as it is, what it opens again, and what it forgets."""

from __future__ import annotations

from planrunner.events import Event
from planrunner.run_parts import COMPLETE, ENDED, FAILED, IN_PROGRESS, StepState, item_of, parent_of
from planrunner.run_state import OUTCOME, RunState


def open_again(run: RunState, event: Event) -> None:
    """A new try: failed steps are open again, their failed effects are made anew, their questions asked anew."""
    run.tries += 1
    run.raised_limits.update(event.body.get("limits", {}))
    run.state = IN_PROGRESS
    run.error = None
    run.generation += 1
    run.decisions.pop(OUTCOME, None)
    _come_back(run, "")
    for step_id in run.finally_ids & run.steps.keys():  # what is done at the end is done again at the new one
        forget(run, run.steps[step_id])
    for step in [step for step in run.steps.values() if parent_of(step.path) is None]:
        _try_anew(run, step, event.at)
    for key in [key for key, fired in run.hooks.items() if "error" in fired or key.startswith("!after_plan_run:")]:
        del run.hooks[key]
    for key in [key for key, question in run.questions.items() if not question.resolved]:
        _set_aside(run, key)


def _try_anew(run: RunState, step: StepState, at: float) -> None:
    """Open it again where it has failed, and what has failed inside of it.

    Not what was handled: what is around that has ended well. Nor what failed while it handled another failure: it waits
    until that is to be handled again, which may never be.
    """
    if step.state == FAILED and step.started_at is None:
        forget(run, step)  # whether it was wanted at all could not be told
        return
    if step.state == FAILED:
        _reopen(run, step, at)
    if step.state not in ENDED:
        for inner in list(step.inner.values()):
            if inner.id not in step.handling:
                _try_anew(run, inner, at)


def _reopen(run: RunState, step: StepState, at: float) -> None:
    step.state, step.error, step.finished_at = IN_PROGRESS, None, None
    step.attempts += 1
    if not step.holds:
        run.in_flight.begin(at)
    for step_id in run.decisions.get(f"{step.path}!finally", ()):
        if f"{step.path}/{step_id}" in run.steps:
            forget(run, run.steps[f"{step.path}/{step_id}"])
    for what in ("on_error", "exit", "outcome"):
        run.decisions.pop(f"{step.path}!{what}", None)
    _come_back(run, step.path)
    note_item(run, step, None)
    for effect in step.effects:
        effect.is_void = effect.error is not None or effect.failed
    ending = tuple(f"{step.path}!{point}:" for point in ("after_step", "after_plan_run"))
    for key in [key for key in run.hooks if key.startswith(ending)]:
        del run.hooks[key]
    if f"{step.path}!ask" in run.questions:
        _set_aside(run, f"{step.path}!ask")


def handle(run: RunState, step: StepState, event: Event) -> None:
    """Its failure is handled by these steps now; those of them that failed in an earlier try are tried anew."""
    chosen = event.body["value"].get("steps", ())
    step.handling = step.handling.union(chosen)
    for step_id in chosen:
        inner = step.inner.get(f"{step.path}/{step_id}")
        if inner is not None:
            _try_anew(run, inner, event.at)


def _come_back(run: RunState, path: str) -> None:
    """The plan at this path goes on where an `exit` ended it as FAILED; where one ended it as COMPLETE, it stays so."""
    if run.decisions.get(f"{path}!left", {}).get("state") == FAILED:
        del run.decisions[f"{path}!left"]


def _set_aside(run: RunState, key: str) -> None:
    """The question stays in the record, and is asked anew."""
    run.questions[f"{key}~{run.generation}"] = run.questions.pop(key)


def note_item(run: RunState, step: StepState, state: str | None) -> None:
    """Tell the `foreach` what became of its item."""
    index = item_of(step.path)
    parent = None if index is None else run.steps[parent_of(step.path) or ""]
    if index is not None and parent is not None and parent.items is not None:
        parent.items.states[index] = state
        parent.items.outputs[index] = step.output if state == COMPLETE else None


def forget(run: RunState, step: StepState) -> None:
    """Let go of a step and of all inside of it: a loop over many items must not keep what nobody asks for."""
    for inner in list(step.inner.values()):
        forget(run, inner)
    for effect in step.effects:
        run.effects.pop(effect.key, None)
    for key in step.keys:
        run.decisions.pop(key, None)
        run.hooks.pop(key, None)
    run.spent.pop(step.path, None)
    del run.steps[step.path]
    parent = parent_of(step.path)
    if parent is not None:
        del run.steps[parent].inner[step.path]
