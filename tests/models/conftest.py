"""One import of litellm for all tests of this room."""

from __future__ import annotations

import asyncio

import pytest

from planrunner.models.litellm import LitellmModel
from tests.models.asking import Ask, request
from tests.servers.openai_server import OpenAIServer


@pytest.fixture(scope="session")
def model() -> LitellmModel:
    """The real road to models, with litellm imported."""
    model = LitellmModel()
    model.warm()
    with OpenAIServer([]) as server, pytest.raises(Exception, match="scripts 0 answers"):
        asyncio.run(model.complete(request(server, timeout=60.0)))
    return model


@pytest.fixture
def ask(model: LitellmModel) -> Ask:
    """One call in an event loop of its own."""
    return lambda request: asyncio.run(model.complete(request))
