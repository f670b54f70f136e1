"""Who plays the parts of the model, the tools and the people in a run under a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from planrunner import events
from planrunner.document.script import Script
from planrunner.events import Event
from planrunner.models.base import Model
from planrunner.models.scripted import ScriptedModel
from planrunner.questions import Handler
from planrunner.run_state import QuestionState
from planrunner.scripted_answers import ScriptedAnswers
from planrunner.tools.scripted import ScriptedTools


class Players(NamedTuple):
    """What the outside is to a run. `tools` None: the real ones; `people` None: questions wait for their answers."""

    model: Model
    tools: ScriptedTools | None
    people: Handler | None


def players_of(
    script: Script, people: Handler | None, history: Sequence[Event], asked: Iterable[QuestionState]
) -> Players:
    """Those of a script. What it has answered before is used up.

    people   who is asked what the script does not answer
    history  what happened in the run so far
    asked    the questions of the run so far
    """
    made = list(_attempts(history))
    return Players(
        ScriptedModel(script.replies, made, strict=script.strict),
        ScriptedTools(script.tools, made, strict=script.strict),
        ScriptedAnswers(script.answers, people, asked, strict=script.strict),
    )


def _attempts(history: Sequence[Event]) -> Iterator[Event]:
    """The beginning of each attempt at a call that came to an end, in order.

    From the events, for a run forgets the items of a loop that are done.
    """
    begun: dict[str, Event] = {}
    for event in history:
        if event.kind == events.EFFECT_STARTED:
            begun[event.key] = event
        elif event.kind in (events.EFFECT_FINISHED, events.ATTEMPT_FAILED) and event.key in begun:
            yield begun.pop(event.key)
