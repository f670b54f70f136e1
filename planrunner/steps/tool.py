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
        idempotency_key=None if key is None else str(scope.render(key)),
    )


KIND = StepKind(verb="tool", schema={}, run=run)
