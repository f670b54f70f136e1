"""The verb `exit`: ends the plan it stands in."""

from __future__ import annotations

from typing import NoReturn

from planrunner.jsonsafe import to_json_safe
from planrunner.plan import MISSING
from planrunner.steps.base import Scope, StepKind


async def run(scope: Scope) -> NoReturn:
    """Never returns: what follows this step does not run."""
    ending = scope.step.value
    message = ending.get("message")
    output = to_json_safe(scope.render(ending["output"])) if "output" in ending else MISSING
    scope.exit(ending["state"], None if message is None else scope.render_text(message), output)


KIND = StepKind(
    verb="exit",
    schema={
        "type": "object",
        "x-kind": "exit",
        "description": "Ends the plan it stands in.",
        "properties": {
            "state": {"enum": ["COMPLETE", "FAILED"], "description": "How the plan ends."},
            "message": {"type": "string", "x-place": "template", "description": "Why; told to people."},
            "output": {"x-place": "template", "description": "The final value, in place of the plan's own output."},
        },
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
        "required": ["state"],
    },
    wraps=(),
    run=run,
)
