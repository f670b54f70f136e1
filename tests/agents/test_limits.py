"""The limits of a run: exact counts, sums so far, time in flight; over pauses and new tries."""

from __future__ import annotations

import time
from typing import Any

import pytest

from planrunner import (
    InputClarification,
    ModelNotConfiguredError,
    PlanRun,
    Tool,
    ToolRunContext,
    UsageError,
    UserVerificationClarification,
)
from planrunner.cli.main import main
from planrunner.events import RUN_RETRIED
from tests.agents.bench import Bench, Look, attempts, by_model, kind_of, plan, task
from tests.servers.openai_server import Answer, Request, calls, failure, text

AGAIN = calls(("look", {"q": "a"}))
EVER = "tools: [look], max_turns: 50"
CALL = 11 * 15e-8 + 7 * 6e-7
"""What one reply of the server costs with gpt-4o-mini, in US dollars."""


def limited(limits: str, agent: str = EVER, extra: str = "") -> Any:
    return task(extra, agent, f"limits: {{{limits}}}")


def exceeded(record: PlanRun, name: str) -> None:
    assert kind_of(record) == "limit_exceeded", record.error
    assert record.error is not None
    assert f"(limits.{name}); to go on beyond it: planrunner resume {record.id} --retry --limit {name}=HIGHER" in (
        record.error.message
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("limits", "name", "requests", "tool_calls"),
    [
        ("llm_calls: 1", "llm_calls", 1, 1),
        ("llm_calls: 4", "llm_calls", 4, 4),
        ("tool_calls: 3", "tool_calls", 4, 3),
        ("tokens: 54", "tokens", 3, 3),
        ("tokens: 55", "tokens", 4, 4),
        ("tokens: 1", "tokens", 1, 1),
        (f"usd: {1.5 * CALL:.9f}", "usd", 2, 2),
        (f"usd: {2.5 * CALL:.9f}", "usd", 3, 3),
        ("llm_calls: 9, tool_calls: 9, tokens: 30, usd: 1, duration: 1h", "tokens", 2, 2),
    ],
)
def test_each_limit_stops_the_run_where_it_says(
    limits: str, name: str, requests: int, tool_calls: int, stream: bool
) -> None:
    agent = f"model: openai/gpt-4o-mini, {EVER}"
    with Bench(limited(limits, agent), lambda _: AGAIN, stream=stream) as bench:
        record = bench.run()
    exceeded(record, name)
    assert len(bench.requests) == record.usage.llm_calls == requests
    assert len(bench.tool("look").calls) == record.usage.tool_calls == tool_calls
    assert record.usage.prompt_tokens + record.usage.completion_tokens == 18 * requests
    assert record.usage.usd == pytest.approx(CALL * requests)


def test_a_limit_that_is_not_met_says_nothing() -> None:
    with Bench(limited("llm_calls: 2, tool_calls: 1, tokens: 37"), [AGAIN, text("done")]) as bench:
        assert bench.run().state == "COMPLETE"


def test_attempts_count_one_by_one() -> None:
    with Bench(limited("llm_calls: 2"), lambda _: failure(500)) as bench:
        record = bench.run()
    exceeded(record, "llm_calls")
    assert len(bench.requests) == 2
    assert attempts(record) == ["transient, FAILED"], "the second failure is the last: no other attempt followed it"
    assert record.usage.llm_calls == 2


def test_calls_side_by_side_are_counted_exactly() -> None:
    asked = calls(*(("look", {"q": str(n)}) for n in range(8)))
    with Bench(limited("tool_calls: 5"), lambda _: asked) as bench:
        record = bench.run()
    exceeded(record, "tool_calls")
    assert sorted(bench.tool("look").calls) == ["0", "1", "2", "3", "4"]
    assert [call.state for call in record.steps[0].tool_calls] == ["COMPLETE"] * 5


def test_what_a_failed_model_took_counts_too() -> None:
    """Two models, each failing once: every attempt is one of three."""
    answers = by_model({"a": [failure(500)], "b": [failure(500), AGAIN]})
    with Bench(limited("llm_calls: 3", "model: [openai/a, openai/b], tools: [look]"), answers) as bench:
        record = bench.run()
    exceeded(record, "llm_calls")
    assert bench.models == ["a", "b", "a"]


# --- time


def slow(seconds: float, answer: Answer) -> Any:
    def script(_: Request) -> Answer:
        time.sleep(seconds)
        return answer

    return script


def test_time_in_flight_is_limited_below_a_second_too() -> None:
    with Bench(limited("duration: 500ms"), slow(0.3, AGAIN)) as bench:
        record, seconds = bench.timed()
    exceeded(record, "duration")
    assert len(bench.requests) == 2
    assert seconds < 3


class Asks(Tool):
    """Asks once, then works."""

    id = "asks"
    effect = "read"
    args_schema = {"type": "object"}

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        if ctx.clarifications:
            return ctx.clarifications[0].response
        return InputClarification(plan_run_id=ctx.run_id, user_guidance="Which?")


PATIENT = """
    limits: {duration: 600ms, llm_calls: 2, tool_calls: 2}
    tools: {look: {}, asks: {}}
    agents: {it: {tools: [look], ask: true}}
    hooks: {before_tool_call: [{use: clarify_on_tool_calls, with: {tools: [look]}}]}
    steps:
      - {id: choose, clarify: {type: input, guidance: "What?"}}
      - {id: tool, tool: asks}
      - {id: work, task: "Go.", agent: it}
"""


def test_waiting_for_people_counts_in_no_limit() -> None:
    asked = calls(("clarify", {"question": "Which?"}), ("look", {"q": "a"}))
    with Bench(plan(PATIENT), [asked, text("done")], tools=[Look(), Asks()]) as bench:
        record = bench.run()
        for _ in range(4):
            assert record.state in ("NEED_CLARIFICATION", "COMPLETE"), record.error
            time.sleep(0.4)
            for question in record.get_outstanding_clarifications():
                yes = "yes" if isinstance(question, UserVerificationClarification) else "this"
                bench.runner.resolve_clarification(question, yes, record)
            record = bench.resume(record)
    assert record.state == "COMPLETE", record.error
    assert (record.usage.llm_calls, record.usage.tool_calls) == (2, 2)
    assert len(record.clarifications) == 4


def test_a_tool_that_asks_makes_one_call(tmp_path: Any) -> None:
    """It is called again after the answer: that is the same call."""
    asking = plan("""
        limits: {tool_calls: 1}
        tools: {asks: {}}
        steps: [{id: tool, tool: asks}]
    """)
    with Bench(asking, [], tools=[Asks()]) as bench:
        record = bench.run()
        (question,) = record.clarifications
        bench.runner.resolve_clarification(question, "this", record)
        record = bench.resume(record)
    assert record.state == "COMPLETE", record.error
    assert record.usage.tool_calls == 1


def test_limits_are_kept_over_a_pause() -> None:
    def answer(request: Request) -> Answer:
        asks = not any(message["role"] == "tool" for message in request.messages)
        return calls(("clarify", {"question": "Which?"})) if asks else AGAIN

    with Bench(limited("llm_calls: 3, tokens: 1000", f"{EVER}, ask: true"), answer) as bench:
        record = bench.run()
        assert record.state == "NEED_CLARIFICATION"
        assert len(bench.requests) == 1
        (question,) = record.clarifications
        bench.runner.resolve_clarification(question, "this", record)
        record = bench.resume(record)
    exceeded(record, "llm_calls")
    assert len(bench.requests) == 3


# --- raised


def test_a_raised_limit_lets_the_run_go_on_where_it_stopped() -> None:
    with Bench(limited("llm_calls: 2, tool_calls: 9"), lambda _: AGAIN) as bench:
        failed = bench.run()
        exceeded(failed, "llm_calls")
        exceeded(bench.resume(failed, retry=True), "llm_calls")
        assert len(bench.requests) == 2, "a new try alone raises nothing"
        record = bench.resume(failed, retry=True, limits={"llm_calls": 5})
        exceeded(record, "llm_calls")
        assert len(bench.requests) == 5
        exceeded(bench.resume(failed, retry=True), "llm_calls")
        assert len(bench.requests) == 5, "what was raised stays raised, and no higher"
        record = bench.resume(failed, retry=True, limits={"llm_calls": 50, "tool_calls": 20})
        exceeded(record, "tool_calls")
        assert len(bench.tool("look").calls) == 20
        raised = [event.body for event in bench.runner.runs.events(failed.id) if event.kind == RUN_RETRIED]
    assert raised == [{}, {"limits": {"llm_calls": 5}}, {}, {"limits": {"llm_calls": 50, "tool_calls": 20}}]


def test_only_a_higher_limit_that_the_plan_has_can_be_given() -> None:
    with Bench(limited("llm_calls: 2"), lambda _: AGAIN) as bench:
        failed = bench.run()
        for limits, words in (
            ({"llm_calls": 2}, "the limit llm_calls is 2 already: give a higher one, and not 2"),
            ({"llm_calls": 1}, "give a higher one, and not 1"),
            ({"tokens": 5}, "the plan 'agents' has no limit tokens: there is nothing to raise"),
            ({"llm_call": 5}, "there is no limit 'llm_call'; did you mean 'llm_calls'"),
            ({"llm_calls": "many"}, "the limit llm_calls must be a whole number above 0, and is 'many'"),
            ({"llm_calls": "2.5"}, "the limit llm_calls must be a whole number above 0, and is '2.5'"),
            ({"usd": "-1"}, "the limit usd must be a number above 0, and is '-1'"),
            ({"duration": "soon"}, "the limit duration must be a duration above 0, such as 10m, and is 'soon'"),
        ):
            with pytest.raises(UsageError, match=words.replace("(", r"\(")):
                bench.resume(failed, retry=True, limits=limits)
        with pytest.raises(UsageError, match=r"limits are raised for a new try only"):
            bench.resume(failed, limits={"llm_calls": 5})
        assert len(bench.requests) == 2
        assert bench.runner.runs.get(failed.id) == failed, "the run is as it was"


def test_limits_of_a_run_that_waits_are_not_raised_in_silence() -> None:
    with Bench(limited("llm_calls: 2", f"{EVER}, ask: true"), [calls(("clarify", {"question": "Which?"}))]) as bench:
        waits = bench.run()
        with pytest.raises(
            UsageError, match=r"limits are raised for a new try of a FAILED run, and run .* is NEED_CLAR"
        ):
            bench.resume(waits, retry=True, limits={"llm_calls": 5})


def test_the_command_line_raises_limits(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.yml").write_text("""
planrunner: 1
name: limited
limits: {llm_calls: 2, duration: 1h}
agents: {it: {tools: [calculator], max_turns: 50}}
steps: [{id: work, task: Go., agent: it}]
""")
    (tmp_path / "planrunner.toml").touch()
    monkeypatch.chdir(tmp_path)
    sum_up = calls(("calculator", {"expression": "1 + 1"}))
    answers = [sum_up, sum_up, sum_up, text("done")]
    with Bench(task(), answers) as bench:
        assert main(["run", "plan.yml", "--model", "openai/x"]) == 1
        told = capsys.readouterr().err
        (command,) = [line.partition("go on beyond it: ")[2] for line in told.splitlines() if "beyond it" in line]
        words = command.removeprefix("planrunner ").replace("HIGHER", "4").split()
        assert main([*words, "--limit", "duration=2h", "--model", "openai/x"]) == 0
        assert capsys.readouterr().out == "done\n"
    assert len(bench.requests) == 4


# --- prices


PRICED = """
    models: {{mine: {{model: openai/x{price}}}}}
    limits: {{usd: 0.25}}
    agents: {{it: {{model: {model}, tools: [look], max_turns: 50}}}}
    steps: [{{id: work, task: "Go.", agent: it}}]
"""
PRICE = ", input_cost_per_token: 0.01, output_cost_per_token: 0.001"


@pytest.mark.parametrize("model", ["openai/x", "mine", "[openai/gpt-4o-mini, openai/x]"])
def test_a_model_whose_price_nobody_knows_is_refused_before_the_run(model: str) -> None:
    with Bench(plan(PRICED.format(model=model, price="")), [text("never")]) as bench:
        with pytest.raises(ModelNotConfiguredError, match=r"nobody knows the price of openai/x, which the step 'work'"):
            bench.run()
        assert bench.runner.runs.list() == []
    assert bench.requests == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_price_of_the_plan_counts(stream: bool) -> None:
    with Bench(plan(PRICED.format(model="mine", price=PRICE)), lambda _: AGAIN, stream=stream) as bench:
        record = bench.run()
    exceeded(record, "usd")
    assert len(bench.requests) == 3
    assert record.usage.usd == pytest.approx(3 * (11 * 0.01 + 7 * 0.001))
    assert not any("cost" in name for request in bench.requests for name in request.body)


def test_a_run_is_not_carried_on_with_a_model_of_unknown_price() -> None:
    waiting = plan("""
        limits: {usd: 1}
        steps: [{id: ask, clarify: {type: input, guidance: "What?"}}, {id: work, task: "Go."}]
    """)
    with Bench(waiting, [text("done")]) as bench:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bench, "model", "openai/gpt-4o-mini")
            record = bench.run()
        (question,) = record.clarifications
        bench.runner.resolve_clarification(question, "this", record)
        with pytest.raises(ModelNotConfiguredError, match="nobody knows the price of openai/x"):
            bench.resume(record)
        assert bench.runner.runs.get(record.id).state == "READY_TO_RESUME"
        assert bench.runner.cancel(record.id).state == "FAILED", "to end a run nobody asks for a price"
    assert bench.requests == []
