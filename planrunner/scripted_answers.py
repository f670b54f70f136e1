"""Answers of a script file, in place of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from planrunner.answers import takes
from planrunner.errors import NotScriptedError
from planrunner.plan import MISSING
from planrunner.questions import Handler
from planrunner.registry import hint
from planrunner.run_state import QuestionState
from planrunner.scripted import Lines, names_of

NEVER: Final = {"never": True}
"""In place of an answer: nobody answers."""

_TIMEOUT: Final = "timeout"


class ScriptedAnswers:
    """Answers questions from a script's `answers`, as a Handler; what it does not know goes to `otherwise`.

    answers  by the path of the step that asks (see `names_of`), or `STEP/TOOL` for what a hook asks about a call: the
             answer, a list of one per asking, or `{never: true}`: nobody answers
    asked    questions that are on record already: their answers are used up
    strict   a question without an answer is a NotScriptedError
    """

    def __init__(
        self,
        answers: Mapping[str, Any],
        otherwise: Handler | None = None,
        asked: Iterable[QuestionState] = (),
        *,
        strict: bool = False,
    ) -> None:
        self._lines = Lines(answers)
        self._otherwise = otherwise
        self._strict = strict
        self._unanswered: set[str] = set()
        for question in asked:
            name = self._lines.name(names(question.body))
            by_a_person = question.resolved and question.by != _TIMEOUT
            if name is not None and (by_a_person or self._lines.upcoming(name) == NEVER):
                self._take(name, question.body)

    async def __call__(self, question: Mapping[str, Any]) -> Any:
        if question["id"] in self._unanswered:
            return MISSING
        name = self._lines.name(names(question))
        refused = "refusal" in question and name is not None and self._lines.is_alone(name)
        answer = MISSING if name is None or refused else self._take(name, question)
        if answer is not MISSING:
            return MISSING if answer == NEVER else answer
        if self._strict:
            raise NotScriptedError(self._lack(question))
        return MISSING if name or self._otherwise is None else await self._otherwise(question)

    def _take(self, name: str, question: Mapping[str, Any]) -> Any:
        """The next answer. That nobody answers this question is kept, however often it is put."""
        answer = self._lines.take(name)
        if answer == NEVER:
            self._unanswered.add(question["id"])
        return answer

    def _lack(self, question: Mapping[str, Any]) -> str:
        known, *_ = names(question)
        name = self._lines.name(names(question)) or known
        asked = f"{known} asks {question['user_guidance']!r}, which takes {takes(question)}"
        if "refusal" in question:
            return f"{asked}. The answer under `answers`, {name}, is refused: {question['refusal']}"
        near = "" if name in self._lines else hint(name, self._lines)
        left = "left" if name in self._lines else f"scripted{near}"
        add = f"Add under `answers`:\n  {name}: THE ANSWER    # or {{never: true}}: nobody answers"
        return f"{asked}, and no answer is {left}{'' if near else '.'} {add}"


def names(question: Mapping[str, Any]) -> Iterator[str]:
    """The names by which a script may mean this question, the nearest first."""
    call = question.get("call")
    about = f"/{call['tool']}" if call else ""
    return (f"{name}{about}" for name in names_of(str(question["path"])))
