"""Words of other tools, and what they are called here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _all(words: str, advice: str) -> dict[str, str]:
    """The same advice for each of these words."""
    return dict.fromkeys(words.split(), advice)


_CONDITION: Final = "a condition is 'when' here"
_TOOL: Final = "a tool is called with 'tool: NAME' here"
_ARGS: Final = "the arguments of a tool are 'args' here"
_PERSON: Final = "a person is asked with 'clarify' here"
_LOOP: Final = "a loop over a list is 'foreach: {in: …, as: …}' here"
_OUTPUT: Final = "a step's output can be read as steps.ID.output"
_INSTRUCTIONS: Final = "what an agent is told before every task is 'instructions' here"
_USE: Final = "where the code stands is 'use: package.module:name' here"
_LISTED: Final = "the work is listed under 'steps' here"
_GIVEN: Final = "what a run is given stands under 'inputs' here"
_BOUND: Final = "ceilings of a run stand under 'limits'"
_GUARD: Final = "approvals are hooks: 'hooks: {before_tool_call: [{use: clarify_on_tool_calls, …}]}'"

_HANDLED: Final = "what handles an error is 'on_error' here"
_ORDER: Final = "steps follow each other in the order in which they stand, or say 'needs'"
_PARAMETERS: Final = "parameters of a model stand with it under the plan's 'models'"

_STEP: Final = {
    **_all("prompt query llm goal", "the work of an LLM is a 'task' here"),
    **_all(
        "instruction instructions system system_prompt role backstory",
        "the work of an LLM is a 'task' here, and what its agent is told before is agent: {instructions: …}",
    ),
    **_all("temperature top_p max_tokens", _PARAMETERS),
    **_all("max_turns max_iterations max_steps", "the bound of an agent's loop is agent: {max_turns: …}"),
    **_all("if condition cond run_if only_if precondition preconditions", _CONDITION),
    "unless": f"{_CONDITION}, with 'not'",
    **_all("uses call function action http request api resource", _TOOL),
    "use": f"{_TOOL}; 'use' belongs into the plan's 'tools'",
    **_all("run command shell bash script", f"{_TOOL}; a plan never runs shell text"),
    **_all(
        "code python exec", "code never stands in a plan: name its function under 'tools', and call that with 'tool'"
    ),
    **_all("with params parameters arguments input input_parameters kwargs", _ARGS),
    "inputs": f"{_ARGS}, and a task reads inputs in its text",
    **_all(
        "depends_on depends after requires wait_for join_on", "the steps that come before are 'needs: [id, …]' here"
    ),
    **_all("goto jump", "there are no jumps: use 'when', 'switch' or 'repeat'"),
    **_all("next then on_success", "there are no jumps: steps follow each other, or say 'needs'"),
    **_all("end fail terminate", "a plan is ended early with 'exit: {state: …}' here"),
    **_all("approval approve ask human confirm gate verify user_input human_input interrupt pause", _PERSON),
    **_all("for for_each loop loop_over with_items matrix strategy map", _LOOP),
    **_all("while until loop_condition repeat_policy", "a loop with a condition is 'repeat: {until: …, max: …}' here"),
    **_all("retries max_retries attempts retry_policy", "trying again is 'retry: {max_attempts: …}' here"),
    **_all("catch rescue except try continue_on_error continue_on on_failure", _HANDLED),
    **_all("allow_failure ignore_errors optional", f"{_HANDLED}, as in on_error: [{{output: null}}]"),
    **_all("parallel concurrency", "steps with 'needs: []' run side by side"),
    **_all("output_schema schema response_format expected_output", "the shape of a task's output is 'returns' here"),
    **_all("output outputs", f"{_OUTPUT}; the shape of a task's output is 'returns'"),
    **_all("register save_as as result result_path", _OUTPUT),
    **_all("name task_reference_name step_id", "a step is named by its 'id'; words for people go into 'description'"),
    **_all("title label comment notes", "words for people go into 'description'"),
    "tools": "tools belong to an agent: agent: {tools: […]}",
    "model": "a model belongs to an agent: agent: {model: …}",
    **_all("workflow subflow sub_plan subplan include import", "another plan is run with 'plan: ./other.yml'"),
    **_all("value vars variables assign", "a value is computed with 'set' here"),
    **_all(
        "switch_case case cases choice choices decision_cases default_case branch branches else",
        "cases are 'switch' here",
    ),
    **_all("group block sequence do tasks", "a group of steps is 'steps' here"),
    **_all("type kind", "what a step does is its verb: 'tool: NAME', 'task: …', 'clarify: {…}'"),
    **_all("wait sleep", "there are no pauses; a loop that waits is 'repeat: {until: …, max: …, delay: …}'"),
    **_all("timeout_seconds timeout_minutes timeout_ms", "the longest that a call may take is 'timeout: 30s' here"),
    "finally": "steps for the end stand under the plan's own 'finally'",
}
_PLAN: Final = {
    **_all("tasks jobs workflow nodes plan stages states flow pipeline actions prompt goal task", _LISTED),
    "id": "a plan is named by 'name'",
    "title": "a plan is named by 'name'; words for people go into 'description'",
    **_all("params parameters variables vars args arguments", _GIVEN),
    **_all("outputs result results", "the final value is 'output' here"),
    "agent": "agents stand under 'agents', each with a name",
    **_all("model llm", "the model of all agents is 'defaults: {model: …}'"),
    "functions": "tools of your own stand under 'tools', each with a name",
    **_all("mcp servers", "MCP servers stand under 'mcp_servers' here"),
    **_all("edges conditional_edges entry_point start_at process", _ORDER),
    **_all(
        "on_error on_failure errors catch handler_on",
        "errors are handled at the step: its 'on_error'; steps for the end stand under 'finally'",
    ),
    **_all("retry retries", "trying again is 'retry' at the step, or 'defaults: {retry: …}'"),
    "timeout": "how long a run may take is 'limits: {duration: …}', and one call 'timeout' at the step",
    **_all("budget cost max_cost quota", _BOUND),
    **_all("approval approvals guardrails permissions interrupt_before interrupt_after", _GUARD),
    **_all("env environment", "secrets are named under 'secrets', settings of a server under its 'env'"),
    **_all("user end_user", "what is known of the end user stands under 'context'"),
    **_all("api_version", "the version of the language is 'planrunner: 1'"),
    **_all("on trigger triggers schedule cron", "when a plan is run is decided by who runs it: planrunner run"),
    **_all("import imports include", "another plan is run by a step: 'plan: ./other.yml'"),
    **_all("author tags labels owner namespace metadata meta verbose", "keys of your own begin with x-, and are free"),
    "$schema": "the schema stands in a comment on top: # yaml-language-server: $schema=…",
}
_AGENT: Final = {
    **_all("prompt system system_prompt role goal backstory persona", _INSTRUCTIONS),
    "llm": "an agent's model is 'model' here",
    **_all("max_iterations max_steps max_iter", "the bound of the loop is 'max_turns' here"),
    **_all("temperature top_p max_tokens seed", _PARAMETERS),
    "task": "the task stands in the step, beside 'agent'",
    **_all("returns output_schema response_format", "the shape of the output is 'returns' in the step, beside 'task'"),
    **_all("name id", "an agent is named by its key under 'agents'"),
    **_all("description title", "words for people go into the 'description' of the step"),
    **_all(
        "mcp_servers servers mcp",
        "servers stand under the plan's 'mcp_servers'; an agent lists their tools: server.tool",
    ),
    **_all("context memory", "what the agent sees of the end user is 'sees'; outputs of steps are read in the task"),
}
_TOOL_ENTRY: Final = {
    **_all("function module path import entrypoint callable class code", _USE),
    **_all("parameters schema input_schema inputs args", "the schema of the arguments is 'args_schema' here"),
    **_all("returns output", "the schema of the result is 'output_schema' here"),
    **_all(
        "read_only readonly side_effects destructive risk idempotent",
        "what a call does to the world is 'effect': read, write or irreversible",
    ),
    **_all("approval confirm require_approval needs_approval", _GUARD),
    **_all("command url server", "a server's tools come from the plan's 'mcp_servers', and are called as server.tool"),
    **_all("name id", "a tool is named by its key under 'tools'"),
}
_HOOK: Final = {
    **_all("if condition", _CONDITION),
    **_all("args params settings config", "the settings of a hook are 'with' here"),
    **_all("name hook function run", "what a hook does is 'use' here: a built-in hook, or package.module:function"),
    **_all("tool tools step steps for on", "where a hook fires is 'match: {tool: …, step: …}' here"),
}
_MATCH: Final = {
    **_all("tools tool_id tool_name name", "tools are matched by 'tool' here, a glob or a list"),
    **_all("steps step_id", "steps are matched by 'step' here, a glob or a list"),
    **_all("arguments params", "arguments are matched by 'args' here, each with a glob"),
    **_all("when if", "a condition stands beside 'match': 'when'"),
}
_CONTEXT: Final = {
    **_all("user user_id end_user", "whether a run must say for whom it acts is 'end_user_id: required' here"),
    **_all("data fields attributes user_data", "what is known of the end user stands under 'additional_data'"),
}
_CLARIFY: Final = {
    **_all("question prompt message text ask title", "what the person is told is 'guidance' here"),
    **_all("kind category", "the kind of question is 'type' here"),
    **_all("choices answers select values enum", "what may be chosen is 'options' here"),
    **_all("default fallback", "the answer that counts when nobody gives one is 'on_timeout: {answer: …}' here"),
    **_all("deadline expires expires_in wait", "how long the question stays open is 'timeout' here"),
    **_all(
        "user role assignee approver approvers recipient who", "who is asked is 'to' here: end_user, or {role: NAME}"
    ),
    **_all("url link", "where the person does what is asked is 'action_url' here"),
    "options": "options go with 'type: multiple_choice'",
    "value": "a value goes with 'type: value_confirmation'",
    **_all("fields schema", "the shape of an answer goes with 'type: input'"),
    **_all("action_url require_confirmation", "an address goes with 'type: action'"),
    "data": "data of one's own go with 'type: custom'",
    **_all("form inputs properties", "a form is 'fields: {NAME: {type: …}}' here"),
}
_EXIT: Final = {
    **_all("reason error msg text description", "why the plan ends is 'message' here"),
    **_all("value return returns outputs", "the final value is 'output' here"),
    **_all("code success failed", "how the plan ends is 'state' here: COMPLETE or FAILED"),
}
_CASE: Final = {
    **_all("if case condition match expression", _CONDITION),
    **_all("then do tasks actions run set tool task plan exit", "what a case does is 'steps' here"),
    **_all("else default otherwise", "the else is a last case without 'when'"),
}
_FOREACH: Final = {
    **_all("items list over each of values", "the list is 'in' here"),
    **_all("item var name item_name", "what an item is called is 'as' here"),
    **_all("parallel concurrency max_parallel", "how many at once is 'max_concurrent' here"),
    **_all("limit max", "how long the list may be is 'max_items' here"),
}
_REPEAT: Final = {
    **_all("while when if condition unless", "what ends the loop is 'until' here, tested after each round"),
    **_all("times max_iterations max_attempts max_rounds limit count", "how many rounds at most is 'max' here"),
    **_all("interval wait sleep pause", "the wait between rounds is 'delay' here"),
}
_RETRY: Final = {
    **_all("times attempts max count limit retries max_retries", "how often in all is 'max_attempts' here"),
    **_all(
        "interval interval_seconds wait sleep initial_interval", "the wait before the second attempt is 'delay' here"
    ),
    **_all(
        "strategy policy type backoff_rate factor multiplier",
        "how the wait grows is 'backoff' here: constant or exponential",
    ),
    **_all("kinds errors error_equals match when retry_on", "which errors are tried again is 'on: [kind, …]' here"),
}
_ON_ERROR: Final = {
    **_all(
        "kinds kind errors error type on catch exceptions when", "which errors are meant is 'match: [kind, …]' here"
    ),
    **_all("value default return result returns set fallback", "what the step gives instead is 'output' here"),
    **_all("do then handler run tasks", "what is done instead is 'steps' here"),
}
_LIMITS: Final = {
    **_all("cost budget max_cost max_usd dollars money", "the most that a run may cost is 'usd' here"),
    **_all("max_tokens total_tokens", "the tokens of all LLM calls are 'tokens' here"),
    **_all("calls requests max_calls turns max_turns", "calls are bounded by 'llm_calls' and 'tool_calls' here"),
    **_all("time timeout max_duration seconds", "the time of a run is 'duration' here"),
}
_SERVER: Final = {
    **_all("cmd program executable run", "the program that is the server is 'command' here"),
    **_all("arguments params", "the arguments of the program are 'args' here"),
    **_all("environment env_vars", "the environment of the program is 'env' here"),
    **_all("dir directory working_directory", "where the program runs is 'cwd' here"),
    **_all("endpoint address server uri", "where the server is found is 'url' here"),
    **_all("type transport", "what the server is follows from 'command' or 'url'"),
    **_all("token authorization api_key", "how the server knows us is 'auth', or a secret in 'headers'"),
}
_PROMPT: Final = {
    **_all("path from src source include", "the text's own file is 'file' here"),
    **_all("text template content prompt", "write the text itself, or {file: prompts/name.md}"),
}

HINTS: Final[Mapping[str, Mapping[str, str]]] = {
    "plan": _PLAN,
    "step": _STEP,
    "agent": _AGENT,
    "tool entry": _TOOL_ENTRY,
    "hook": _HOOK,
    "match": _MATCH,
    "context": _CONTEXT,
    "clarify": _CLARIFY,
    "exit": _EXIT,
    "case": _CASE,
    "foreach": _FOREACH,
    "repeat": _REPEAT,
    "retry": _RETRY,
    "on_error": _ON_ERROR,
    "limits": _LIMITS,
    "server": _SERVER,
    "prompt": _PROMPT,
}
"""The kind of map (`x-kind` of the schema) → foreign key → what to write."""

_INSTEAD_OF_VERB = """
    prompt query instruction instructions llm goal uses use call function action http request api run command
    shell bash script code python exec approval approve ask human confirm gate verify user_input human_input workflow
    subflow sub_plan subplan include import value vars variables assign switch_case case choice branch branches group
    block sequence do tasks type kind goto jump next wait sleep decision_cases default_case interrupt pause
    fail terminate resource
"""
INSTEAD_OF_VERB: Final = frozenset(_INSTEAD_OF_VERB.split())
"""Foreign keys that stand where a verb should: a step that has one is not told as well that it has no verb."""

NAMES: Final = {
    **_all("user end_user", "the end user's id is context.end_user_id, their data context.additional_data.NAME"),
    **_all("end_user_id additional_data", "what is known of the end user begins with context"),
    **_all("params parameters vars variables input", "what a run is given is inputs.NAME"),
    **_all("env environment", "the environment can't be read; give the value as an input"),
    **_all("result results outputs nodes tasks jobs needs", "what a step gave is steps.ID.output"),
    "matrix": "a loop is 'foreach', and its item has the name that 'as' gives it",
    **_all("github trigger event", "only what is handed to the run is known: its inputs and its context"),
    **_all("item each", "only a step with 'foreach' has items"),
    "loop": "only a step with 'foreach' has it",
    "previous": "only a step with 'repeat' has it",
    "error": "only 'on_error' has it; of any step it is steps.ID.error",
    **_all("now today date datetime time", "there is no clock: when the run began is run.started_at"),
    **_all("plan workflow execution run_id", "what is known of the run is run.id, run.started_at and run.state"),
    **_all("yes on", "write true"),
    **_all("no off", "write false"),
    **_all("undefined nil", "write null"),
}
"""The first word of a path in a template → what to write."""

TYPES: Final = {
    **_all("list tuple set sequence", "array"),
    **_all("dict map struct json record", "object"),
    **_all("float double decimal real", "number"),
    **_all("int long", "integer"),
    **_all("bool", "boolean"),
    **_all("str text char varchar email file path uuid uri url secret password", "string"),
    **_all("none nil void", "null"),
}
"""Names of types in other languages → the type of JSON Schema."""

KEYWORDS: Final = {
    **_all("options choices values", "what may be given is 'enum'"),
    **_all("optional", "a name with a 'default' may be left out"),
    **_all("min gte ge", "the least value is 'minimum', the least length 'minLength'"),
    **_all("max lte le", "the greatest value is 'maximum', the greatest length 'maxLength'"),
    **_all("regex match", "what a text must match is 'pattern'"),
    **_all("help label", "words for people and models are 'description'"),
}
"""Words for schemas of other tools → what JSON Schema calls it."""

EVERY: Final = frozenset(("*", "all", "ALL", "any", "States.ALL", "Exception", "error"))
"""What other tools write for errors of every kind."""
