"""The shapes of the plan's own tables and of the keys any step may have, as JSON Schema.

Beside the words of JSON Schema they carry a few of ours, which other readers pass over:
x-place     where texts below are `template`, `expression`, `literal` (the default; no braces may stand there) or
            `data` (whatever stands there is meant)
x-expected  what belongs here, in a user's words
x-names     what the keys of a map must be, in a user's words
x-schema    what stands here is itself a JSON Schema
x-file      what stands here names a file whose text stands in place of the map around it
x-kind      which hints for words of other tools fit this map
x-decides   which keys fit depends on this one; when it is wrong, nothing is said of the others

Where a value has one of two types, `if` tells them apart: of a shape with keys or items editors insert the keys.
"""

from __future__ import annotations

from planrunner.document.shapes import NAME, Schema, closed, count, named, one_or_more, ref, text, texts
from planrunner.errors import ERROR_KINDS, RunCancelledError

_REFERENCE = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*"
HANDLED = [kind for kind in ERROR_KINDS if kind != RunCancelledError.kind]
"""The kinds of errors that a step can handle."""

_MODEL = one_or_more(
    "An alias of `models`, a litellm name, or a list of them that is tried in order.",
    "a model's name, or a list of them",
)
_TEMPLATES: Schema = {"type": "object", "x-place": "template"}
_AUTH: Schema = {
    "type": "object",
    "if": {"type": "object", "required": ["oauth"]},
    "then": closed(
        {"oauth": text("A provider of planrunner.toml, `[auth.NAME]`."), "scopes": texts("What is asked for.")}, "oauth"
    ),
    "else": closed({"secret": text("The name of a secret.")}, "secret"),
    "description": "How the server or tool knows us: {oauth: PROVIDER, scopes: […]} or {secret: NAME}.",
}
_SERVER: Schema = {
    "type": "object",
    "x-kind": "server",
    "if": {"type": "object", "required": ["url"]},
    "then": closed(
        {
            "url": text("The server's address.", **{"x-place": "template"}),
            "headers": {**_TEMPLATES, "description": "HTTP headers."},
            "auth": _AUTH,
        },
        "url",
    ),
    "else": closed(
        {
            "command": text("The program that is the server."),
            "args": texts("Its arguments."),
            "env": {**_TEMPLATES, "description": "Its environment; nothing else is passed."},
            "cwd": text("Where it runs."),
            "auth": _AUTH,
        },
        "command",
    ),
}
_USE = text(
    "Where the code stands.",
    pattern=f"^{_REFERENCE}$",
    **{"x-expected": "package.module:name, such as shop.refunds:refund"},
)
_TOOL = closed(
    {
        "use": _USE,
        "description": text("What the tool does; told to the model."),
        "effect": {
            "enum": ["read", "write", "irreversible"],
            "description": "What a call does to the world. A declared effect can be raised here, never lowered.",
        },
        "args_schema": ref("json_schema", "JSON Schema of the arguments, an object."),
        "output_schema": ref("json_schema", "JSON Schema of the result."),
        "timeout": ref("duration", "The longest that one attempt may take."),
        "auth": _AUTH,
        "secrets": texts("The secrets that the tool is given."),
    },
    **{"x-kind": "tool entry"},
)

_GLOBS = one_or_more("A glob, or a list of which any may match.", "a glob, or a list of globs")


def _binding(*policies: str) -> Schema:
    shown = "fail (the default) or log" if "log" in policies else "fail (a guard that errs fails the call)"
    return closed(
        {
            "use": text(
                "A built-in hook or package.module:function.",
                pattern=rf"^([a-z][a-z0-9_]*|{_REFERENCE})$",
                **{"x-expected": "a built-in hook, or package.module:function"},
            ),
            "with": {**_TEMPLATES, "description": "The hook's own settings."},
            "match": closed(
                {
                    "tool": {**_GLOBS, "description": "Tools, by their name in the plan or their origin."},
                    "step": {
                        **_GLOBS,
                        "description": "Steps, by their id or their path; without item and round: all of them.",
                    },
                    "effect": {**_GLOBS, "description": "read, write, irreversible."},
                    "args": {"type": "object", "description": "Argument → glob."},
                },
                **{"x-kind": "match"},
                description="Where the hook fires; everywhere if left out.",
            ),
            "when": ref("expression", "Fires only where this is true."),
            "timeout": ref("duration", "How long the hook may take; 30s if left out."),
            "on_error": {"enum": list(policies), "description": shown, "x-expected": shown},
        },
        "use",
        **{"x-kind": "hook"},
    )


def _bindings(name: str, description: str) -> Schema:
    return {"type": "array", "items": ref(name), "description": description}


_HOOKS = closed(
    {
        "before_plan_run": _bindings("guard", "Once, before the first step."),
        "after_plan_run": _bindings("watcher", "Once the final state is known."),
        "before_step_execution": _bindings("guard", "Before each step whose `when` held."),
        "after_step_execution": _bindings("watcher", "After each step that ended with an output or an error."),
        "before_tool_call": _bindings("guard", "Before each attempt of each tool call."),
        "after_tool_call": _bindings("watcher", "After each tool call."),
        "clarification_handler": ref("guard", "Who answers questions."),
    },
    description="Hook point → list of bindings.",
)

AGENT = closed(
    {
        "model": _MODEL,
        "instructions": ref("prompt", "Told to the model before every task."),
        "tools": {
            **texts("The tools the agent may call; no others."),
            "items": {"type": "string", "x-expected": "the name of a tool"},
        },
        "max_turns": {**count("So many replies without an end fail the step."), "default": 10},
        "ask": {"type": "boolean", "default": False, "description": "Whether the agent may ask the end user."},
        "sees": {
            "type": ["string", "array"],
            "if": {"type": "string"},
            "then": {"enum": ["all", "none"]},
            "else": texts("Names of additional_data."),
            "x-expected": "all, none, or a list of names of additional_data",
            "description": "Which of the end user's data stand in the prompt: all (the default), none, or names.",
        },
    },
    **{"x-kind": "agent"},
)

RETRY = closed(
    {
        "max_attempts": count("How often in all, the first attempt included."),
        "delay": ref("duration", "The wait before the second attempt."),
        "backoff": {"enum": ["constant", "exponential"], "description": "How the wait grows."},
        "on": {"type": "array", "items": {"enum": HANDLED}, "description": "The error kinds that are tried again."},
    },
    **{"x-kind": "retry", "x-expected": "a map such as {max_attempts: 3, delay: 2s}"},
    description="Failing calls are made again.",
)

WRAPS: dict[str, Schema] = {
    "foreach": closed(
        {
            "in": ref("expression", "The list."),
            "as": ref("name", "What an item is called in the step; item if left out."),
            "max_concurrent": {**count("How many items are worked on at once."), "default": 1},
            "max_items": {**count("A longer list fails the step."), "default": 1000},
        },
        "in",
        **{"x-kind": "foreach", "x-expected": "a map such as {in: inputs.orders, as: order}"},
        description="The step is run for each item of a list. The output is the list of outputs, in order.",
    ),
    "on_error": {
        "type": "array",
        "minItems": 1,
        "description": "What handles an error of this step: the first that matches.",
        "items": {
            "type": "object",
            "x-kind": "on_error",
            "if": {"type": "object", "required": ["steps"]},
            "then": closed({"match": ref("kinds"), "steps": ref("steps", "The output is that of the last of them.")}),
            "else": closed(
                {
                    "match": ref("kinds"),
                    "output": {"x-place": "template", "description": "What the step gives instead."},
                },
                "output",
            ),
        },
    },
    "repeat": closed(
        {
            "until": ref("expression", "Tested after each round; true ends the loop."),
            "max": count("So many rounds without an end fail the step."),
            "delay": ref("duration", "The wait between rounds."),
        },
        "until",
        "max",
        **{"x-kind": "repeat", "x-expected": "a map such as {until: steps.poll.output.done, max: 5}"},
        description="Run, test, run again.",
    ),
    "retry": {**ref("retry"), "description": "Failing calls are made again."},
    "timeout": ref("duration", "The longest that one attempt or one call may take."),
}

ANY_STEP: dict[str, Schema] = {
    "id": ref("name", "The step's name, unique in the file: steps.ID.output is its output."),
    "description": text("For people; shown in progress and record."),
    "when": ref("expression", "Run only if this is true, else the step is SKIPPED."),
    "needs": {
        "type": "array",
        "items": ref("name"),
        "description": "The steps of the same list that must have ended. Without it: all above. []: starts at once.",
    },
}

DEFS: dict[str, Schema] = {
    "name": {
        "type": "string",
        "pattern": NAME,
        "x-expected": "a name (small letters, digits and _, a letter first)",
    },
    "duration": {
        "type": ["string", "number"],
        "pattern": "^[0-9]+(ms|s|m|h|d)$",
        "minimum": 0,
        "x-expected": "a duration such as 250ms, 30s, 5m, 2h or 2d, or a number of seconds",
    },
    "expression": {
        "type": ["string", "boolean"],
        "minLength": 1,
        "x-place": "expression",
        "x-expected": "an expression without braces, such as steps.triage.output == 'refund'",
    },
    "prompt": {
        "type": ["string", "object"],
        "x-kind": "prompt",
        "x-place": "template",
        "x-expected": "text, or {file: prompts/name.md}",
        "if": {"type": "object"},
        "then": closed(
            {
                "file": text(
                    "A template in a file of its own; the path is relative to this file.",
                    minLength=1,
                    **{"x-place": "literal", "x-file": True, "x-expected": "a path such as prompts/review.md"},
                )
            },
            "file",
        ),
        "else": {"type": "string", "minLength": 1},
    },
    "json_schema": {
        "type": ["object", "boolean"],
        "x-schema": True,
        "x-expected": "a JSON Schema, such as {type: string}",
    },
    "short_form": {
        "type": "object",
        "additionalProperties": ref("json_schema"),
        "x-expected": "a map of name → JSON Schema, such as {verdict: {type: string}}",
    },
    "kinds": {
        "type": "array",
        "items": {"enum": HANDLED},
        "description": "Error kinds. Without it: all but rejected, limit_exceeded and hook_error.",
    },
    "retry": RETRY,
    "agent": AGENT,
    "guard": _binding("fail"),
    "watcher": _binding("fail", "log"),
    "steps": {
        "type": "array",
        "minItems": 1,
        "items": ref("step"),
        "x-expected": "a list of steps, each beginning with '- id: …'",
    },
}

TOP: dict[str, Schema] = {
    "planrunner": {
        "const": 1,
        "x-expected": "1, the version of the plan language",
        "description": "The version of the plan language: 1.",
    },
    "name": text(
        "The plan's name.",
        pattern="^[a-z][a-z0-9-]*$",
        **{"x-expected": "a plan's name (small letters, digits and -, a letter first)"},
    ),
    "version": text("The plan's own version, for people.", **{"x-expected": 'text in quotes, such as "1.2"'}),
    "description": text("What the plan does."),
    "inputs": {
        **named(ref("json_schema"), "What a run is given: name → JSON Schema. One without `default` is required."),
        "x-expected": "a map of name → JSON Schema, such as {city: {type: string}}",
    },
    "context": closed(
        {
            "end_user_id": {
                "enum": ["required", "optional"],
                "default": "optional",
                "description": "Whether a run must say for whom it acts.",
            },
            "additional_data": ref("short_form", "What is known of the end user: name → JSON Schema."),
        },
        description="The contract with the end user's execution context.",
        **{"x-kind": "context"},
    ),
    "secrets": {
        "type": "array",
        "items": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "x-expected": "the name of a secret"},
        "description": "Names of secrets, resolved when the plan runs.",
    },
    "models": named(
        {
            "type": "object",
            "properties": {"model": _MODEL},
            "additionalProperties": {"x-place": "template"},
            "required": ["model"],
            "description": "A model and the litellm parameters it is called with.",
        },
        "Alias → model.",
    ),
    "agents": named(ref("agent"), "Name → agent."),
    "mcp_servers": named(_SERVER, "Name → MCP server: {command, args, env, cwd} or {url, headers}."),
    "tools": named(_TOOL, "Local name → tool."),
    "hooks": _HOOKS,
    "defaults": closed(
        {
            "model": _MODEL,
            "timeout": ref("duration", "For `tool` and `task` steps."),
            "retry": {**ref("retry"), "description": "For `tool` and `task` steps."},
        },
        **{"x-kind": "defaults", "x-expected": "a map such as {model: openai/gpt-4o-mini}"},
        description="What holds where a step or agent says nothing.",
    ),
    "limits": closed(
        {
            "usd": {"type": "number", "minimum": 0, "description": "US dollars."},
            "tokens": count("Tokens of all LLM calls."),
            "llm_calls": count("LLM calls."),
            "tool_calls": count("Tool calls."),
            "duration": ref("duration", "Time in which a step is in flight."),
        },
        **{"x-kind": "limits", "x-expected": "a map such as {llm_calls: 20, duration: 10m}"},
        description="Ceilings of the whole run.",
    ),
    "steps": ref("steps", "What is done."),
    "finally": ref("steps", "What is done at the end, whatever the outcome."),
    "output": {"x-place": "template", "description": "The final value; without it, the last step's output."},
    "returns": ref("short_form", "The shape of the final value: name → JSON Schema."),
}
