"""Answers of a script file, in place of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planrunner.plan import MISSING
from planrunner.questions import Handler


class ScriptedAnswers:
    """Answers questions from a script's `answers`, as a Handler; what it does not know goes to `otherwise`.

    answers  by the path of a `clarify` step, or `STEP/TOOL` for what a hook asks about a call: the answer, a list of
             one per asking, or `{never: true}`: nobody answers
    """

    def __init__(self, answers: Mapping[str, Any], otherwise: Handler | None) -> None:
        self._answers = {key: list(value) if isinstance(value, list) else value for key, value in answers.items()}
        self._otherwise = otherwise

    async def __call__(self, question: Mapping[str, Any]) -> Any:
        key = _key(question)
        if key in self._answers:
            return self._take(key)
        return MISSING if self._otherwise is None else await self._otherwise(question)

    def _take(self, key: str) -> Any:
        answer = self._answers[key]
        if isinstance(answer, list):
            return answer.pop(0) if answer else MISSING
        return MISSING if isinstance(answer, Mapping) and answer.get("never") is True else answer


def _key(question: Mapping[str, Any]) -> str:
    call = question.get("call")
    return f"{question['path']}/{call['tool']}" if call else str(question["path"])
