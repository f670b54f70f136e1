"""What came back from litellm, whole or as a stream, as a Reply. Nothing is sent here.

A reply that breaks off is never taken for a whole one: not where a stream ends without a word about its end, which
litellm makes up then, and not where the model or a filter stopped in the middle of a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from json import loads
from typing import Any, Final

from planrunner.errors import ModelError, TransientError
from planrunner.models.base import ModelRequest, Reply, ToolCall, Usage
from planrunner.models.masking import Masking, joined

_STOPPED: Final = {
    "length": "the reply was cut off at its length limit: raise `max_tokens` under `models`, or ask for less",
    "content_filter": "the provider's content filter held the reply back",
}


async def heard(litellm: Any, stream: Any, request: ModelRequest, masking: Masking) -> Any:
    """The whole response of a stream, its text told as it comes. TransientError when it ends before its end."""
    telling = masking.stream(request.on_text or _unheard)
    whole = await _whole(litellm, stream, request.model)
    if whole is not None:
        telling.take(whole.choices[0].message.content or "")
        telling.end()
        return whole
    chunks = []
    async for chunk in stream:
        chunks.append(chunk)
        if chunk.choices and chunk.choices[0].delta.content:
            telling.take(chunk.choices[0].delta.content)
    if stream.received_finish_reason is None and stream.intermittent_finish_reason is None:
        raise TransientError(f"{request.model}: the reply was cut off before its end")
    telling.end()
    return litellm.stream_chunk_builder(chunks, messages=list(request.messages))


def _unheard(_: str) -> None:
    """Nobody listens."""


async def _whole(litellm: Any, stream: Any, model: str) -> Any:
    """The response of a server that knows no streams and answers whole; None where it streams."""
    answer = getattr(stream.completion_stream, "response", None)
    if answer is None or not answer.headers.get("content-type", "").startswith("application/json"):
        return None
    body = await answer.aread()
    try:
        told = loads(body)
        if not told["choices"]:
            raise ValueError("it holds no message")
        return litellm.ModelResponse(**told)
    except (ValueError, TypeError, LookupError):
        raise ModelError(f"{model}: the reply can't be read: it is no chat completion") from None


def read(litellm: Any, response: Any, request: ModelRequest, masking: Masking) -> Reply:
    """The reply in a response. ModelError for one that can't be read, or is not whole."""
    choices = getattr(response, "choices", None)
    message = getattr(choices[0], "message", None) if choices else None
    if not choices or message is None:
        raise ModelError(f"{request.model}: the reply can't be read: it holds no message")
    try:
        text = None if message.content is None else masking(_whole_text(message.content))
        calls = tuple(_call(call, masking) for call in message.tool_calls or ())
    except (AttributeError, TypeError):
        raise ModelError(f"{request.model}: the reply can't be read: its message is no chat message") from None
    except UnicodeEncodeError:
        raise ModelError(f"{request.model}: the reply can't be read: it holds half a character") from None
    reason = choices[0].finish_reason
    if reason in _STOPPED and not calls:
        raise ModelError(f"{request.model}: {_STOPPED[reason]}")
    if reason == "tool_calls" and not calls:
        raise ModelError(f"{request.model}: the reply can't be read: it ends for tool calls and holds none")
    return Reply(text, calls, _usage(litellm, response, request), reason and masking(reason))


def _call(call: Any, masking: Masking) -> ToolCall:
    said = (call.id, call.function.name or "", call.function.arguments or "")
    return ToolCall(*(masking(_whole_text(part)) for part in said))


def _whole_text(text: str) -> str:
    """The text, in characters. UnicodeEncodeError when half of one is missing."""
    text = joined(text)
    text.encode()
    return text


def _usage(litellm: Any, response: Any, request: ModelRequest) -> Usage:
    """What the call took, as the provider tells it; where it tells nothing, an estimate."""
    told = getattr(response, "usage", None)
    prompt, completion = getattr(told, "prompt_tokens", None) or 0, getattr(told, "completion_tokens", None) or 0
    usd = response._hidden_params.get("response_cost")
    looked_up = request.on_text is None  # by litellm, for a whole reply: what it did not find is not looked up again
    if not prompt and not completion:
        prompt, completion = _estimate(litellm, response, request)
        usd, looked_up = None, False
    own = prices(request.parameters)
    if own is not None:
        usd = prompt * own[0] + completion * own[1]
    elif not looked_up and not isinstance(usd, int | float):
        usd = _listed(litellm, request.model, prompt, completion)
    return Usage(prompt, completion, float(usd) if isinstance(usd, int | float) else None)


def _estimate(litellm: Any, response: Any, request: ModelRequest) -> tuple[int, int]:
    message = response.choices[0].message
    said = (message.content or "") + "".join(call.function.arguments or "" for call in message.tool_calls or ())
    with suppress(Exception):  # it is an estimate, and no call fails for the want of one
        count = litellm.token_counter
        return count(request.model, messages=list(request.messages)), count(request.model, text=said)
    return 0, 0


def _listed(litellm: Any, model: str, prompt: int, completion: int) -> float | None:
    """The price by litellm's list; None for a model that is not in it."""
    with suppress(Exception):
        return float(sum(litellm.cost_per_token(model, prompt_tokens=prompt, completion_tokens=completion)))
    return None


def prices(parameters: Mapping[str, Any]) -> tuple[float, float] | None:
    """What a token read, and a token written, costs by the parameters; None when they do not say both."""
    read, written = (parameters.get(f"{side}_cost_per_token") for side in ("input", "output"))
    if isinstance(read, int | float) and isinstance(written, int | float):
        return float(read), float(written)
    return None


def is_price(parameter: str) -> bool:
    """Whether a parameter of this name is a price: litellm would keep it for every later call of the process."""
    return "cost_per_" in parameter or parameter.endswith("_token_cost")
