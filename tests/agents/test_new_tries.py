"""`resume --retry` of a failed task: it goes on with its conversation, with as many turns and re-asks once more."""

from __future__ import annotations

from typing import Any

import pytest

from planrunner import ToolRunContext
from tests.agents.bench import Bench, Look, Pay, attempts, kind_of, task
from tests.servers.openai_server import Answer, Request, calls, failure, text

RETURNS = ", returns: {verdict: {enum: [yes, no]}}"


def turn(request: Request) -> int:
    return sum(message["role"] == "assistant" for message in request.messages)


def test_an_exhausted_agent_has_as_many_turns_again() -> None:
    def answer(request: Request) -> Answer:
        return text("done") if turn(request) == 7 else calls(("look", {"q": str(turn(request))}))

    with Bench(task(agent="tools: [look], max_turns: 3"), answer) as bench:
        record = bench.run()
        for turns in (3, 6):
            assert kind_of(record) == "exhausted"
            assert len(bench.requests) == turns
            record = bench.resume(record, retry=True)
        assert record.state == "COMPLETE", record.error
    assert bench.tool("look").calls == [str(number) for number in range(7)]
    assert [turn(request) for request in bench.requests] == list(range(8))


def test_an_answer_of_the_wrong_shape_is_asked_for_as_often_again() -> None:
    answers = [text("no"), text("no"), text("no"), text("no"), text("no"), text('{"verdict": "yes"}')]
    with Bench(task(RETURNS), answers) as bench:
        failed = bench.run()
        assert kind_of(failed) == "schema_error"
        assert len(bench.requests) == 3
        record = bench.resume(failed, retry=True)
    assert record.state == "COMPLETE", record.error
    assert len(bench.requests) == 6
    roles = [message["role"] for message in bench.requests[-1].messages]
    assert roles == ["system", "user", *["assistant", "user"] * 5]
    assert attempts(record) == ["COMPLETE"] * 6


def test_only_the_call_that_failed_is_made_again() -> None:
    class Mended(Look):
        broken = True

        def run(self, ctx: ToolRunContext, **args: Any) -> Any:
            asked = "hard" if args["q"] == "b" and Mended.broken else args["q"]
            return super().run(ctx, q=asked)

    asked = calls(("look", {"q": "a"}), ("look", {"q": "b"}), ("pay", {"q": "c"}))
    with Bench(task(), [asked, text("done")], tools=[Mended(), Pay()]) as bench:
        failed = bench.run()
        assert kind_of(failed) == "tool_error"
        assert [call.state for call in failed.steps[0].tool_calls] == ["COMPLETE", "FAILED", "COMPLETE"]
        Mended.broken = False
        record = bench.resume(failed, retry=True)
    assert record.state == "COMPLETE", record.error
    assert sorted(bench.tool("look").calls) == ["a", "b", "hard"]
    assert bench.tool("pay").calls == ["c"]
    assert [turn(request) for request in bench.requests] == [0, 1], "the model was asked again for what it had said"
    second = record.steps[0].tool_calls[1]
    assert (second.state, second.attempts) == ("COMPLETE", 2)
    assert [failed.error.message for failed in second.failed_attempts] == ["gone"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_was_down_is_asked_as_often_again(stream: bool) -> None:
    with Bench(task(), [failure(500)] * 5 + [text("done")], stream=stream) as bench:
        failed = bench.run()
        assert attempts(failed) == ["transient, transient, FAILED"]
        record = bench.resume(failed, retry=True)
    assert record.step_outputs["$work"].value == "done"
    assert attempts(record) == ["transient, " * 5 + "COMPLETE"]
    assert record.usage.llm_calls == len(bench.requests) == 6
