"""Tools that play a script, so that a plan can be tried without touching anything outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from planrunner.errors import (
    DeadlineError,
    RateLimitedError,
    RejectedError,
    SchemaError,
    StepError,
    ToolHardError,
    ToolSoftError,
    TransientError,
    step_error,
)
from planrunner.jsonsafe import dumps
from planrunner.run_state import EffectState
from planrunner.tools.base import Effect

TOOL_KINDS: Final = (
    ToolSoftError.kind,
    ToolHardError.kind,
    TransientError.kind,
    RateLimitedError.kind,
    DeadlineError.kind,
    SchemaError.kind,
)
"""The kinds of errors that a scripted call may raise."""


class ScriptedTools:
    """Answers tool calls of one run from a script.

    finished  calls that are on record already: their answers are used up
    tools  a step path or a tool's name in the plan → answers. One answer alone serves every call; in a list each
           serves one call, and a call takes the first one left that fits it. An answer is `{returns: value}` or
           `{raise: kind, message}` (one of TOOL_KINDS), with `when_args` for calls whose args contain those values.

    Where a step's path has answers, those under the tool's name are not looked at for calls of that step. A tool the
    script names is never called for real, also when its answers have run out. Of the others only those with effect
    `read` run as they are: who plays a script does not expect anything to be written, sent or paid.
    """

    def __init__(self, tools: Mapping[str, Any], finished: Iterable[EffectState] = ()) -> None:
        self._single = {key: answer for key, answer in tools.items() if isinstance(answer, Mapping)}
        self._left = {key: list(answers) for key, answers in tools.items() if key not in self._single}
        for effect in finished:
            if not effect.is_llm_call:
                with suppress(StepError):  # what it answered is on record; here it is only used up
                    self.call(effect.name, "read", effect.args or {}, effect.path)

    def call(self, tool: str, effect: Effect, args: Mapping[str, Any], path: str) -> Any:
        """The value that the script answers this call with, or NotImplemented when the tool is to run as it is.

        Raises what the script raises; ToolHardError when no answer is left that fits; RejectedError when the script
        does not know the tool and its effect is more than `read`.
        """
        for key in (path, tool):
            if key in self._single:
                answers = [self._single[key]]
            elif key in self._left:
                answers = self._left[key]
            else:
                continue
            return _play(answers.pop(_first_fit(answers, tool, args, key)))
        return refuse_unscripted(tool, effect)


def refuse_unscripted(tool: str, effect: Effect) -> Any:
    """NotImplemented, the word for a call that may run as it is, or RejectedError for one that does more than read."""
    if effect == "read":
        return NotImplemented
    raise RejectedError(
        f"the script does not answer the tool {tool}, and its effect is {effect}: beside a script only tools that "
        f"read are really called. Add under `tools`:\n  {tool}: {{returns: null}}"
    )


def _first_fit(answers: Sequence[Mapping[str, Any]], tool: str, args: Mapping[str, Any], key: str) -> int:
    """The place of the first answer that fits these args."""
    for place, answer in enumerate(answers):
        if _contains(args, answer.get("when_args", {})):
            return place
    left = "no answer left" if not answers else "no answer whose `when_args` fit"
    raise ToolHardError(
        f"the script has {left} for a call of {tool} with the args {dumps(args)}. Add one under `tools`, {key}"
    )


def _play(answer: Mapping[str, Any]) -> Any:
    match answer:
        case {"returns": value}:
            return value
        case {"raise": str(kind)}:
            raise step_error(kind, answer.get("message", f"the script lets this call fail ({kind})"))
    raise ToolHardError("a scripted answer has neither `returns` nor `raise`")


def _contains(given: Any, part: Any) -> bool:
    """Whether a value has at least this: maps may hold more keys, everything else is the same."""
    if isinstance(part, Mapping):
        return isinstance(given, Mapping) and all(key in given and _contains(given[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(given, list) and len(given) == len(part) and all(map(_contains, given, part))
    return bool(given == part) and isinstance(given, bool) == isinstance(part, bool)
