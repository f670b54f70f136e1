"""The verb `task`: an LLM works on a task, calling the tools of its agent in a loop."""

from __future__ import annotations

from typing import Any

from planrunner.steps.base import Scope, StepKind


async def run(scope: Scope) -> Any:
    """The text that the model answered, or the value that meets `returns`."""
    from planrunner.agents.loop import work

    step = scope.step
    return await work(scope, scope.plan.agent_of(step), scope.render_prompt(step.value), step.options.get("returns"))


KIND = StepKind(
    verb="task",
    schema={
        "$ref": "#/$defs/prompt",
        "description": "An LLM works on this task, calling its agent's tools in a loop.",
    },
    beside={
        "agent": {
            "type": ["string", "object"],
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
