"""The shape of a test file as one JSON Schema (2020-12): for editors, and for our own checker."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from planrunner.document.script import DATA, DEFS, PARTS
from planrunner.document.shapes import Schema, closed, ref, text, texts
from planrunner.errors import ERROR_KINDS
from planrunner.run_state import COMPLETE, FAILED, IN_PROGRESS, NEED_CLARIFICATION, NOT_STARTED, SKIPPED
from planrunner.testing.asked import TYPES

RUN_STATES: Final = (COMPLETE, FAILED, NEED_CLARIFICATION, NOT_STARTED)
"""How a run can end in a test; NOT_STARTED: it was refused before it began."""

_STEP_STATES: Final = (COMPLETE, SKIPPED, FAILED, NEED_CLARIFICATION, IN_PROGRESS, NOT_STARTED)
_MAP: Final[Schema] = {"type": "object", **DATA}
_EXPRESSION: Final[Schema] = {
    "type": ["string", "boolean"],
    "minLength": 1,
    "x-place": "expression",
    "x-expected": "an expression without braces, such as steps.triage.output == 'refund'",
}

_TOOL_CALL: Final[Schema] = {
    "if": {"type": "string"},
    "then": {"description": "The tool, by its name in the plan."},
    "else": closed(
        {
            "tool": text("The tool, by its name in the plan."),
            "args": {**_MAP, "description": "What its arguments hold, at least."},
        },
        "tool",
    ),
    "x-expected": "the name of a tool, or {tool: NAME, args: …}",
}
_ASKED: Final[Schema] = {
    "if": {"type": "string"},
    "then": {"description": "The step that asks, or STEP/TOOL for what a hook asks about a call."},
    "else": closed(
        {
            "id": text("The id of the step that asks."),
            "path": text("The path of the step that asks."),
            "type": {"enum": list(TYPES), "description": "The kind of question."},
            "guidance": text("What the person is told.", **DATA),
            "to": {**DATA, "description": "Who is asked: end_user, or {role: NAME}."},
            "source": text("What asks: step, hook, tool."),
            "options": {"type": "array", **DATA, "description": "What may be chosen."},
            "value": {**DATA, "description": "The value that is to be confirmed."},
            "action_url": text("Where something is to be done.", **DATA),
            "data": {**DATA, "description": "What a custom question carries."},
            "tool": text("The tool whose call a hook asks about."),
            "args": {**_MAP, "description": "What the arguments of that call hold, at least."},
            "answer": {**DATA, "description": "What was answered; null: nobody did."},
        }
    ),
    "x-expected": "the path of a step, or {id: STEP, type: …}",
}

EXPECT: Final[dict[str, Schema]] = {
    "state": {
        "enum": list(RUN_STATES),
        "description": "How the run ends. Without it: FAILED where `error` is told, else COMPLETE. NEED_CLARIFICATION: "
        "it waits for a person; NOT_STARTED: it is refused before it begins.",
    },
    "output": {
        **DATA,
        "description": "What the final output holds: maps may hold more keys, everything else is the same. "
        "{equals: …}: the whole of it.",
    },
    "steps": {
        "type": "object",
        "additionalProperties": {"enum": list(_STEP_STATES)},
        "x-expected": "a map of step → state",
        "description": "Id or path of a step → its state.",
    },
    "tool_calls": {
        "type": "array",
        "items": _TOOL_CALL,
        "description": "All calls of tools, in order: a name, or {tool, args}. Tools that run as they are don't count.",
    },
    "never": texts("Tools that are not called."),
    "asked": {
        "type": "array",
        "items": _ASKED,
        "description": "All questions to people, in order: the path of the step, or {id, type, guidance, …}.",
    },
    "error": closed(
        {
            "kind": {"enum": list(ERROR_KINDS), "description": "The kind of error."},
            "step": text("Id or path of the step that failed."),
            "message": text("A part of the message.", **DATA),
        },
        description="The error that ends the run.",
    ),
    "that": {
        "if": {"type": "array"},
        "then": {"type": "array", "items": _EXPRESSION},
        "else": _EXPRESSION,
        "description": "Expressions that are true at the end, over inputs, context, steps, run (also run.seconds, "
        "how long it took in virtual time), output, outputs (by path) and prompts (prompts.PATH[turn]: the text that "
        "was sent to the model).",
    },
}

_DEFS: Final[dict[str, Schema]] = {
    **DEFS,
    **PARTS,
    "context": closed(
        {
            "end_user_id": {"type": ["string", "null"], "description": "For whom the run acts."},
            "additional_data": {**_MAP, "description": "What is known of the end user."},
            "planner_system_context_extension": {**DATA, "description": "Told to the planner by the operator."},
            "agent_system_context_extension": {**DATA, "description": "Told to every agent by the operator."},
        },
        **DATA,
        description="The execution context of the run.",
    ),
    "expect": closed(EXPECT, description="What is expected of the run. Without it: that it is COMPLETE."),
}
_CASE: Final[dict[str, Schema]] = {
    "inputs": {**_MAP, "description": "The inputs of the run."},
    **{part: ref(part, _DEFS[part]["description"]) for part in ("context", *PARTS, "expect")},
}


@cache
def plan_test_schema() -> dict[str, Any]:
    """The schema of a test file. Shared: not to be changed."""
    name = text("What the case shows; told when it fails.", minLength=1)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "planrunner plan test, format 1",
        **closed(
            {
                "planrunner_test": {
                    "const": 1,
                    "x-expected": "1, the only format there is",
                    "description": "The format of the test file: 1.",
                },
                "plan": text("The plan that is tested, a path relative to this file.", minLength=1),
                "given": closed(_CASE, description="What holds for every case that does not say otherwise."),
                "cases": {
                    "type": "array",
                    "minItems": 1,
                    "items": closed({"name": name, **_CASE}, "name"),
                    "description": "The cases, each a run of its own.",
                },
            },
            "planrunner_test",
            "plan",
            "cases",
        ),
        "$defs": _DEFS,
    }
