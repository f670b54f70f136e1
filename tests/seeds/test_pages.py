"""The code of the pages that people know from elsewhere runs here, with the names of this package."""

from __future__ import annotations

import importlib
import json
import logging
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from planrunner import Runner, Tool, ToolRunContext, load_script
from tests.conftest import PROJECT, PlanOf

REFUNDS = """
    tools: {refund_tool: {}, other: {}}
    steps:
      - {id: other, tool: other}
      - {id: pay, description: Pay it back, tool: refund_tool, args: {amount: 30}}
      - {id: again, tool: refund_tool, args: {amount: 5}}
"""


class Refund(Tool):
    id = "refund_tool"
    name = "Refund"
    effect = "write"
    args_schema = {"type": "object", "properties": {"amount": {"type": "number"}}}

    def __init__(self) -> None:
        self.paid: list[float] = []

    def run(self, ctx: ToolRunContext, amount: float) -> str:
        self.paid.append(amount)
        return f"{amount} paid"


class Other(Tool):
    id = "other"
    effect = "write"
    args_schema = {"type": "object"}

    def run(self, ctx: ToolRunContext) -> str:
        return "done"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planrunner.toml").write_text('store = "memory"\n', encoding="utf-8")


def page(name: str, *tools: Tool) -> tuple[ModuleType, Runner]:
    """The page, imported afresh, and its Runner; the tools that the page takes for granted are given to it."""
    module = importlib.reload(importlib.import_module(f"tests.seeds.{name}"))
    runner: Runner = module.runner
    runner._given = replace(runner._given, tools=(*runner._given.tools, *tools))
    return module, runner


@pytest.mark.parametrize("answer", ["y", "yes", "YES", True])
def test_clarify_before_refunds_lets_a_verified_call_through(plan_of: PlanOf, answer: Any) -> None:
    refund = Refund()
    _, runner = page("clarify_before_refunds", refund, Other())
    record = runner.run(plan_of(REFUNDS))
    for amount in (30, 5):
        assert record.state == "NEED_CLARIFICATION"
        (question,) = record.get_outstanding_clarifications()
        assert question.user_guidance.startswith(
            f"Are you happy to proceed with the call to Refund with args {{'amount': {amount}}}?"
        )
        ready = runner.resolve_clarification(question, answer, record)
        assert ready.state == "READY_TO_RESUME"
        record = runner.run(ready)
    assert record.state == "COMPLETE"
    assert refund.paid == [30, 5]
    assert [question.response for question in record.clarifications] == ["yes", "yes"]


@pytest.mark.parametrize("answer", ["n", "No", False])
def test_clarify_before_refunds_stops_a_call_that_was_not_verified(plan_of: PlanOf, answer: Any) -> None:
    refund = Refund()
    _, runner = page("clarify_before_refunds", refund, Other())
    record = runner.run(plan_of(REFUNDS))
    (question,) = record.get_outstanding_clarifications()
    record = runner.run(runner.resolve_clarification(question, answer, record))
    assert refund.paid == []
    assert record.error is not None
    assert record.error.kind == "rejected"
    assert "User rejected tool call" in record.error.message


def test_the_page_with_three_hooks(plan_of: PlanOf, caplog: pytest.LogCaptureFixture) -> None:
    refund = Refund()
    _, runner = page("log_steps", refund, Other())
    with caplog.at_level(logging.INFO, "planrunner"):
        record = runner.run(plan_of(REFUNDS))
        while record.state == "NEED_CLARIFICATION":
            (question,) = record.get_outstanding_clarifications()
            record = runner.run(runner.resolve_clarification(question, "yes", record))
    assert record.state == "COMPLETE"
    assert len(record.clarifications) == 3
    assert [message for message in caplog.messages if not message.startswith("a listener")] == [
        "Running step with task other using tool other",
        'other: "done"',
        "Running step with task Pay it back using tool refund_tool",
        'pay: "30 paid"',
        "Running step with task again using tool refund_tool",
        'again: "5 paid"',
    ]


def test_the_page_on_end_users(plan_of: PlanOf, capsys: pytest.CaptureFixture[str]) -> None:
    module, _ = page("handle_end_users")
    plan = plan_of("""
        steps:
          - {id: sure, clarify: {type: user_verification, guidance: Go on?}}
          - {id: greeting, set: "Hello {{ context.additional_data.name or context.end_user_id }}"}
    """)
    paused = module.main(plan)
    shown = json.loads(capsys.readouterr().out)
    assert shown["execution_context"] == {
        "end_user_id": "DemoUser123",
        "additional_data": {"email_address": "demo@portialabs.ai", "name": "Nicholas of Patara"},
        "planner_system_context_extension": None,
        "agent_system_context_extension": None,
    }
    (question,) = paused.get_outstanding_clarifications()
    module.runner.resolve_clarification(question, "yes", paused)
    record = module.runner.run(paused)
    assert record.final_output.value == "Hello Nicholas of Patara"
    paused = module.main(plan)
    module.runner.resolve_clarification(paused.get_outstanding_clarifications()[0], "yes", paused)
    assert module.resume(paused).execution_context.end_user_id == "DemoUser456"


def test_the_page_on_end_users_with_its_query(capsys: pytest.CaptureFixture[str]) -> None:
    module, runner = page("handle_end_users")
    runner._given = replace(runner._given, script=load_script(PROJECT / "plans" / "ask.script.yml"))
    record = module.main()
    assert json.loads(capsys.readouterr().out)["state"] == "COMPLETE"
    assert list(record.step_outputs) == ["$svalbard_temperature", "$personalized_greeting"]
    assert record.final_output == record.step_outputs["$personalized_greeting"]
    assert runner.run_query(module.QUERY, context={"additional_data": {"name": "Ada"}}).state == "COMPLETE"
