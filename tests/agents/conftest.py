"""One import of litellm for all tests of this room, and a key and an address in the environment."""

from __future__ import annotations

import asyncio

import pytest

from planrunner.models import litellm as room
from planrunner.models.litellm import LitellmModel
from tests.agents.bench import KEY


@pytest.fixture(scope="session", autouse=True)
def _litellm_is_there() -> None:
    LitellmModel().warm()
    asyncio.run(asyncio.wait_for(room._litellm(), 120))


@pytest.fixture(autouse=True)
def _a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
