"""What servers may answer, and what becomes of the run: state, requests, attempts on record, and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.agents.bench import Bench, attempts, by_model, kind_of, task
from tests.servers.openai_server import (
    HANG,
    RESET,
    TRICKLE,
    Answer,
    calls,
    chat,
    completion,
    cut,
    delta,
    drip,
    failure,
    plain,
    raw,
    short,
    sse,
    text,
)

SLACK = 3.0
"""Seconds that a loaded machine may take longer than the deadline of the calls."""
DONE = text("All done, at last.")
RETURNS = ", returns: {verdict: {enum: [yes, no]}}"
FALLBACK = "model: [openai/a, openai/b]"
THREE_TURNS = "tools: [look], max_turns: 3"
OK = "COMPLETE"
SHORT = ", timeout: 200ms"


@dataclass(frozen=True)
class Row:
    """One server.

    script    its answers, or those of each of its models; the last one serves for ever
    attempts  of each LLM call the kinds of its failed attempts, and how it ended
    output    of the task; the error kind where there is one
    called    what tools were asked
    within    seconds: the deadline of all calls together
    stream    None: the row holds with and without streaming
    """

    script: Sequence[Answer] | Mapping[str, Sequence[Answer]]
    attempts: Sequence[str]
    output: Any = "All done, at last."
    error: str | None = None
    called: Sequence[str] = ()
    refused: int = 0
    extra: str = ""
    agent: str = "tools: [look, pay]"
    within: float = 5.0
    at_least: float = 0.0
    stream: bool | None = None


def failing(answer: Answer, kind: str, within: float = 5.0, **more: Any) -> Row:
    """A server that never does better; `kind` is tried again."""
    return Row([answer], [f"{kind}, {kind}, FAILED"], error=kind, within=within, **more)


def refusing(answer: Answer, **more: Any) -> Row:
    """A server whose answer is not worth another try."""
    return Row([answer], ["FAILED"], error="model_error", **more)


def mended(answer: Answer, kind: str, **more: Any) -> Row:
    """A server that does better the second time."""
    return Row([answer, DONE], [f"{kind}, COMPLETE"], **more)


def wrong_call(*asked: tuple[str, Any]) -> Row:
    return Row([calls(*asked), DONE], [OK, OK], refused=len(asked))


ROWS = {
    # --- the loop
    "a text": Row([DONE], [OK]),
    "one call": Row([calls(("look", {"q": "a"})), DONE], [OK, OK], called=["a"]),
    "two calls at once": Row([calls(("look", {"q": "a"}), ("look", {"q": "b"})), DONE], [OK, OK], called=["a", "b"]),
    "one call after the other": Row(
        [calls(("look", {"q": "a"})), calls(("pay", {"q": "b"})), DONE], [OK] * 3, called=["a", "b"]
    ),
    "text beside a call": Row(
        [text("I look.", tool_calls=[{"id": "c", "type": "function",
         "function": {"name": "look", "arguments": '{"q": "a"}'}}]), DONE], [OK, OK], called=["a"],
    ),
    "an unknown tool": wrong_call(("lookup", {"q": "a"})),
    "args that are no JSON": wrong_call(("look", "{q: a}")),
    "args cut off": wrong_call(("look", '{"q": "a')),
    "args that are no object": wrong_call(("look", '["a"]')),
    "args null": wrong_call(("look", "null")),
    "args of another shape": wrong_call(("look", {"q": 1}), ("look", {}), ("look", {"q": "a", "more": 1})),
    "args with NaN": wrong_call(("look", '{"q": NaN}')),
    "no args at all": wrong_call(("look", "")),
    "a soft error": Row([calls(("look", {"q": "soft"})), DONE], [OK, OK], called=["soft"]),
    "a hard error": Row([calls(("look", {"q": "hard"})), DONE], [OK], error="tool_error", called=["hard"]),
    "for ever": Row(
        [calls(("look", {"q": "a"}))], [OK] * 3, error="exhausted", called=["a"] * 3, agent=THREE_TURNS
    ),
    "for ever, in vain": Row(
        [calls(("no", {}))], [OK] * 3, error="exhausted", refused=3, agent=THREE_TURNS
    ),
    # --- structured output
    "right": Row([text('{"verdict": "yes"}')], [OK], {"verdict": "yes"}, extra=RETURNS),
    "right, in a fence": Row([text('```json\n{"verdict": "no"}\n```')], [OK], {"verdict": "no"}, extra=RETURNS),
    "wrong, then right": Row(
        [text("Yes!"), text('{"verdict": "maybe"}'), text('{"verdict": "yes"}')], [OK] * 3, {"verdict": "yes"},
        extra=RETURNS,
    ),
    "always wrong": Row([text("Yes!")], [OK] * 3, error="schema_error", extra=RETURNS),
    "nothing said": Row([text(None)], [OK] * 3, error="schema_error", extra=RETURNS),
    # --- failures that pass
    "500, then well": mended(failure(500), "transient"),
    "503, then well": mended(failure(503), "transient"),
    "429, then well": mended(failure(429), "rate_limited"),
    "reset, then well": mended(RESET, "transient"),
    "cut, then well": mended(cut(DONE), "transient"),
    "hang, then well": mended(HANG, "timeout", extra=", timeout: 1s", within=6),
    "500 in the second turn": Row(
        [calls(("look", {"q": "a"})), failure(500), DONE], [OK, "transient, COMPLETE"], called=["a"]
    ),
    "429, come back later": mended(failure(429, retry_after="0.4"), "rate_limited", at_least=0.4),
    # --- failures that last
    "500": failing(failure(500), "transient"),
    "429": failing(failure(429), "rate_limited"),
    "reset": failing(RESET, "transient"),
    "cut": failing(cut(DONE), "transient"),
    "hang": failing(HANG, "timeout", within=0.6, extra=SHORT),
    "slow drip": failing(drip(DONE), "timeout", within=0.6, extra=SHORT),
    "429, come back too late": Row(
        [failure(429, retry_after="30")], ["FAILED"], error="rate_limited", extra=", timeout: 1s", within=3
    ),
    "only once": Row([failure(500)], ["FAILED"], error="transient", extra=", retry: {max_attempts: 1}"),
    "not for this kind": Row([failure(500)], ["FAILED"], error="transient", extra=", retry: {on: [timeout]}"),
    "also for this kind": Row(
        [raw(b"{"), DONE], ["model_error, COMPLETE"], extra=", retry: {on: [model_error], delay: 10ms}"
    ),
    "401": refusing(failure(401)),
    "400": refusing(failure(400)),
    "invalid JSON": refusing(raw(b'{"choices": [')),
    "nothing": refusing(raw(b"")),
    "a number": refusing(raw(b"3")),
    "empty choices": refusing(chat([])),
    "null choices": refusing(chat(None)),
    "a message that is none": refusing(chat([{"index": 0, "message": 3}])),
    "too long": refusing(completion({"role": "assistant", "content": "All d"}, "length")),
    "filtered": refusing(completion({"role": "assistant", "content": "All d"}, "content_filter")),
    # --- several models
    "the first fails": Row(
        {"a": [failure(500)], "b": [DONE]}, ["transient, COMPLETE"], agent=FALLBACK
    ),
    "the first is limited": Row(
        {"a": [failure(429, retry_after="20")], "b": [DONE]}, ["rate_limited, COMPLETE"], agent=FALLBACK
    ),
    "the first makes no sense": Row(
        {"a": [raw(b"{")], "b": [DONE]}, ["model_error, COMPLETE"], agent=FALLBACK
    ),
    "the first hangs": Row(
        {"a": [HANG], "b": [DONE]}, ["timeout, COMPLETE"], agent=FALLBACK, extra=", timeout: 1s", within=6
    ),
    "the second round helps": Row(
        {"a": [failure(500), DONE], "b": [failure(503)]}, ["transient, transient, COMPLETE"], agent=FALLBACK
    ),
    "one is left out": Row(
        {"a": [failure(401)], "b": [failure(500), failure(500), DONE]},
        ["model_error, transient, transient, COMPLETE"], agent=FALLBACK,
    ),
    "all fail": Row(
        {"a": [failure(500)], "b": [failure(503)]}, ["transient, " * 5 + "FAILED"], error="transient",
        agent=FALLBACK,
    ),
    "all refuse": Row(
        {"a": [failure(401)], "b": [failure(400)]}, ["model_error, FAILED"], error="model_error",
        agent=FALLBACK,
    ),
    "all hang": Row(
        {"a": [HANG], "b": [HANG]}, ["timeout, " * 5 + "FAILED"], error="timeout", agent=FALLBACK,
        extra=SHORT, within=1.2,
    ),
    "each turn begins with the first": Row(
        {"a": [failure(500), calls(("look", {"q": "a"})), failure(500)], "b": [failure(500), DONE]},
        ["transient, transient, COMPLETE", "transient, COMPLETE"], agent=f"{FALLBACK}, tools: [look]", called=["a"],
    ),
    # --- streams alone
    "cut in its first words": failing(short(DONE, '"content": "All'), "transient", stream=True),
    "cut in a later word": failing(short(DONE, "at l"), "transient", stream=True),
    "cut before its end is told": failing(short(DONE, '"content": "st."'), "transient", stream=True),
    "cut after its end is told": Row([short(DONE, '"finish_reason": "stop"}]}\n\n')], [OK], stream=True),
    "no end told": failing(sse(delta(content="All done, at last.")), "transient", stream=True),
    "no mark at the end": Row([sse(delta(content="All done, at last."), delta("stop"), done=False)], [OK], stream=True),
    "no usage told": Row([sse(delta(content="All done, at last."), delta("stop"))], [OK], stream=True),
    "garbage later": refusing(
        Answer(sse(delta(content="All"), done=False).body + b"data: {\n\n", headers=sse().headers),
        stream=True,
    ),
    "words without end": failing(TRICKLE, "timeout", stream=True, within=0.6, extra=SHORT),
    "a server without streams": Row([plain(DONE)], [OK], stream=True),
    "a call from a server without streams": Row(
        [plain(calls(("look", {"q": "a"}))), plain(DONE)], [OK, OK], called=["a"], stream=True
    ),
}  # fmt: skip


def cases() -> list[Any]:
    return [
        pytest.param(row, streams, id=f"{name}, {'streamed' if streams else 'whole'}")
        for name, row in ROWS.items()
        for streams in (False, True)
        if row.stream in (None, streams)
    ]


@pytest.mark.parametrize(("row", "streams"), cases())
def test_what_becomes_of_it(row: Row, streams: bool) -> None:
    script = row.script if isinstance(row.script, Mapping) else {"x": row.script}
    with Bench(task(row.extra, row.agent), by_model(script), stream=streams) as bench:
        record, seconds = bench.timed()
    assert attempts(record) == list(row.attempts)
    made = sum(told.count(",") + 1 for told in row.attempts)
    assert len(bench.requests) == made
    assert record.usage.llm_calls == made
    assert [call.attempts for call in record.steps[0].llm_calls] == [told.count(",") + 1 for told in row.attempts]
    assert sorted(bench.tool("look").calls + bench.tool("pay").calls) == sorted(row.called)
    assert [call.args["q"] for call in record.steps[0].tool_calls] == list(row.called)
    assert len(record.steps[0].refused_calls) == row.refused
    assert kind_of(record) == row.error
    assert record.state == ("FAILED" if row.error else "COMPLETE")
    assert row.at_least <= seconds < row.within + SLACK, "a deadline was not held"
    if row.error is None:
        assert record.step_outputs["$work"].value == row.output
    if streams and row.error is None and not row.extra:
        assert bench.text.endswith(row.output)
    if not streams:
        assert bench.text == ""
