"""A model that plays a script: its replies stand in a file, by the path of the step that asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from planrunner.errors import (
    DeadlineError,
    ModelError,
    NotScriptedError,
    PlanrunnerError,
    RateLimitedError,
    TransientError,
    step_error,
)
from planrunner.events import Event
from planrunner.jsonsafe import dumps
from planrunner.models.base import ModelChoice, ModelRequest, Reply, ToolCall, Usage, seam_name
from planrunner.plan import MISSING
from planrunner.registry import hint
from planrunner.scripted import Lines, names_of

REPLY_KINDS: Final = (TransientError.kind, RateLimitedError.kind, DeadlineError.kind, ModelError.kind)
"""The kinds of errors a model can raise, and so a scripted one."""

_FREE: Final = Usage(usd=0.0)


class ScriptedModel:
    """Answers from a script, whatever model is named; every call is free.

    replies   step path (see `names_of`) → replies. One alone serves every call; in a list each serves one, in order.
              A reply is a text, or one of `{output: value}` (answers with the JSON of it), `{tool_calls: [{tool,
              args}]}` (by the plan's tool names) and `{raise: kind, message}` (one of REPLY_KINDS)
    made      beginnings of attempts at calls that came to an end before: their replies are used up
    strict    what the script lacks is a NotScriptedError, and not the model's failure

    What stands in a script is data: no part of it is ever a template.
    """

    def __init__(self, replies: Mapping[str, Any], made: Iterable[Event] = (), *, strict: bool = False) -> None:
        self._lines = Lines(replies)
        self._strict = strict
        for call in made:
            path, _, rest = call.key.partition("!")
            if rest.startswith("llm:"):
                self._take(path)

    async def ready(self) -> None:
        """It always is."""

    async def complete(self, request: ModelRequest) -> Reply:
        """The next reply for this step; ModelError with what to add when the script has none."""
        scripted = self._take(request.path)
        if scripted is MISSING:
            raise self._lack(request)
        reply = _reply(scripted, request)
        if request.on_text is not None and reply.text:
            request.on_text(reply.text)
        return reply

    async def takes_schema(self, choice: ModelChoice, beside_tools: bool) -> bool:
        """The schema stands in the prompt, where a test can look at it."""
        return False

    async def knows_price(self, choice: ModelChoice) -> bool:
        """It is 0."""
        return True

    def _take(self, path: str) -> Any:
        name = self._lines.name(names_of(path))
        return MISSING if name is None else self._lines.take(name)

    def _lack(self, request: ModelRequest) -> PlanrunnerError:
        name = self._lines.name(names_of(request.path))
        asked = f"the script has no reply for turn {request.turn + 1} of {request.path}"
        asked += f", it ends after reply {self._lines.used(name)}." if name else hint(request.path, self._lines) or "."
        or_a_call = "    # or: {tool_calls: [{tool: NAME, args: {}}]}" if request.tools else ""
        told = f"{asked} Add under `replies`:\n  {name or request.path}:\n    - The text of the reply{or_a_call}"
        return NotScriptedError(told) if self._strict else ModelError(told)


def _reply(scripted: Any, request: ModelRequest) -> Reply:
    match scripted:
        case str():
            return Reply(scripted, usage=_FREE, finish_reason="stop")
        case {"output": value}:
            return Reply(dumps(value), usage=_FREE, finish_reason="stop")
        case {"tool_calls": calls}:
            asked = tuple(_tool_call(call, f"call_{request.turn}_{place}") for place, call in enumerate(calls))
            return Reply(None, asked, usage=_FREE, finish_reason="tool_calls")
        case {"raise": str(kind)}:
            raise step_error(kind, scripted.get("message", f"the script lets the model fail here ({kind})"))
    raise ModelError(
        f"the scripted reply for turn {request.turn + 1} of {request.path} is neither a text nor one of "
        "{output}, {tool_calls}, {raise}"
    )


def _tool_call(call: Mapping[str, Any], call_id: str) -> ToolCall:
    return ToolCall(call_id, seam_name(call["tool"]), dumps(call.get("args", {})))
