"""What models were really sent in a run, and what they answered: from its events, attempt by attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from planrunner import events
from planrunner.events import Event
from planrunner.fold import apply
from planrunner.jsonsafe import dumps
from planrunner.run_state import RunState


@dataclass(frozen=True, slots=True)
class SentPrompt:
    """One attempt at one LLM call.

    path, turn, attempt  of which step, its how-manieth call, and the how-manieth attempt at it, from 1
    model     which was asked
    messages  `{role, content}` of what was sent beyond the turn before (the whole conversation goes out each time); a
              tool's result also has `tool`. A system message replaces the one before
    reply     `{text, tool_calls: [{name, arguments}]}`, or None
    error     `{kind, message}` of an attempt that failed, or None. Without both it was under way when a process died
    """

    path: str
    turn: int
    attempt: int
    model: str
    messages: list[dict[str, Any]]
    reply: dict[str, Any] | None = None
    error: dict[str, str] | None = None


def sent_prompts(run_id: str, history: Sequence[Event]) -> list[SentPrompt]:
    """Every attempt at every LLM call of the run, step by step in the order in which the steps began."""
    run = RunState(run_id)
    sent: dict[str, dict[str, list[SentPrompt]]] = {}
    for event in history:
        apply(run, event)
        if "!llm:" not in event.key:
            continue
        path = event.key[: event.key.index("!")]
        attempts = sent.setdefault(path, {}).setdefault(event.key, [])
        if event.kind == events.EFFECT_STARTED:
            attempts.append(_attempt(run, event, path, attempts))
        elif event.kind in (events.EFFECT_FINISHED, events.ATTEMPT_FAILED):
            error = event.body.get("error")
            attempts[-1] = replace(attempts[-1], error=error, reply=None if error else _reply(event.body["value"]))
    return [prompt for calls in sent.values() for attempts in calls.values() for prompt in attempts]


def _attempt(run: RunState, event: Event, path: str, before: Sequence[SentPrompt]) -> SentPrompt:
    """What the event says was sent; where it says nothing, what the attempt before was sent."""
    body = event.body
    if "messages" in body:
        messages = [_message(run, path, message) for message in body["messages"]]
    else:
        messages = before[-1].messages if before else []
    turn = int(event.key.rpartition(":")[2]) + 1
    return SentPrompt(path, turn, body["attempt"], body["name"], messages)


def _message(run: RunState, path: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """The message as it was sent. A tool's result stands with its call, and is told from there."""
    if "call" not in message:
        return {"role": message["role"], "content": message["content"]}
    call = run.effects[f"{path}!tool:{message['call']}"]
    told = call.value if isinstance(call.value, str) else dumps(call.value)
    return {"role": "tool", "tool": call.name, "content": told}


def _reply(value: Mapping[str, Any]) -> dict[str, Any]:
    calls = [{"name": call["name"], "arguments": call["arguments"]} for call in value["tool_calls"]]
    return {"text": value["text"], "tool_calls": calls}
