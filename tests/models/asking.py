"""Short ways to ask a model that lives on a server of the tests' own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner.models.base import ModelRequest, Reply
from tests.servers.openai_server import OpenAIServer

KEY = "sk-test-0123456789abcdef"

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def request(server: OpenAIServer, model: str = "openai/x", **changes: Any) -> ModelRequest:
    """A request to that server; `parameters` are added to its address and key."""
    parameters = {"api_base": server.base_url, "api_key": KEY, **changes.pop("parameters", {})}
    fields = {"messages": [{"role": "user", "content": "Hello"}], "timeout": 20.0, **changes}
    return ModelRequest(model, parameters=parameters, **fields)


Ask = Callable[[ModelRequest], Reply]
