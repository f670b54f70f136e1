"""The verb `tool`: calls the named tool, without any LLM."""

from __future__ import annotations

from typing import Any

from planrunner.steps.base import Scope, StepKind

NO_ARGS: dict[str, Any] = {}


async def run(scope: Scope) -> Any:
    """What the tool returned."""
    options = scope.step.options
    key = options.get("idempotency_key")
    return await scope.call_tool(
        scope.step.value,
        scope.render(options.get("args", NO_ARGS)),
        idempotency_key=None if key is None else scope.render_text(key),
    )


KIND = StepKind(
    verb="tool",
    schema={
        "type": "string",
        "pattern": r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)?$",
        "x-expected": "the name of a tool, or server.tool",
        "description": "Calls this tool, without any LLM. The output is what the tool returns.",
    },
    beside={
        "args": {
            "type": "object",
            "x-place": "template",
            "description": "The tool's arguments, checked against its schema.",
        },
        "idempotency_key": {
            "type": "string",
            "x-place": "template",
            "description": "Handed to the tool, the same for every attempt. Made of run and step if left out.",
        },
    },
    wraps=("foreach", "repeat", "on_error", "retry", "timeout"),
    run=run,
)
