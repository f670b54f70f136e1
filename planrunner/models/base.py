"""What a model is to planrunner: messages and tools in, one reply out. No implementation is known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from planrunner.plan import NOTHING


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call that a model asks for.

    id         the provider's id of the call, given back with the result
    name       the name as the model wrote it
    arguments  the argument text as the model wrote it: JSON if the model behaved, never trusted
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, and its price in US dollars; None where the price is not known."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered: a text, or tool calls, or both."""

    text: str | None
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call.

    model       a litellm name
    messages    OpenAI chat messages
    tools       OpenAI function tools
    parameters  further litellm parameters (temperature, api_base, …)
    timeout     seconds for the whole call
    path, turn  which step asks, and how often it asked before; a scripted model answers by them
    """

    model: str
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    parameters: Mapping[str, Any] = NOTHING
    timeout: float = 600.0
    path: str = ""
    turn: int = 0


def seam_name(name: str) -> str:
    """A plan's tool name as models are told it: `crm.get_order` is `crm__get_order`, for providers take no dots."""
    return name.replace(".", "__")


class Model(Protocol):
    """Answers requests. Raises only StepErrors of the kinds transient, rate_limited, timeout and model_error."""

    async def complete(self, request: ModelRequest) -> Reply:
        """Carry out one call. Cancelling it ends the request."""
        ...
