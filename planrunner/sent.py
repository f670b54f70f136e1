"""What models were really sent in a run, and what they answered: from its record, call by call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planrunner.jsonsafe import dumps
from planrunner.run_state import EffectState, RunState


@dataclass(frozen=True, slots=True)
class SentPrompt:
    """One LLM call.

    path, turn, model  of which step, the how-manieth of the step (from 1), and which model was asked last
    messages  `{role, content}` of what was sent beyond the call before it (the whole conversation goes out each time);
              a tool's result also has `tool`. A system message replaces the one before
    reply     `{text, tool_calls: [{name, arguments}]}`, or None when there is none
    error     `{kind, message}` of a call that failed, or None
    """

    path: str
    turn: int
    model: str
    messages: list[dict[str, Any]]
    reply: dict[str, Any] | None
    error: dict[str, str] | None


def sent_prompts(run: RunState) -> list[SentPrompt]:
    """Every LLM call of the run, step by step in the order in which the steps began."""
    return [prompt for step in run.steps.values() for prompt in _of_step(run, sorted(step.effects, key=_ordinal))]


def _ordinal(effect: EffectState) -> tuple[int, ...]:
    return effect.ordinal


def _of_step(run: RunState, effects: list[EffectState]) -> Iterator[SentPrompt]:
    for effect in effects:
        if effect.is_llm_call:
            yield SentPrompt(
                path=effect.path,
                turn=effect.ordinal[0] + 1,
                model=effect.name,
                messages=[_message(run, effect.path, message) for message in effect.messages or ()],
                reply=_reply(effect.value) if effect.done and effect.error is None else None,
                error=effect.error or (effect.failures[-1]["error"] if effect.failures and not effect.done else None),
            )


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
