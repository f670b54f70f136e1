"""Words of other tools, and what they are called here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_STEP: Final[dict[str, str]] = {
    "prompt": "the work of an LLM is a 'task' here",
    "query": "the work of an LLM is a 'task' here",
    "instruction": "the work of an LLM is a 'task' here",
    "llm": "the work of an LLM is a 'task' here",
    "message": "the work of an LLM is a 'task' here",
    "if": "a condition is 'when' here",
    "condition": "a condition is 'when' here",
    "unless": "a condition is 'when' here, with 'not'",
    "uses": "a tool is called with 'tool: NAME' here",
    "use": "a tool is called with 'tool: NAME' here; 'use' belongs into the plan's 'tools'",
    "call": "a tool is called with 'tool: NAME' here",
    "function": "a tool is called with 'tool: NAME' here",
    "action": "a tool is called with 'tool: NAME' here",
    "run": "a tool is called with 'tool: NAME' here; a plan never runs shell text",
    "command": "a tool is called with 'tool: NAME' here; a plan never runs shell text",
    "with": "the arguments of a tool are 'args' here",
    "params": "the arguments of a tool are 'args' here",
    "parameters": "the arguments of a tool are 'args' here",
    "arguments": "the arguments of a tool are 'args' here",
    "input": "the arguments of a tool are 'args' here",
    "depends_on": "the steps that come before are 'needs: [id, …]' here",
    "dependsOn": "the steps that come before are 'needs: [id, …]' here",
    "depends": "the steps that come before are 'needs: [id, …]' here",
    "after": "the steps that come before are 'needs: [id, …]' here",
    "requires": "the steps that come before are 'needs: [id, …]' here",
    "goto": "there are no jumps: use 'when', 'switch' or 'repeat'",
    "next": "there are no jumps: steps follow each other, or say 'needs'",
    "approval": "a person is asked with 'clarify' here",
    "ask": "a person is asked with 'clarify' here",
    "human": "a person is asked with 'clarify' here",
    "confirm": "a person is asked with 'clarify' here",
    "for": "a loop over a list is 'foreach: {in: …, as: …}' here",
    "for_each": "a loop over a list is 'foreach: {in: …, as: …}' here",
    "loop": "a loop over a list is 'foreach: {in: …, as: …}' here",
    "with_items": "a loop over a list is 'foreach: {in: …, as: …}' here",
    "matrix": "a loop over a list is 'foreach: {in: …, as: …}' here",
    "while": "a loop with a condition is 'repeat: {until: …, max: …}' here",
    "until": "a loop with a condition is 'repeat: {until: …, max: …}' here",
    "retries": "trying again is 'retry: {max_attempts: …}' here",
    "catch": "what handles an error is 'on_error' here",
    "rescue": "what handles an error is 'on_error' here",
    "continue_on_error": "what handles an error is 'on_error' here",
    "continue-on-error": "what handles an error is 'on_error' here",
    "parallel": "steps with 'needs: []' run side by side",
    "output_schema": "the shape of a task's output is 'returns' here",
    "output": "a step's output can be read as steps.ID.output; the shape of a task's output is 'returns'",
    "outputs": "a step's output can be read as steps.ID.output; the shape of a task's output is 'returns'",
    "register": "a step's output can be read as steps.ID.output",
    "name": "a step is named by its 'id'; words for people go into 'description'",
    "title": "words for people go into 'description'",
    "inputs": "the arguments of a tool are 'args' here; 'inputs' goes with 'plan'",
    "tools": "tools belong to an agent: agent: {tools: […]}",
    "model": "a model belongs to an agent: agent: {model: …}",
    "workflow": "another plan is run with 'plan: ./other.yml'",
    "value": "a value is computed with 'set' here",
    "vars": "a value is computed with 'set' here",
    "switch_case": "cases are 'switch' here",
}
_PLAN: Final[dict[str, str]] = {
    "tasks": "the work is listed under 'steps' here",
    "jobs": "the work is listed under 'steps' here",
    "workflow": "the work is listed under 'steps' here",
    "nodes": "the work is listed under 'steps' here",
    "plan": "the work is listed under 'steps' here",
    "id": "a plan is named by 'name'",
    "title": "a plan is named by 'name'; words for people go into 'description'",
    "params": "what a run is given stands under 'inputs' here",
    "parameters": "what a run is given stands under 'inputs' here",
    "variables": "what a run is given stands under 'inputs' here",
    "outputs": "the final value is 'output' here",
    "result": "the final value is 'output' here",
    "agent": "agents stand under 'agents', each with a name",
    "model": "the model of all agents is 'defaults: {model: …}'",
    "mcp": "MCP servers stand under 'mcp_servers' here",
    "servers": "MCP servers stand under 'mcp_servers' here",
    "on_error": "errors are handled at the step: its 'on_error'; steps for the end stand under 'finally'",
    "env": "secrets are named under 'secrets', settings of a server under its 'env'",
    "user": "what is known of the end user stands under 'context'",
    "api_version": "the version of the language is 'planrunner: 1'",
    "apiVersion": "the version of the language is 'planrunner: 1'",
}
_AGENT: Final[dict[str, str]] = {
    "prompt": "what an agent is told before every task is 'instructions' here",
    "system": "what an agent is told before every task is 'instructions' here",
    "system_prompt": "what an agent is told before every task is 'instructions' here",
    "role": "what an agent is told before every task is 'instructions' here",
    "goal": "what an agent is told before every task is 'instructions' here",
    "backstory": "what an agent is told before every task is 'instructions' here",
    "llm": "an agent's model is 'model' here",
    "max_iterations": "the bound of the loop is 'max_turns' here",
    "max_steps": "the bound of the loop is 'max_turns' here",
    "temperature": "parameters of a model stand with it under the plan's 'models'",
    "task": "the task stands in the step, beside 'agent'",
}
_TOOL_ENTRY: Final[dict[str, str]] = {
    "function": "where the code stands is 'use' here",
    "module": "where the code stands is 'use: package.module:name' here",
    "parameters": "the schema of the arguments is 'args_schema' here",
    "schema": "the schema of the arguments is 'args_schema' here",
    "input_schema": "the schema of the arguments is 'args_schema' here",
    "inputSchema": "the schema of the arguments is 'args_schema' here",
}
_HOOK: Final[dict[str, str]] = {"if": "a condition is 'when' here", "args": "the settings of a hook are 'with' here"}
_CONTEXT: Final[dict[str, str]] = {
    "user": "whether a run must say for whom it acts is 'end_user_id: required' here",
    "user_id": "whether a run must say for whom it acts is 'end_user_id: required' here",
    "data": "what is known of the end user stands under 'additional_data'",
}
_FOREACH: Final[dict[str, str]] = {
    **dict.fromkeys(("items", "list", "over", "each", "of", "values"), "the list is 'in' here"),
    **dict.fromkeys(("item", "var", "name", "item_name"), "what an item is called is 'as' here"),
    **dict.fromkeys(("parallel", "concurrency", "max_parallel"), "how many at once is 'max_concurrent' here"),
}

HINTS: Final[Mapping[str, Mapping[str, str]]] = {
    "plan": _PLAN,
    "step": _STEP,
    "agent": _AGENT,
    "tool entry": _TOOL_ENTRY,
    "hook": _HOOK,
    "context": _CONTEXT,
    "foreach": _FOREACH,
}
"""The kind of map (`x-kind` of the schema) → foreign key → what to write."""

_INSTEAD_OF_VERB = """
    prompt query instruction llm message uses use call function action run command approval ask human confirm
    workflow value vars switch_case goto next
"""
INSTEAD_OF_VERB: Final = frozenset(_INSTEAD_OF_VERB.split())
"""Foreign keys that stand where a verb should: a step that has one is not told as well that it has no verb."""
