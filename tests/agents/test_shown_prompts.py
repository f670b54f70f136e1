"""`runs show --prompts` tells what the server really got, message by message, and what it really answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from planrunner.cli.main import main
from planrunner.render.prompts import text as as_text
from planrunner.render.words import Style
from planrunner.sent import SentPrompt
from tests.agents.bench import Bench, Look, attempts, by_model, plan, task
from tests.servers.openai_server import RESET, Request, calls, failure, raw, text

RETURNS = ", returns: {verdict: {enum: [yes, no]}}"
SCHEMA_AND_NONE = "model: [openai/gpt-4o-mini, openai/x]"


Message = dict[str, Any]


def conversations(prompts: list[SentPrompt]) -> Iterator[tuple[str, list[Message]]]:
    """Each attempt's model and whole conversation, put together again from what is shown."""
    for _, of_step in groupby(prompts, key=lambda prompt: prompt.path):
        before: list[Message] = []
        for _, of_turn in groupby(of_step, key=lambda prompt: prompt.turn):
            now: list[Message] = []
            for prompt in of_turn:
                now = _conversation(before, prompt.messages)
                yield prompt.model, now
            before = [*now, _said(prompt)]


def _conversation(before: list[Message], news: list[Message]) -> list[Message]:
    whole = [*before, *({name: told for name, told in message.items() if name != "tool"} for message in news)]
    system = [message for message in whole if message["role"] == "system"][-1]
    return [system, *(message for message in whole if message["role"] != "system")]


def _said(prompt: SentPrompt) -> Message:
    if prompt.reply is None:
        return {"role": "assistant", "content": None, "calls": []}
    return {"role": "assistant", "content": prompt.reply["text"], "calls": prompt.reply["tool_calls"]}


def got(request: Request) -> tuple[str, list[dict[str, Any]]]:
    """What the server got, in the words of what is shown."""
    return f"openai/{request.body['model']}", [_plain(message) for message in request.messages]


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    told = {"role": message["role"], "content": message.get("content")}
    if message["role"] == "assistant":
        told["calls"] = [call["function"] for call in message.get("tool_calls", ())]
    return told


def check(bench: Bench, run_id: str) -> list[SentPrompt]:
    prompts = bench.runner.runs.prompts(run_id)
    assert list(conversations(prompts)) == [got(request) for request in bench.requests]
    told = as_text(prompts, Style())
    for prompt in prompts:
        for message in prompt.messages:
            assert all(line in told for line in message["content"].splitlines())
    return prompts


AGAIN = calls(("look", {"q": "a"}), ("look", {"q": "b"}))
CASES: dict[str, tuple[Any, Any]] = {
    "one call": (task(), [text("done")]),
    "a loop": (task(), [AGAIN, calls(("pay", {"q": "c"})), text("done")]),
    "words beside calls": (task(), [text("I look.", tool_calls=[{"id": "c", "type": "function",
        "function": {"name": "look", "arguments": '{"q":  "a" }'}}]), text("done")]),
    "refused calls": (
        task(), [calls(("no", {}), ("look", "{"), ("look", {"q": "a"}), ("look", {"q": 1})), text("done")]
    ),
    "a soft error": (task(), [calls(("look", {"q": "soft"})), text("done")]),
    "retries": (task(), [failure(500), RESET, AGAIN, failure(503), text("done")]),
    "all attempts fail": (task(), [failure(500)] * 3),
    "a reply that can't be read": (task(), [raw(b"{")]),
    "asked again": (task(RETURNS), [text("Yes!"), text('{"verdict": "maybe"}'), text('{"verdict": "no"}')]),
    "with schema mode": (task(RETURNS, "model: openai/gpt-4o-mini"), [text('{"verdict": "no"}')]),
    "two tasks": (plan("""
        agents: {it: {tools: [look]}}
        steps: [{id: one, task: "One.", agent: it}, {id: two, task: "Two: {{ steps.one.output }}"}]
    """), [AGAIN, text("first"), text("second")]),
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_what_is_shown_is_what_was_sent(case: str, stream: bool) -> None:
    it, answers = CASES[case]
    with Bench(it, answers, stream=stream) as bench:
        record = bench.run(context={"end_user_id": "u<1>", "additional_data": {"name": "Zoë {{ 7*7 }}"}})
        prompts = check(bench, record.id)
    assert prompts[0].messages[0]["role"] == "system"
    assert [prompt.attempt for prompt in prompts] == [
        number + 1
        for told in (a for s in record.steps for a in attempts(record, s.id))
        for number in range(told.count(",") + 1)
    ]


def test_each_model_of_a_fallback_is_shown_with_the_system_message_it_got() -> None:
    """One has a schema mode, the other is told of the schema in the system message."""
    answers = by_model({
        "gpt-4o-mini": [failure(500), failure(500), text("Yes!"), failure(500)],
        "x": [failure(503), text("Maybe?"), failure(500), text('{"verdict": "yes"}')],
    })  # fmt: skip
    with Bench(task(RETURNS, SCHEMA_AND_NONE), answers) as bench:
        record = bench.run()
        prompts = check(bench, record.id)
        with_schema = ["response_format" in request.body for request in bench.requests]
    assert record.state == "COMPLETE", record.error
    assert with_schema == [model == "gpt-4o-mini" for model in bench.models]
    for prompt, native in zip(conversations(prompts), with_schema, strict=True):
        assert ("JSON Schema" in prompt[1][0]["content"]) != native
    formats = [request.body["response_format"] for request in bench.requests if "response_format" in request.body]
    properties = {"verdict": {"enum": ["yes", "no"], "type": "string"}}
    schema = {"type": "object", "properties": properties, "required": ["verdict"], "additionalProperties": False}
    told = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    assert formats == [told] * len(formats)


def test_what_a_resumed_run_was_sent_is_shown() -> None:
    def answer(request: Request) -> Any:
        told = [message["content"] for message in request.messages if message["role"] == "tool"]
        if not told:
            return calls(("clarify", {"question": "Which?"}), ("look", {"q": "a"}), ("no", {}))
        return text('{"verdict": "yes"}') if len(told) > 3 else calls(("look", {"q": told[0]}))

    it = task(RETURNS, f"{SCHEMA_AND_NONE}, tools: [look], ask: true")
    with Bench(it, by_model({"gpt-4o-mini": [failure(500)], "x": answer})) as bench:
        record = bench.run()
        assert record.state == "NEED_CLARIFICATION"
        check(bench, record.id)
        (question,) = record.clarifications
        bench.runner.resolve_clarification(question, "this <one>", record)
        record = bench.resume(record)
        assert record.state == "COMPLETE", record.error
        check(bench, record.id)
    assert bench.tool("look").calls == ["a", "this <one>"]


def test_what_was_sent_in_each_try_is_shown() -> None:
    answers = [
        AGAIN,
        failure(500),
        failure(500),
        failure(500),
        failure(500),
        calls(("look", {"q": "hard"})),
        text("done"),
    ]
    with Bench(task(), answers) as bench:
        failed = bench.run()
        assert attempts(failed) == ["COMPLETE", "transient, transient, FAILED"]
        check(bench, failed.id)
        record = bench.resume(failed, retry=True)
        assert attempts(record) == ["COMPLETE", "transient, transient, transient, transient, COMPLETE"]
        assert [call.attempts for call in record.steps[0].llm_calls] == [1, 5]
        assert record.error is not None
        assert record.error.message == "gone"
        bench.tools[0] = Kind()
        record = bench.resume(record, retry=True)
        assert record.state == "COMPLETE"
        check(bench, record.id)
    assert record.usage.llm_calls == len(bench.requests) == 7


class Kind(Look):
    def run(self, ctx: Any, **args: Any) -> Any:
        return "found after all"


def test_large_results_are_shown_as_they_were_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    class Large(Look):
        def run(self, ctx: Any, **args: Any) -> Any:
            return [{"row": n, "words": "many words"} for n in range(500)]

    monkeypatch.setenv("PLANRUNNER_LARGE_OUTPUT_TOKENS", "200")
    it = plan("""
        agents: {it: {tools: [look]}}
        tools: {look: {}}
        steps:
          - {id: rows, tool: look, args: {q: a}}
          - {id: work, task: "Look at {{ steps.rows.output }}", agent: it}
          - {id: count, set: "{{ steps.rows.output | length }}"}
    """)
    with Bench(it, [calls(("look", {"q": "a"})), text("done")], tools=[Large()]) as bench:
        record = bench.run()
        check(bench, record.id)
        sent = json.dumps([request.messages for request in bench.requests])
    assert "too large to stand here whole" in sent
    assert len(sent) < 10_000
    assert record.step_outputs["$count"].value == 500
    assert len(record.step_outputs["$rows"].value) == 500
    assert "a list of 500 objects" in (record.step_outputs["$rows"].summary or "")
    assert len(record.steps[1].tool_calls[0].output) == 500


def test_the_command_line_shows_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with Bench(
        task(), [failure(500, "oops \x1b[2J"), calls(("look", {"q": "a"})), text("\x1b[31mdone")], store=tmp_path
    ) as bench:
        record = bench.run()
        assert main(["runs", "show", record.id, "--prompts", "--format", "json", "--store", str(tmp_path)]) == 0
        told = json.loads(capsys.readouterr().out)
        shown = [SentPrompt(**prompt) for prompt in told]
        assert shown == bench.runner.runs.prompts(record.id)
        assert main(["runs", "show", record.id, "--prompts", "--store", str(tmp_path)]) == 0
        out = capsys.readouterr().out
    assert "\x1b" not in out
    lines = out.splitlines()
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings == ["work  call 1  openai/x", "work  call 1, attempt 2  openai/x", "work  call 2  openai/x"]
    assert lines.count("  the same messages") == 1
    assert any(line.startswith("  failed: transient: openai/x: the provider failed (500): oops") for line in lines)
    assert '    look {"q": "a"}' in lines
    assert '    {"found":"a"}' in lines
