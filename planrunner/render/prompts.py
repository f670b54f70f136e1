"""What models were sent, and what they answered: to people call by call, to programs as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from planrunner.render.json import text as as_json
from planrunner.render.words import Style
from planrunner.termsafe import term_safe

if TYPE_CHECKING:
    from planrunner.sent import SentPrompt


def text(prompts: Sequence[SentPrompt], style: Style) -> str:
    """Each attempt under a heading of its own: the messages that were new in it, then the reply."""
    if not prompts:
        return "no model was called\n"
    before = (None, *prompts)
    return "\n".join("\n".join(_attempt(*pair, style)) + "\n" for pair in zip(prompts, before, strict=False))


def json(prompts: Sequence[SentPrompt], _style: Style) -> str:
    """A list of `{path, turn, attempt, model, messages, reply, error}`."""
    return as_json([asdict(prompt) for prompt in prompts])


def _attempt(prompt: SentPrompt, before: SentPrompt | None, style: Style) -> Iterator[str]:
    attempt = f", attempt {prompt.attempt}" if prompt.attempt > 1 else ""
    yield style(f"{term_safe(prompt.path)}  call {prompt.turn}{attempt}  {term_safe(prompt.model)}", "bold")
    if before is not None and _of(before) == _of(prompt):
        yield style("  the same messages", "dim")
    else:
        yield from _messages(prompt, style)
    if prompt.error is not None:
        yield f"  {style('failed', 'red')}: {prompt.error['kind']}: {term_safe(prompt.error['message'])}"
    if prompt.reply is not None:
        yield style("  reply", "dim")
        yield from _lines(prompt.reply["text"] or "")
        for call in prompt.reply["tool_calls"]:
            yield f"    {term_safe(call['name'])} {term_safe(call['arguments'])}"


def _of(prompt: SentPrompt) -> tuple[object, ...]:
    return prompt.path, prompt.turn, prompt.messages


def _messages(prompt: SentPrompt, style: Style) -> Iterator[str]:
    for message in prompt.messages:
        of_tool = f" {term_safe(message['tool'])}" if "tool" in message else ""
        yield style(f"  {message['role']}{of_tool}", "dim")
        yield from _lines(message["content"])


def _lines(content: str) -> Iterator[str]:
    return (f"    {line}" for line in term_safe(content, lines=True).splitlines())
