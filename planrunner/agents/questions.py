"""The questions of an agent that may ask the end user itself (`ask: true`): a tool of its own, `clarify`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from planrunner import answers
from planrunner.json_schema import compile_schema
from planrunner.steps.base import Scope

CLARIFY: Final = "clarify"
"""The name under which models are offered it."""

CLARIFY_TOOL: Final[dict[str, Any]] = {
    "type": "function",
    "function": {
        "name": CLARIFY,
        "description": "Ask the end user one question, where the task can't be done without their answer.",
        "parameters": {
            "type": "object",
            "properties": {
                "question": {"type": "string", "minLength": 1, "description": "What the end user is asked."},
                "options": {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 2,
                    "uniqueItems": True,
                    "description": "What may be chosen; left out, they answer in their own words.",
                },
            },
            "required": ["question"],
            "additionalProperties": False,
        },
    },
}


def ask_problems(args: Mapping[str, Any]) -> list[str]:
    """What is wrong with the arguments of such a call; empty when nothing is."""
    return [str(problem) for problem in compile_schema(CLARIFY_TOOL["function"]["parameters"]).problems(args)]


async def ask_end_user(scope: Scope, place: str, args: Mapping[str, Any]) -> Any:
    """The end user's answer. The step waits until there is one."""
    question: dict[str, Any] = {
        "category": answers.MULTIPLE_CHOICE if "options" in args else answers.INPUT,
        "user_guidance": args["question"],
        "argument_name": "answer",
        "source": "agent",
        "to": "end_user",
    }
    if "options" in args:
        question["options"] = args["options"]
    else:
        question["answer_schema"] = {"type": "string"}
    return await scope.ask(f"ask:{place}", question)
