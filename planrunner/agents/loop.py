"""An agent at work: the model replies, its tool calls are carried out, until it answers the task.

The messages are rebuilt from the recorded replies whenever a run is carried on; they are never journaled themselves.
Everything a model says is data: a name it is not offered is never called, and args are checked before a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from planrunner.agents.prompts import system_prompt
from planrunner.agents.structured import Answer, as_text, read_answer
from planrunner.errors import ExhaustedError, SchemaError, StepError, ToolSoftError
from planrunner.jsonsafe import dumps, loads, to_json_safe
from planrunner.models.base import ModelRequest, Reply, ToolCall, seam_name
from planrunner.plan import Agent
from planrunner.questions import Waiting
from planrunner.steps.base import Scope

RE_ASKS = 2
"""How often an answer that does not meet `returns` is given back with its problems."""


async def work(scope: Scope, agent: Agent, task: str, returns: Mapping[str, Any] | None) -> Any:
    """The answer to the task: a text, or the object that meets `returns`.

    Raises SchemaError when the answer still does not meet `returns` after RE_ASKS re-asks, ExhaustedError after
    `max_turns` replies without an end, and what the model or a tool raises.
    """
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": system_prompt(scope, agent, returns)},
        {"role": "user", "content": task},
    ]
    tools = {seam_name(name): name for name in agent.tools}
    model = scope.model(agent.model[0] if agent.model else None)
    offered = [_offer(scope, seam, name) for seam, name in tools.items()]
    refused = 0
    for turn in range(agent.max_turns):
        reply = await scope.call_model(
            ModelRequest(
                model=model.model[0],
                messages=messages,
                tools=offered,
                parameters=model.parameters,
                path=scope.path,
                turn=turn,
            )
        )
        messages.append(_said(reply))
        if reply.tool_calls:
            messages += await _answer_calls(scope, tools, turn, reply.tool_calls)
            continue
        answer = read_answer(reply.text or "", returns)
        if not answer.problems:
            return answer.value
        if refused == RE_ASKS:
            raise SchemaError(f"the model's answer does not meet `returns`: {'; '.join(answer.problems)}")
        refused += 1
        messages.append({"role": "user", "content": _ask_again(answer)})
    raise ExhaustedError(
        f"the agent replied {agent.max_turns} times without finishing; raise its max_turns, or make the task smaller"
    )


def _offer(scope: Scope, seam: str, name: str) -> dict[str, Any]:
    """The tool as an OpenAI function."""
    tool = scope.tool(name)
    return {
        "type": "function",
        "function": {"name": seam, "description": tool.description, "parameters": dict(tool.args_schema)},
    }


def _said(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.tool_calls
        ]
    return message


async def _answer_calls(
    scope: Scope, tools: Mapping[str, str], turn: int, calls: Sequence[ToolCall]
) -> list[dict[str, Any]]:
    """Carry out the calls of one reply. Each comes to its end, whatever becomes of the others; then waiting wins."""
    answers: list[dict[str, Any]] = []
    troubles: list[Exception] = []
    for place, call in enumerate(calls):
        try:
            answers.append(await _answer_call(scope, tools, turn, place, call))
        except (Waiting, StepError) as trouble:
            troubles.append(trouble)
    if troubles:
        raise next((trouble for trouble in troubles if isinstance(trouble, Waiting)), troubles[0])
    return answers


async def _answer_call(scope: Scope, tools: Mapping[str, str], turn: int, place: int, call: ToolCall) -> dict[str, Any]:
    """Carry out one call of the reply, or say why not. Only a tool's hard failure ends the step."""
    name = tools.get(call.name)
    if name is None:
        content = _refusal(f"there is no tool {call.name!r}", f"the tools are: {', '.join(tools) or 'none'}")
    else:
        content = await _call(scope, name, f"{turn}.{place}", call)
    return {"role": "tool", "tool_call_id": call.id, "content": content}


async def _call(scope: Scope, name: str, place: str, call: ToolCall) -> str:
    try:
        args = to_json_safe(loads(call.arguments or "{}"), "args")
    except (ValueError, SchemaError, RecursionError) as error:
        return _refusal("the arguments are not JSON", str(error))
    if not isinstance(args, dict):
        return _refusal("the arguments do not fit the tool's schema", "expected an object of named arguments")
    problems = scope.args_problems(name, args)
    if problems:
        return _refusal("the arguments do not fit the tool's schema", "; ".join(problems))
    try:
        return as_text(await scope.call_tool(name, args, place))
    except ToolSoftError as error:
        return _refusal("the tool failed", str(error))


def _refusal(what: str, why: str) -> str:
    return dumps({"error": what, "detail": why})


def _ask_again(answer: Answer) -> str:
    return (
        "Your answer does not meet the schema:\n"
        + "\n".join(f"- {problem}" for problem in answer.problems)
        + "\nAnswer again with one JSON value that does, and nothing else."
    )
