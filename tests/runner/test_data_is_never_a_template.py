"""What comes from users, contexts, tools and models reaches every sink byte for byte, and is evaluated nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planrunner import Runner, Tool, ToolRunContext
from planrunner.models.base import ModelRequest, Reply, ToolCall
from tests.conftest import PlanOf

HOSTILE = [
    "{{ 7*7 }}",
    "{% for x in range(9) %}{{ x }}{% endfor %}",
    "{{ steps.secret.output }}",
    "{# gone? #}",
    "${{ 7*7 }} \\x1b[31m \u202e",
    "{{",
    "'; DROP TABLE run; --",
]


class Bounce(Tool):
    """Gives back a prepared text, and keeps what it was given."""

    id = "bounce"
    effect = "read"
    args_schema = {"type": "object"}
    inline = True

    def __init__(self, text: str) -> None:
        self.text = text
        self.given: list[Any] = []

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.given.append(args)
        return self.text


class Parrot:
    """A model that says a prepared text: first as the argument of a tool call, then as its answer."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.requests: list[ModelRequest] = []

    async def ready(self) -> None:
        """It always is."""

    async def complete(self, request: ModelRequest) -> Reply:
        from planrunner.jsonsafe import dumps

        self.requests.append(request)
        if request.turn == 0:
            return Reply(self.text, (ToolCall("c", "bounce", dumps({"said": self.text})),))
        return Reply(self.text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_arrives_as_it_is(
    plan_of: PlanOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    plan = plan_of("""
        tools: {bounce: {}}
        inputs: {i: {type: string}}
        context: {additional_data: {d: {type: string}}}
        agents: {a: {tools: [bounce], instructions: "You serve {{ context.additional_data.d }}!"}}
        steps:
          - {id: secret, set: TOP-SECRET}
          - {id: t, tool: bounce, args: {i: "{{ inputs.i }}", d: "<{{ context.additional_data.d }}>"}}
          - {id: m, task: "Say: {{ steps.t.output }}", agent: a}
          - id: s
            set:
              whole: "{{ steps.m.output }}"
              within: "[{{ steps.t.output }}|{{ inputs.i }}|{{ context.additional_data.d }}|{{ steps.m.output }}]"
              again: "{{ steps.m.output | trim }}"
    """)
    tool, model = Bounce(text), Parrot(text)
    monkeypatch.setattr(Runner, "_model", lambda *_: model)
    with Runner(tools=[tool], store=tmp_path / "store", model="m") as runner:
        context = {"end_user_id": text, "additional_data": {"d": text}}
        record = runner.run(plan, {"i": text}, context=context)
        assert record.state == "COMPLETE", record.error
        assert runner.runs.get(record.id) == record
    assert tool.given == [{"i": text, "d": f"<{text}>"}, {"said": text}]
    system, task = model.requests[0].messages[:2]
    assert system["content"].startswith(f"You serve {text}!")
    assert task["content"] == f"Say: {text}"
    assert model.requests[1].messages[3]["content"] == text
    assert record.step_outputs["$s"].value == {"whole": text, "within": f"[{text}|{text}|{text}|{text}]", "again": text}
    assert record.execution_context.end_user_id == text
    kept = (tmp_path / "store" / "runs" / f"{record.id}.json").read_text(encoding="utf-8")
    assert type(record).model_validate_json(kept) == record
