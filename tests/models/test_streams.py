"""Replies that come as streams: heard as they come, whole or refused, whatever the server does."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from planrunner.errors import DeadlineError, ModelError, RateLimitedError, StepError, TransientError
from planrunner.models.base import Reply
from planrunner.models.litellm import LitellmModel
from tests.models.asking import KEY, WEATHER, Ask, request
from tests.servers.openai_server import (
    HANG,
    RESET,
    TRICKLE,
    Answer,
    OpenAIServer,
    calls,
    chat,
    cut,
    delta,
    drip,
    failure,
    held,
    plain,
    raw,
    short,
    sse,
    text,
)

WORDS = "The quick brown fox jumps."
STREAM = {"content-type": "text/event-stream"}
OPEN_END = sse(delta(content="half"), done=False).body


def stream(ask: Ask, answer: Answer, model: str = "openai/x", **changes: Any) -> tuple[Reply, str]:
    """The reply, and what was heard of it."""
    heard: list[str] = []
    with OpenAIServer([answer]) as server:
        reply = ask(request(server, model, on_text=heard.append, **changes))
    assert len(server.requests) == 1
    return reply, "".join(heard)


def test_a_text_is_heard_as_it_comes_and_comes_back_whole(model: LitellmModel) -> None:
    go_on, heard = threading.Event(), threading.Event()

    def hear(piece: str) -> None:
        heard.set()

    async def scenario(server: OpenAIServer) -> Reply:
        call = asyncio.ensure_future(model.complete(request(server, on_text=hear)))
        assert await asyncio.to_thread(heard.wait, 10)
        assert not call.done()
        go_on.set()
        return await call

    with OpenAIServer([held(text(WORDS), "uick", go_on)]) as server:
        reply = asyncio.run(scenario(server))
    assert (reply.text, reply.finish_reason) == (WORDS, "stop")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (11, 7)
    assert server.requests[0].body["stream"] is True


def test_a_streamed_reply_is_the_one_that_comes_whole(ask: Ask) -> None:
    for answer in (text(WORDS), calls(("weather", {"city": "Oslo"}), ("weather", "{not json"))):
        with OpenAIServer([answer]) as server:
            whole = ask(request(server, "openai/gpt-4o-mini", tools=[WEATHER]))
        assert stream(ask, answer, "openai/gpt-4o-mini", tools=[WEATHER])[0] == whole


@pytest.mark.parametrize("end", [cut, short])
@pytest.mark.parametrize("at", [0, 10, '"content": "The q', "uick", '"jumps', '"content": "."', '"finish_reason": "st'])
def test_half_a_text_is_never_a_reply(ask: Ask, end: Any, at: int | str) -> None:
    with pytest.raises(TransientError):
        stream(ask, end(text(WORDS), at))


@pytest.mark.parametrize("end", [cut, short])
@pytest.mark.parametrize("at", [r"\"city\":", '"Oslo', '"finish_reason": "tool'])
def test_half_a_tool_call_is_never_a_reply(ask: Ask, end: Any, at: str) -> None:
    asked = [delta(tool_calls=[{"index": 0, "id": "c", "type": "function", "function": {"name": "weather"}}])]
    asked += [
        delta(tool_calls=[{"index": 0, "function": {"arguments": part}}]) for part in ('{"city":', ' "Oslo', '"}')
    ]
    whole = sse(*asked, delta("tool_calls"))
    reply, _ = stream(ask, whole, tools=[WEATHER])
    assert json.loads(reply.tool_calls[0].arguments) == {"city": "Oslo"}
    with pytest.raises(TransientError):
        stream(ask, end(whole, at), tools=[WEATHER])


@pytest.mark.parametrize("end", [cut, short])
@pytest.mark.parametrize("at", ['"finish_reason": "stop"}]}\n\n', "[DONE]"])
def test_a_text_whose_end_was_told_is_whole(ask: Ask, end: Any, at: str) -> None:
    reply, heard = stream(ask, end(text(WORDS), at))
    assert (reply.text, heard) == (WORDS, WORDS)


def test_usage_that_is_not_told_is_estimated(ask: Ask) -> None:
    reply, _ = stream(ask, sse(delta(content=WORDS), delta("stop")), "openai/gpt-4o-mini")
    assert 3 < reply.usage.prompt_tokens < 30
    assert 3 < reply.usage.completion_tokens < 30
    assert reply.usage.usd == pytest.approx(reply.usage.prompt_tokens * 15e-8 + reply.usage.completion_tokens * 6e-7)
    body = json.loads(text(WORDS).body)
    del body["usage"]
    with OpenAIServer([raw(json.dumps(body).encode())]) as server:
        assert ask(request(server, "openai/gpt-4o-mini")).usage == reply.usage


def test_a_server_that_knows_no_streams_is_heard_all_the_same(ask: Ask) -> None:
    reply, heard = stream(ask, plain(text(WORDS)), "openai/gpt-4o-mini")
    assert (reply.text, heard) == (WORDS, WORDS)
    assert reply.usage.usd == pytest.approx(11 * 0.15e-6 + 7 * 0.60e-6)
    reply, _ = stream(ask, plain(calls(("weather", {"city": "Oslo"}))), tools=[WEATHER])
    assert reply.tool_calls[0].name == "weather"


REFUSED: dict[str, tuple[Answer, type[StepError], str]] = {
    "429": (failure(429, "slow down", retry_after="7"), RateLimitedError, "limiting the rate (429): slow down"),
    "500": (failure(500, "oops"), TransientError, "the provider failed (500): oops"),
    "401": (failure(401, f"not {KEY}"), ModelError, "refused the key (401): not ‹key›"),  # noqa: RUF001
    "reset": (RESET, TransientError, "Connection reset by peer"),
    "hang": (HANG, DeadlineError, "no reply came within 0.3 s"),
    "drip": (drip(text(WORDS)), DeadlineError, "no reply came within 0.3 s"),
    "without end": (TRICKLE, DeadlineError, "no reply came within 0.3 s"),
    "garbage": (Answer(b"data: {\n\n", headers=STREAM), ModelError, "the reply can't be read"),
    "garbage later": (Answer(OPEN_END + b"data: {no\n\n", headers=STREAM), ModelError, "the reply can't be read"),
    "an error later": (
        Answer(OPEN_END + b'data: {"error": {"message": "overloaded"}}\n\n', headers=STREAM),
        TransientError,
        "the provider broke off its reply: overloaded",
    ),
    "no end": (sse(delta(content="half")), TransientError, "the reply was cut off before its end"),
    "nothing": (sse(), TransientError, "the reply was cut off before its end"),
    "empty choices": (sse({"choices": []}), TransientError, "the reply was cut off before its end"),
    "whole, empty choices": (chat([]), ModelError, "the reply can't be read: it is no chat completion"),
    "whole, null choices": (chat(None), ModelError, "the reply can't be read: it is no chat completion"),
    "whole, garbage": (raw(b"{"), ModelError, "the reply can't be read: it is no chat completion"),
    "whole, a number": (raw(b"3"), ModelError, "the reply can't be read: it is no chat completion"),
    "whole, no message": (chat([{"index": 0, "message": 3}]), ModelError, "the reply can't be read"),
    "half a character": (sse(delta(content="\ud83d"), delta("stop")), ModelError, "it holds half a character"),
    "too long": (sse(delta(content="half"), delta("length")), ModelError, "cut off at its length limit"),
    "filtered": (sse(delta(content="half"), delta("content_filter")), ModelError, "the provider's content filter"),
    "calls without a name for them": (
        sse(delta(tool_calls=[{"index": 0, "function": {"name": "weather", "arguments": "{}"}}]), delta("tool_calls")),
        ModelError,
        "it ends for tool calls and holds none",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_stream_that_is_no_reply_has_its_kind(ask: Ask, case: str) -> None:
    answer, kind, words = REFUSED[case]
    with pytest.raises(StepError) as caught:
        stream(ask, answer, timeout=0.3 if kind is DeadlineError else 20.0)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("answer", [HANG, TRICKLE], ids=["hang", "trickle"])
def test_a_stream_is_left_when_its_time_is_over_and_when_the_call_is_cancelled(
    model: LitellmModel, answer: Answer
) -> None:
    async def late(server: OpenAIServer) -> bool:
        with pytest.raises(DeadlineError):
            await model.complete(request(server, timeout=0.2, on_text=lambda _: None))
        return await asyncio.to_thread(server.left.wait, 10)

    async def cancelled(server: OpenAIServer) -> bool:
        call = asyncio.ensure_future(model.complete(request(server, on_text=lambda _: None)))
        await asyncio.to_thread(server.asked.wait, 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return await asyncio.to_thread(server.left.wait, 10)

    for scenario in (late, cancelled):
        with OpenAIServer([answer]) as server:
            assert asyncio.run(scenario(server))


def test_a_character_that_comes_in_halves_is_joined(ask: Ask) -> None:
    reply, heard = stream(ask, sse(delta(content="so \ud83d"), delta(content="\ude00 good"), delta("stop")))
    assert (reply.text, heard) == ("so 😀 good", "so 😀 good")


def test_what_is_heard_can_always_be_written(ask: Ask) -> None:
    heard: list[str] = []
    with OpenAIServer([sse(delta(content="a\ud83d b\ude00"), delta("stop"))]) as server, pytest.raises(ModelError):
        ask(request(server, on_text=heard.append))
    assert "".join(heard).encode()


def _events(*events: dict[str, Any]) -> Answer:
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return Answer(body.encode(), headers=STREAM)


def _anthropic(*ending: dict[str, Any]) -> Answer:
    message = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "x", "stop_reason": None}
    return _events(
        {"type": "message_start", "message": {**message, "usage": {"input_tokens": 25, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Good "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "day."}},
        {"type": "content_block_stop", "index": 0},
        *ending,
    )


def _gemini(*pieces: dict[str, Any]) -> Answer:
    usage = {"promptTokenCount": 25, "candidatesTokenCount": 15, "totalTokenCount": 40}
    lines = (json.dumps({"candidates": [{"index": 0, **piece}], "usageMetadata": usage}) for piece in pieces)
    return Answer("".join(f"data: {line}\r\n\r\n" for line in lines).encode(), headers=STREAM)


def _says(words: str, **more: str) -> dict[str, Any]:
    return {"content": {"parts": [{"text": words}], "role": "model"}, **more}


OTHERS = {
    "anthropic/claude-haiku-4-5": (
        _anthropic({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 15}}),
        _anthropic(),
    ),
    "gemini/gemini-2.0-flash": (
        _gemini(_says("Good "), _says("day.", finishReason="STOP")),
        _gemini(_says("Good "), _says("day.")),
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_providers_tell_their_end_in_their_own_ways(ask: Ask, name: str) -> None:
    whole, half = OTHERS[name]
    reply, heard = stream(ask, whole, name)
    assert (reply.text, heard, reply.finish_reason) == ("Good day.", "Good day.", "stop")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (25, 15)
    with pytest.raises(TransientError, match="cut off before its end"):
        stream(ask, half, name)


def test_a_price_that_a_plan_names_counts_for_its_own_calls_alone(ask: Ask) -> None:
    own = {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01}
    free = {"input_cost_per_token": 0, "output_cost_per_token": 0}
    for on_text in (None, lambda _: None):
        for parameters, usd in ((own, 11 * 0.001 + 7 * 0.01), (free, 0.0), ({}, None)):
            with OpenAIServer([text(WORDS)]) as server:
                reply = ask(request(server, parameters=parameters, on_text=on_text))
            assert reply.usage.usd == (usd if usd is None else pytest.approx(usd))
            assert not [name for name in server.requests[0].body if "cost" in name]
