"""A model that plays a script."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from planrunner.errors import (
    DeadlineError,
    ModelError,
    NotScriptedError,
    RateLimitedError,
    StepError,
    TransientError,
)
from planrunner.events import Event
from planrunner.models.base import ModelRequest, Reply, ToolCall, Usage, seam_name
from planrunner.models.scripted import REPLY_KINDS, ScriptedModel

TOOL = {"type": "function", "function": {"name": "crm__search", "parameters": {}}}


def ask(replies: dict[str, Any], path: str = "triage", turn: int = 0, tools: tuple[Any, ...] = ()) -> Reply:
    request = ModelRequest("any/model", [], tools, path=path, turn=turn)
    return asyncio.run(ScriptedModel(replies).complete(request))


def test_a_text_is_the_reply_byte_for_byte_and_free() -> None:
    reply = ask({"triage": ["{{ 7*7 }} {% raw %}"]})
    assert reply == Reply("{{ 7*7 }} {% raw %}", usage=Usage(0, 0, 0.0), finish_reason="stop")


def test_an_output_is_told_as_json() -> None:
    value = {"verdict": "unclear", "amount": 30, "note": "Zoë {{ x }}"}
    assert json.loads(ask({"triage": [{"output": value}]}).text or "") == value


def requests(*paths: str) -> list[ModelRequest]:
    """One request after the other, each the next turn of its step."""
    return [
        ModelRequest("any/model", [], path=path, turn=paths[:place].count(path)) for place, path in enumerate(paths)
    ]


def texts(model: ScriptedModel, *paths: str) -> list[str | None]:
    async def complete() -> list[str | None]:
        return [(await model.complete(request)).text for request in requests(*paths)]

    return asyncio.run(complete())


def test_each_reply_of_a_list_serves_one_call_of_its_step() -> None:
    model = ScriptedModel({"triage": ["one", "two"], "letter/write": ["three"], "looks[1]": ["four"]})
    assert texts(model, "triage", "letter/write", "triage", "looks[1]") == ["one", "three", "two", "four"]


def test_one_reply_alone_serves_every_call() -> None:
    assert texts(ScriptedModel({"triage": "again"}), "triage", "triage", "triage") == ["again"] * 3


def test_a_step_in_a_loop_is_meant_with_its_item_or_without() -> None:
    model = ScriptedModel({"looks": ["any", "other"], "looks[1]": "second", "letter/write(2)": "again"})
    said = texts(model, "looks[0]", "looks[1]", "looks[2]", "letter/write(2)", "looks[1]")
    assert said == ["any", "second", "other", "again", "second"]


def test_replies_to_calls_that_were_made_before_are_used_up() -> None:
    calls = [Event("effect_started", key, 0.0, {"name": "m"}) for key in ("triage!llm:0", "triage!llm:0", "b!llm:0")]
    model = ScriptedModel({"triage": ["one", "two", "three"]}, calls)
    assert texts(model, "triage") == ["three"]


def test_under_a_strict_script_a_lack_is_no_failure_of_the_model() -> None:
    with pytest.raises(NotScriptedError, match="no reply for turn 2 of a, it ends after reply 1"):
        texts(ScriptedModel({"a": ["one"]}, strict=True), "a", "a")


def test_tool_calls_have_the_names_the_model_is_offered_and_ids_of_their_own() -> None:
    script = {"triage": [{"tool_calls": [{"tool": "crm.search", "args": {"q": "A-1"}}, {"tool": "weather"}]}, "done"]}
    reply = ask(script)
    assert reply.text is None
    assert reply.tool_calls == (
        ToolCall("call_0_0", "crm__search", '{"q":"A-1"}'),
        ToolCall("call_0_1", "weather", "{}"),
    )
    assert reply.tool_calls[0].name == seam_name("crm.search") == TOOL["function"]["name"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("transient", TransientError),
        ("rate_limited", RateLimitedError),
        ("timeout", DeadlineError),
        ("model_error", ModelError),
    ],
)
def test_an_error_is_raised_with_its_kind_and_message(kind: str, error: type[StepError]) -> None:
    assert kind in REPLY_KINDS
    with pytest.raises(error, match=r"^down for lunch$"):
        ask({"triage": [{"raise": kind, "message": "down for lunch"}]})
    with pytest.raises(error, match="the script lets the model fail here"):
        ask({"triage": [{"raise": kind}]})


def test_what_a_script_lacks_is_told_with_what_to_add() -> None:
    with pytest.raises(ModelError) as caught:
        ask({"triag": ["hello"]})
    assert str(caught.value) == (
        "the script has no reply for turn 1 of triage; did you mean 'triag'? Add under `replies`:\n"
        "  triage:\n"
        "    - The text of the reply"
    )


def test_a_script_that_ends_too_early_is_told_so() -> None:
    model = ScriptedModel({"triage": ["one", "two"]})
    texts(model, "triage", "triage")
    with pytest.raises(ModelError) as caught:
        asyncio.run(model.complete(ModelRequest("any/model", [], (TOOL,), path="triage", turn=2)))
    assert "no reply for turn 3 of triage, it ends after reply 2. Add" in str(caught.value)
    assert "# or: {tool_calls: [{tool: NAME, args: {}}]}" in str(caught.value)


def test_what_is_no_reply_is_refused() -> None:
    with pytest.raises(ModelError, match="the scripted reply for turn 1 of triage is neither a text nor one of"):
        ask({"triage": [42]})
