"""What a model is to planrunner: messages and tools in, one reply out. No implementation is known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from planrunner.plan import NOTHING, ModelAlias


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


class ModelChoice(NamedTuple):
    """One of the models that may answer: its litellm name, and the litellm parameters it is called with."""

    model: str
    parameters: Mapping[str, Any] = NOTHING


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation, whichever model answers it.

    models         in the order they are tried
    messages       OpenAI chat messages, all of them; the first is the system message
    news           those of them that were added since the turn before, as they are recorded
    tools          OpenAI function tools
    schema         JSON Schema of the answer, or None
    schema_prompt  what a model without a schema mode is told of the schema, after the system message
    number         how many turns were before
    """

    models: Sequence[ModelChoice]
    messages: Sequence[Mapping[str, Any]]
    news: Sequence[Mapping[str, Any]] = ()
    tools: Sequence[Mapping[str, Any]] = ()
    schema: Mapping[str, Any] | None = None
    schema_prompt: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call.

    model       a litellm name
    messages    OpenAI chat messages
    tools       OpenAI function tools
    parameters  further litellm parameters (temperature, api_base, …)
    schema      JSON Schema that the provider holds the answer to; None: it is not asked to
    timeout     seconds for the whole call
    path, turn  which step asks, and how often it asked before; a scripted model answers by them
    on_text     hears the text of the reply as it comes; None: the reply is fetched whole
    """

    model: str
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    parameters: Mapping[str, Any] = NOTHING
    schema: Mapping[str, Any] | None = None
    timeout: float = 600.0
    path: str = ""
    turn: int = 0
    on_text: Callable[[str], None] | None = None


def seam_name(name: str) -> str:
    """A plan's tool name as models are told it: `crm.get_order` is `crm__get_order`, for providers take no dots."""
    return name.replace(".", "__")


def models_named(
    names: Sequence[str], own: Mapping[str, ModelAlias], shared: Mapping[str, ModelAlias]
) -> Sequence[ModelChoice]:
    """What stands behind names of models: an alias of the plan or of the project, or a litellm name as it is."""
    entries = (own.get(name) or shared.get(name) or ModelAlias((name,)) for name in names)
    return tuple(ModelChoice(model, entry.parameters) for entry in entries for model in entry.model)


class Model(Protocol):
    """Answers requests. Raises only StepErrors of the kinds transient, rate_limited, timeout and model_error."""

    async def ready(self) -> None:
        """Wait until a call can begin at once. What stands in its way is told by the call."""
        ...

    async def complete(self, request: ModelRequest) -> Reply:
        """Carry out one call. Cancelling it ends the request."""
        ...

    async def takes_schema(self, choice: ModelChoice, beside_tools: bool) -> bool:
        """Whether the provider can hold the answer to a JSON Schema; `beside_tools`: in a call that offers tools."""
        ...

    async def knows_price(self, choice: ModelChoice) -> bool:
        """Whether every call of this model tells what it cost."""
        ...
