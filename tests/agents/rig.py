"""Runners whose planner says what a test wants, from a script or from a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from planrunner import Runner
from planrunner.document.script import Script
from planrunner.plan import ModelAlias, Plan
from planrunner.settings import Settings
from tests.servers.openai_server import Answer, OpenAIServer

QUERY = "Get the temperature in Svalbard and write me a personalized greeting with the result."
HEAD = "planrunner: 1\nname: small\n"
PLAN = HEAD + "steps:\n  - {id: a, set: hello}\n"


def scripted(*replies: Any, **more: Any) -> Runner:
    return Runner(script=Script(replies={"planner": list(replies)}), store="runs.db", **more)


@contextmanager
def served(*answers: Answer, **more: Any) -> Iterator[tuple[Runner, OpenAIServer]]:
    """A Runner whose models are on a server of ours, spoken to by the real litellm."""
    with OpenAIServer(answers) as server:
        access = {"api_base": server.base_url, "api_key": "sk-test-0123456789", "temperature": 0}
        settings = Settings(store="memory", model="usual", models={"usual": ModelAlias(("openai/x",), access)})
        with Runner(settings=settings, **more) as runner:
            yield runner, server


def text_of(plan: Plan) -> str:
    return plan.files["plan.yml"]
