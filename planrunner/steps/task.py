"""The verb `task`: an LLM works on a task, calling the tools of its agent in a loop."""

from __future__ import annotations

from typing import Any

from planrunner.plan import Agent
from planrunner.steps.base import Scope, StepKind


async def run(scope: Scope) -> Any:
    """The text that the model answered, or the value that meets `returns`."""
    from planrunner.agents.loop import work

    return await work(scope, _agent(scope), str(scope.render(scope.step.value)), scope.step.options.get("returns"))


def _agent(scope: Scope) -> Agent:
    """The agent named beside the task, or given inline; without one the default model and no tools."""
    agent = scope.step.options.get("agent")
    if agent is None:
        return Agent()
    return scope.plan.agents[agent] if isinstance(agent, str) else agent


KIND = StepKind(
    verb="task",
    schema={
        "$ref": "#/$defs/prompt",
        "description": "An LLM works on this task, calling its agent's tools in a loop.",
    },
    beside={
        "agent": {
            "if": {"type": "string"},
            "then": {"$ref": "#/$defs/name"},
            "else": {"$ref": "#/$defs/agent"},
            "x-expected": "the name of an agent, or an agent inline",
            "description": "Who works on the task. Without it: the default model and no tools.",
        },
        "returns": {
            "$ref": "#/$defs/short_form",
            "description": "The shape of the output: name → JSON Schema. Without it the output is text.",
        },
    },
    wraps=("foreach", "repeat", "on_error", "retry", "timeout"),
    run=run,
)
