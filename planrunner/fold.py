"""Makes the state of a run of its events. `apply` changes the state in place, in constant time; nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner import events
from planrunner.descriptions import Descriptions
from planrunner.errors import StoreError
from planrunner.events import Event
from planrunner.new_try import forget, handle, note_item, open_again
from planrunner.run_parts import (
    COMPLETE,
    IN_PROGRESS,
    NEED_CLARIFICATION,
    READY_TO_RESUME,
    EffectState,
    Items,
    QuestionState,
    StepState,
    item_of,
    parent_of,
)
from planrunner.run_state import RunState, nothing_spent


def fold(run_id: str, history: tuple[Event, ...]) -> RunState:
    """The state after all these events."""
    run = RunState(run_id)
    for event in history:
        apply(run, event)
    return run


def apply(run: RunState, event: Event) -> None:
    """Let one event happen."""
    before, run.updated_at = run.updated_at, event.at
    if event.kind == events.RUN_RESUMED:  # whoever carried it last may have died: nobody did since the last event
        run.in_flight.stop(before)
        run.in_flight.go_on(event.at)
    try:
        change = _APPLY[event.kind]
    except KeyError:
        raise StoreError(
            f"run {run.id} has an event {event.kind!r} that this version does not know: a newer planrunner wrote it"
        ) from None
    change(run, event)


def _run_started(run: RunState, event: Event) -> None:
    run.plan = event.body["plan"]
    run.root = event.body["root"]
    run.step_ids = event.body["steps"]
    run.finally_ids = frozenset(event.body.get("finally", ()))
    run.descriptions = Descriptions.recorded(event.body)
    run.inputs = event.body["inputs"]
    run.context = event.body["context"]
    run.state = IN_PROGRESS
    run.created_at = event.at


def _run_resumed(run: RunState, event: Event) -> None:
    if not run.has_ended:  # one whose process died while it told of the end stays ended
        run.state = IN_PROGRESS
    if "context" in event.body:
        if event.body["context"]["end_user_id"] != run.context["end_user_id"]:
            run.generation += 1  # approvals were the other user's
        run.context = event.body["context"]


def _step_of(run: RunState, event: Event) -> StepState:
    """The step that an event is about; one that is not on record yet takes its place."""
    step = run.steps.get(event.key)
    if step is None:
        step = run.steps[event.key] = StepState(event.key)
        step.place = event.body.get("place", 0)
        parent = parent_of(event.key)
        if parent is not None:
            run.steps[parent].inner[event.key] = step
    return step


def _step_started(run: RunState, event: Event) -> None:
    step = _step_of(run, event)
    step.state = IN_PROGRESS
    step.attempts = 1
    step.started_at = event.at
    step.holds = event.body.get("holds", False)
    if not step.holds:
        run.in_flight.begin(event.at)


def _step_finished(run: RunState, event: Event) -> None:
    step = _step_of(run, event)  # one that was skipped never started
    if step.state == IN_PROGRESS and not step.holds:
        run.in_flight.end(event.at)
    body = event.body
    step.state = body["state"]
    step.summary = body.get("summary")
    step.finished_at = event.at
    step.error = body.get("error")
    step.began = body.get("began")
    step.output = _told_output(run, step, body)
    note_item(run, step, step.state)
    if step.state == COMPLETE and item_of(step.path) is not None and not body.get("kept"):
        forget(run, step)  # what is left of it is its output, and its events


def _item_left(run: RunState, event: Event) -> None:
    """The hooks after an item have passed; one that failed would have had a new try go on with what is in it."""
    forget(run, run.steps[event.key])


def _told_output(run: RunState, step: StepState, body: dict[str, Any]) -> Any:
    """The output that the end of a step tells, or that stands elsewhere already: with a call, or with inner steps."""
    if "output_of" in body:
        told = body["output_of"]
        return run.effects[told].value if "!" in told else run.steps[told].output
    if "gathers" in body:
        inner = ((name, run.steps.get(f"{body['around']}/{name}")) for name in body["gathers"])
        return {name: None if each is None else each.output for name, each in inner}
    if body.get("lists"):
        return [] if step.items is None else step.items.outputs
    return body.get("output")


def _effect_started(run: RunState, event: Event) -> None:
    key = event.key
    effect = EffectState(event)
    path = key[: key.index("!")]
    effects = run.steps[path].effects
    known = run.effects.get(key)
    if known is None:
        effects.append(effect)
    else:
        effects[effects.index(known)] = effect
        _follow(effect, known)
    if known is None or not known.is_begun:
        _spend(run, path, {"llm_calls" if effect.is_llm_call else "tool_calls": 1})
    run.effects[key] = effect


def _follow(effect: EffectState, before: EffectState) -> None:
    """Another attempt at the same call: what came of those before it stays on record."""
    effect.failures, effect.past = before.failures, before.past
    if not before.is_void:
        effect.messages = effect.messages or before.messages
        return
    if before.error is not None:
        effect.failures = [*before.failures, _failure(before, before.error, before.finished_at)]
    effect.past = len(effect.failures)


def _failure(effect: EffectState, error: dict[str, str], at: float | None) -> dict[str, Any]:
    """A failed attempt, as records tell it."""
    told = {"name": effect.name, "choice": effect.choice, "started_at": effect.started_at, "finished_at": at}
    return {**told, "error": error}


def _effect_finished(run: RunState, event: Event) -> None:
    effect = run.effects[event.key]
    body = event.body
    effect.done = True
    effect.finished_at = event.at
    effect.value = body.get("value")
    effect.error = body.get("error")
    usage = effect.usage = body.get("usage")
    if usage is not None:
        _spend(run, effect.path, usage)


def _spend(run: RunState, path: str, usage: dict[str, Any]) -> None:
    sums = [run.usage, *(spent for plan, spent in run.spent.items() if path.startswith(f"{plan}/"))]
    for spent in sums:
        for name, amount in usage.items():
            spent[name] += amount or 0


def _attempt_failed(run: RunState, event: Event) -> None:
    effect = run.effects[event.key]
    effect.failed = True
    effect.failures = [*effect.failures, {**_failure(effect, event.body["error"], event.at), **event.body}]


def _call_refused(run: RunState, event: Event) -> None:
    run.steps[event.key[: event.key.index("!")]].refused[event.key] = event.body


def _clarification_raised(run: RunState, event: Event) -> None:
    question = run.questions[event.key] = run.open_questions[event.key] = QuestionState(event)
    step = run.steps.get(question.path)
    if step is not None:
        if step.state == IN_PROGRESS and not step.holds:
            run.in_flight.end(event.at)
        step.state = NEED_CLARIFICATION


def _clarification_answered(run: RunState, event: Event) -> None:
    question = run.questions[event.key]
    question.resolved = True
    question.response = event.body["response"]
    question.by = event.body.get("by")
    question.answered_at = event.at
    _no_longer_asks(run, question, event.at)


def _clarification_closed(run: RunState, event: Event) -> None:
    question = run.questions[event.key]
    question.closed = event.body["why"]
    _no_longer_asks(run, question, event.at)


def _no_longer_asks(run: RunState, question: QuestionState, at: float) -> None:
    """The step goes on once none of its questions is open; so does a run that paused for them."""
    asks_still = run.open_questions
    asks_still.pop(question.key, None)
    step = run.steps.get(question.path)
    if (
        step is not None
        and step.state == NEED_CLARIFICATION
        and not any(q.path == step.path for q in asks_still.values())
    ):
        step.state = IN_PROGRESS
        if not step.holds:
            run.in_flight.begin(at)
    if run.state == NEED_CLARIFICATION and not asks_still:
        run.state = READY_TO_RESUME


def _run_paused(run: RunState, event: Event) -> None:
    run.state = NEED_CLARIFICATION
    run.in_flight.stop(event.at)


def _hook_fired(run: RunState, event: Event) -> None:
    run.hooks[event.key] = event.body
    _belongs(run, event.key)


def _belongs(run: RunState, key: str) -> None:
    """The key is forgotten with its step; one that comes before the step's start, with what is around it."""
    path = key[: key.index("!")]
    step = run.steps.get(path) or run.steps.get(parent_of(path) or "")
    if step is not None:
        step.keys.append(key)


def _effect_asked(run: RunState, event: Event) -> None:
    run.effects[event.key].asks = True


def _effect_voided(run: RunState, event: Event) -> None:
    run.effects[event.key].is_void = True


def _decided(run: RunState, event: Event) -> None:
    run.decisions[event.key] = event.body["value"]
    path, _, what = event.key.rpartition("!")
    if what == "items":
        run.steps[path].items = Items(len(event.body["value"]))
    elif what == "limits":
        run.spent[path] = nothing_spent()
    elif what == "on_error":
        handle(run, run.steps[path], event)
    if path:
        _belongs(run, event.key)


def _run_finished(run: RunState, event: Event) -> None:
    run.state = event.body["state"]
    run.error = event.body.get("error")
    if run.state == COMPLETE:
        run.output = event.body["output"]


_APPLY: dict[str, Callable[[RunState, Event], None]] = {
    events.RUN_STARTED: _run_started,
    events.RUN_RESUMED: _run_resumed,
    events.RUN_RETRIED: open_again,
    events.STEP_STARTED: _step_started,
    events.STEP_FINISHED: _step_finished,
    events.ITEM_LEFT: _item_left,
    events.EFFECT_STARTED: _effect_started,
    events.EFFECT_FINISHED: _effect_finished,
    events.EFFECT_ASKED: _effect_asked,
    events.EFFECT_VOIDED: _effect_voided,
    events.ATTEMPT_FAILED: _attempt_failed,
    events.CALL_REFUSED: _call_refused,
    events.DECIDED: _decided,
    events.CLARIFICATION_RAISED: _clarification_raised,
    events.CLARIFICATION_ANSWERED: _clarification_answered,
    events.CLARIFICATION_CLOSED: _clarification_closed,
    events.HOOK_FIRED: _hook_fired,
    events.RUN_PAUSED: _run_paused,
    events.RUN_FINISHED: _run_finished,
}
