"""Tools that play a script, so that a plan can be tried without touching anything outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from planrunner.errors import (
    DeadlineError,
    NotScriptedError,
    PlanrunnerError,
    RateLimitedError,
    RejectedError,
    SchemaError,
    ToolHardError,
    ToolSoftError,
    TransientError,
    step_error,
)
from planrunner.events import Event
from planrunner.jsonsafe import dumps
from planrunner.plan import MISSING
from planrunner.scripted import Lines, names_of
from planrunner.subset import contains
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

    tools     a step path (see `names_of`) or a tool's name in the plan → answers. One answer alone serves every call;
              in a list each serves one call, and a call takes the first one left that fits it. An answer is
              `{returns: value}` or `{raise: kind, message}` (one of TOOL_KINDS), with `when_args` for calls whose args
              contain those values
    made      beginnings of attempts at calls that came to an end before: their answers are used up
    strict    nothing runs as it is but self-contained tools: what the script lacks is a NotScriptedError

    Where a step's path has answers, those under the tool's name are not looked at for calls of that step. A tool the
    script names is never called for real, also when its answers have run out. Of the others only those with effect
    `read` run as they are: who plays a script does not expect anything to be written, sent or paid.
    """

    def __init__(self, tools: Mapping[str, Any], made: Iterable[Event] = (), *, strict: bool = False) -> None:
        self._lines = Lines(tools)
        self._strict = strict
        for call in made:
            path, _, rest = call.key.partition("!")
            if rest.startswith("tool:"):
                self._take(call.body["name"], call.body["args"], path)

    def call(
        self, tool: str, effect: Effect, args: Mapping[str, Any], path: str, *, self_contained: bool = False
    ) -> Any:
        """The value that the script answers this call with, or NotImplemented when the tool is to run as it is.

        Raises what the script raises; ToolHardError when no answer is left that fits; RejectedError when the script
        does not know the tool and its effect is more than `read`.
        """
        name = self.name(tool, path)
        if name is None:
            return self._unscripted(tool, effect, args, path, self_contained)
        answer = self._take(tool, args, path)
        if answer is MISSING:
            left = "no answer left" if self._lines.is_used_up(name) else "no answer whose `when_args` fit"
            called = f"a call of {tool} with the args {dumps(args)}"
            raise self._lack(f"the script has {left} for {called}. Add one under `tools`, {name}")
        return _play(answer)

    def stands_for(self, tool: str, *, self_contained: bool) -> bool:
        """Whether no call of this tool can be a real one, so that nobody needs to make it ready."""
        return tool in set(self._lines) or (self._strict and not self_contained)

    def name(self, tool: str, path: str) -> str | None:
        """The name under which the script answers calls of this tool by this step; None when it does not."""
        return self._lines.name((*names_of(path), tool))

    def _take(self, tool: str, args: Mapping[str, Any], path: str) -> Any:
        name = self.name(tool, path)
        if name is None:
            return MISSING
        return self._lines.take(name, lambda answer: contains(args, answer.get("when_args", {})))

    def _unscripted(self, tool: str, effect: Effect, args: Mapping[str, Any], path: str, self_contained: bool) -> Any:
        """NotImplemented for a call that may run as it is."""
        add = f"Add under `tools`:\n  {tool}: {{returns: null}}"
        if self_contained:
            return NotImplemented
        if self._strict:
            raise NotScriptedError(f"{path} calls {tool} with the args {dumps(args)}, and no answer is scripted. {add}")
        if effect == "read":
            return NotImplemented
        raise RejectedError(
            f"the script does not answer the tool {tool}, and its effect is {effect}: beside a script only tools that "
            f"read are really called. {add}"
        )

    def _lack(self, told: str) -> PlanrunnerError:
        return NotScriptedError(told) if self._strict else ToolHardError(told)


def _play(answer: Mapping[str, Any]) -> Any:
    match answer:
        case {"returns": value}:
            return value
        case {"raise": str(kind)}:
            raise step_error(kind, answer.get("message", f"the script lets this call fail ({kind})"))
    raise ToolHardError("a scripted answer has neither `returns` nor `raise`")
