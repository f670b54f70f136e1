"""An agent at work: the model replies, its tool calls are carried out, until it answers the task.

The messages are built again from the recorded replies whenever a run is carried on. Everything a model says is data: a
name it is not offered is never called, args are checked before a call, and what was refused is on record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from planrunner.agents.prompts import ask_again, schema_prompt, system_prompt
from planrunner.agents.questions import CLARIFY, CLARIFY_TOOL, ask_end_user, ask_problems
from planrunner.agents.structured import as_text, read_answer
from planrunner.errors import ExhaustedError, SchemaError, StepError, ToolSoftError
from planrunner.jsonsafe import dumps, loads, to_json_safe
from planrunner.models.base import Reply, ToolCall, Turn, seam_name
from planrunner.plan import Agent
from planrunner.questions import Waiting
from planrunner.steps.base import Scope

RE_ASKS: Final = 2
"""How often an answer that does not meet `returns` is given back with its problems."""

Message = dict[str, Any]


class _Offers(NamedTuple):
    """What the model may call: seam name → the plan's name of each tool, and the end user, where it `asks`."""

    tools: Mapping[str, str]
    asks: bool

    def __str__(self) -> str:
        names = (*self.tools, *([CLARIFY] if self.asks else ()))
        return f"the tools are: {', '.join(names)}" if names else "no tools are offered"


class _Refused(NamedTuple):
    """What a model is told of a call that was not made, or that failed."""

    error: str
    detail: str


async def work(scope: Scope, agent: Agent, task: str, returns: Mapping[str, Any] | None) -> Any:
    """The answer to the task: a text, or the object that meets `returns`.

    Raises SchemaError when the answer still does not meet `returns` after RE_ASKS re-asks, ExhaustedError after
    `max_turns` replies without an end, and what the model or a tool raises. A new try of the step has as many more.
    """
    talk = _Conversation(scope, agent, task, returns)
    wrong = 0
    for number in range(agent.max_turns * scope.tries):
        reply = await talk.turn(number)
        if reply.tool_calls:
            talk.add(await _answer_calls(scope, talk.offers, number, reply.tool_calls))
            continue
        answer = read_answer(reply.text or "", returns)
        if not answer.problems:
            return answer.value
        wrong += 1
        if wrong == (RE_ASKS + 1) * scope.tries:
            raise SchemaError(f"the model's answer does not meet `returns`: {'; '.join(answer.problems)}")
        talk.add([{"role": "user", "content": ask_again(answer.problems)}])
    raise ExhaustedError(
        f"the agent replied {agent.max_turns} times without finishing; raise its max_turns, or make the task smaller"
    )


class _Conversation:
    """What was said so far, and what the model may call."""

    def __init__(self, scope: Scope, agent: Agent, task: str, returns: Mapping[str, Any] | None) -> None:
        self._scope = scope
        self._models = scope.models(agent)
        self._returns = returns
        self._schema_prompt = schema_prompt(returns) if returns else ""
        first: Message = {"role": "user", "content": task}
        self._messages: list[Message] = [{"role": "system", "content": system_prompt(scope, agent)}, first]
        self._news: list[Message] = [first]
        self.offers = _Offers({seam_name(name): name for name in agent.tools}, agent.ask)
        self._offered = [_offer(scope, seam, name) for seam, name in self.offers.tools.items()]
        if agent.ask:
            self._offered.append(CLARIFY_TOOL)

    async def turn(self, number: int) -> Reply:
        """The model's next reply."""
        reply = await self._scope.call_model(
            Turn(
                models=self._models,
                messages=self._messages,
                news=self._news,
                tools=self._offered,
                schema=self._returns,
                schema_prompt=self._schema_prompt,
                number=number,
            )
        )
        self._messages.append(_said(reply))
        self._news = []
        return reply

    def add(self, messages: list[Message]) -> None:
        """What the model is told next. A message with `call` is the result of that call: the record has it there."""
        for message in messages:
            self._news.append({"role": "tool", "call": message["call"]} if "call" in message else message)
            self._messages.append({key: value for key, value in message.items() if key != "call"})


def _offer(scope: Scope, seam: str, name: str) -> Message:
    """The tool as an OpenAI function."""
    tool = scope.tool(name)
    return {
        "type": "function",
        "function": {"name": seam, "description": tool.description, "parameters": dict(tool.args_schema)},
    }


def _said(reply: Reply) -> Message:
    message: Message = {"role": "assistant", "content": reply.text}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.tool_calls
        ]
    return message


async def _answer_calls(scope: Scope, offers: _Offers, turn: int, calls: Sequence[ToolCall]) -> list[Message]:
    """Carry out the calls of one reply, side by side. Each comes to its end, whatever becomes of the others; then
    waiting wins over failing, and of failures the first in the reply.
    """
    works = [_answer_call(scope, offers, f"{turn}.{place}", call) for place, call in enumerate(calls)]
    if len(works) == 1:
        return [await works[0]]
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    troubles = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if troubles:
        raise min(troubles, key=_gravity)
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def _gravity(trouble: BaseException) -> int:
    """What stops the run itself comes first, then what waits, then what failed."""
    return 2 if isinstance(trouble, StepError) else 1 if isinstance(trouble, Waiting) else 0


async def _answer_call(scope: Scope, offers: _Offers, place: str, call: ToolCall) -> Message:
    """Carry out one call of the reply, or say why not. Only a tool's hard failure ends the step."""
    asks = offers.asks and call.name == CLARIFY
    name = CLARIFY if asks else offers.tools.get(call.name)
    args = _args(call)
    if name is None:
        refused = _Refused(f"there is no tool {call.name!r}", str(offers))
    elif isinstance(args, _Refused):
        refused = args
    elif problems := ask_problems(args) if asks else scope.args_problems(name, args):
        refused = _Refused("the arguments do not fit the tool's schema", "; ".join(problems))
    elif asks:
        return _told(call, {"content": as_text(await ask_end_user(scope, place, args))})
    else:
        return _told(call, await _call(scope, name, args, place))
    scope.refuse(place, call, f"{refused.error}: {refused.detail}")
    return _told(call, {"content": dumps(refused._asdict())})


def _told(call: ToolCall, message: Message) -> Message:
    return {"role": "tool", "tool_call_id": call.id, **message}


async def _call(scope: Scope, name: str, args: dict[str, Any], place: str) -> Message:
    """What the model is told of the call: its result, which stands in the record, or its failure."""
    try:
        value = await scope.call_tool(name, args, place)
    except ToolSoftError as error:
        return {"content": dumps(_Refused("the tool failed", str(error))._asdict())}
    shortened = scope.shorten(value, f"the result of {name}")
    if shortened is not value:
        return {"content": shortened}
    return {"content": as_text(value), "call": place}


def _args(call: ToolCall) -> dict[str, Any] | _Refused:
    """The arguments, or why they are none."""
    try:
        args = to_json_safe(loads(call.arguments or "{}"), "args")
    except (ValueError, SchemaError, RecursionError) as error:
        return _Refused("the arguments are not JSON", str(error))
    if isinstance(args, dict):
        return args
    return _Refused("the arguments do not fit the tool's schema", "expected an object of named arguments")
