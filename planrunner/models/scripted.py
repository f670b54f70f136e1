"""A model that plays a script: its replies stand in a file, by the path of the step that asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from planrunner.errors import DeadlineError, ModelError, RateLimitedError, TransientError, step_error
from planrunner.jsonsafe import dumps
from planrunner.models.base import ModelChoice, ModelRequest, Reply, ToolCall, Usage, seam_name
from planrunner.registry import hint

REPLY_KINDS: Final = (TransientError.kind, RateLimitedError.kind, DeadlineError.kind, ModelError.kind)
"""The kinds of errors a model can raise, and so a scripted one."""

_FREE: Final = Usage(usd=0.0)


class ScriptedModel:
    """Answers from a script, whatever model is named; every call is free.

    replies  step path → replies, one per turn of that step's model. A reply is a text, or one of
             `{output: value}` (answers with the JSON of it), `{tool_calls: [{tool, args}]}` (by the plan's tool
             names) and `{raise: kind, message}` (one of REPLY_KINDS)

    What stands in a script is data: no part of it is ever a template.
    """

    def __init__(self, replies: Mapping[str, Sequence[Any]]) -> None:
        self._replies = replies

    async def complete(self, request: ModelRequest) -> Reply:
        """The reply to this turn of this step; ModelError with what to add when the script has none."""
        replies = self._replies.get(request.path, ())
        if request.turn >= len(replies):
            raise ModelError(self._lack(request, len(replies)))
        reply = _reply(replies[request.turn], request)
        if request.on_text is not None and reply.text:
            request.on_text(reply.text)
        return reply

    async def takes_schema(self, choice: ModelChoice, beside_tools: bool) -> bool:
        """The schema stands in the prompt, where a test can look at it."""
        return False

    async def knows_price(self, choice: ModelChoice) -> bool:
        """It is 0."""
        return True

    def _lack(self, request: ModelRequest, known: int) -> str:
        asked = f"the script has no reply for turn {request.turn + 1} of {request.path}"
        asked += f", it ends after turn {known}." if known else hint(request.path, self._replies) or "."
        or_a_call = "    # or: {tool_calls: [{tool: NAME, args: {}}]}" if request.tools else ""
        return f"{asked} Add under `replies`:\n  {request.path}:\n    - The text of the reply{or_a_call}"


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
