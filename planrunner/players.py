"""Who plays the parts of the model, the tools and the people in a run under a script."""

from __future__ import annotations

from typing import NamedTuple

from planrunner.document.script import Script
from planrunner.models.base import Model
from planrunner.models.scripted import ScriptedModel
from planrunner.questions import Handler
from planrunner.run_state import RunState
from planrunner.scripted_answers import ScriptedAnswers
from planrunner.tools.scripted import ScriptedTools


class Players(NamedTuple):
    """What the outside is to a run. `tools` None: the real ones; `people` None: questions wait for their answers."""

    model: Model
    tools: ScriptedTools | None
    people: Handler | None


def players_of(script: Script, people: Handler | None, known: RunState | None) -> Players:
    """Those of a script.

    people  who is asked what the script does not answer
    known   the run as it stands on record: what the script has answered there is used up
    """
    effects = list(known.effects.values()) if known else []
    asked = list(known.questions.values()) if known else []
    return Players(
        ScriptedModel(script.replies, effects, strict=script.strict),
        ScriptedTools(script.tools, effects, strict=script.strict),
        ScriptedAnswers(script.answers, people, asked, strict=script.strict),
    )
