"""Tools that play a script."""

from __future__ import annotations

from typing import Any

import pytest

from planrunner.errors import (
    DeadlineError,
    NotScriptedError,
    RejectedError,
    StepError,
    ToolHardError,
    ToolSoftError,
    TransientError,
)
from planrunner.events import Event
from planrunner.tools.scripted import TOOL_KINDS, ScriptedTools


def test_one_answer_serves_every_call() -> None:
    tools = ScriptedTools({"crm.search": {"returns": [1, {"a": "{{ 7*7 }}"}]}})
    for _ in range(3):
        assert tools.call("crm.search", "write", {"q": "x"}, "find") == [1, {"a": "{{ 7*7 }}"}]


def test_a_list_serves_one_call_each_and_then_runs_out() -> None:
    tools = ScriptedTools({"pay": [{"returns": None}, {"returns": 2}]})
    assert tools.call("pay", "irreversible", {}, "a") is None
    assert tools.call("pay", "irreversible", {}, "b") == 2
    with pytest.raises(ToolHardError, match=r'no answer left for a call of pay with the args {"n":3}\. Add one'):
        tools.call("pay", "irreversible", {"n": 3}, "c")


def test_two_runs_do_not_share_what_is_left() -> None:
    script = {"pay": [{"returns": 1}]}
    assert ScriptedTools(script).call("pay", "write", {}, "a") == 1
    assert ScriptedTools(script).call("pay", "write", {}, "a") == 1


def test_a_steps_path_wins_over_the_tools_name() -> None:
    tools = ScriptedTools({"crm.search": {"returns": "by name"}, "letter/find": [{"returns": "by path"}]})
    assert tools.call("crm.search", "read", {}, "letter/find") == "by path"
    assert tools.call("crm.search", "read", {}, "find") == "by name"
    with pytest.raises(ToolHardError, match="under `tools`, letter/find"):
        tools.call("crm.search", "read", {}, "letter/find")


def test_answers_are_chosen_by_args() -> None:
    tools = ScriptedTools(
        {
            "crm.search": [
                {"when_args": {"q": {"id": 1}}, "returns": "first of one"},
                {"when_args": {"q": {"id": 2}}, "returns": "of two"},
                {"returns": "of any"},
                {"when_args": {"q": {"id": 1}}, "returns": "second of one"},
            ]
        }
    )
    asked = [{"q": {"id": 2, "more": True}}, {"q": {"id": 1}}, {"q": {"id": 2}}, {"q": {"id": 1}, "limit": 5}]
    given = [tools.call("crm.search", "read", args, "find") for args in asked]
    assert given == ["of two", "first of one", "of any", "second of one"]


@pytest.mark.parametrize(
    ("part", "args", "fits"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": False}, {"a": 0}, False),
        ({"a": None}, {}, False),
        ({"a": None}, {"a": None}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, True),
        ({"a": {}}, {"a": "text"}, False),
        ({"a": "{{ x }}"}, {"a": "{{ x }}"}, True),
    ],
)
def test_args_fit_when_they_contain_what_is_named(part: Any, args: Any, fits: bool) -> None:
    tools = ScriptedTools({"t": {"when_args": part, "returns": "yes"}})
    if fits:
        assert tools.call("t", "read", args, "s") == "yes"
    else:
        with pytest.raises(ToolHardError, match="no answer whose `when_args` fit"):
            tools.call("t", "read", args, "s")


def test_equal_looking_answers_are_used_up_by_their_place() -> None:
    tools = ScriptedTools({"t": [{"returns": 1}, {"returns": True}]})
    assert [tools.call("t", "read", {}, "s") is True for _ in range(2)] == [False, True]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("tool_soft_error", ToolSoftError),
        ("tool_error", ToolHardError),
        ("timeout", DeadlineError),
        ("transient", TransientError),
    ],
)
def test_errors_are_raised_with_kind_and_message(kind: str, error: type[StepError]) -> None:
    assert kind in TOOL_KINDS
    with pytest.raises(error, match=r"^busy$"):
        ScriptedTools({"t": {"raise": kind, "message": "busy"}}).call("t", "read", {}, "s")
    with pytest.raises(error, match="the script lets this call fail"):
        ScriptedTools({"t": {"raise": kind}}).call("t", "read", {}, "s")


def test_what_is_not_scripted_runs_only_when_it_reads() -> None:
    tools = ScriptedTools({"other": {"returns": 1}})
    assert tools.call("calculator", "read", {}, "s") is NotImplemented
    for effect in ("write", "irreversible"):
        with pytest.raises(
            RejectedError, match=f"does not answer the tool refund, and its effect is {effect}"
        ) as caught:
            tools.call("refund", effect, {}, "s")  # type: ignore[arg-type]
        assert "refund: {returns: null}" in str(caught.value)


def test_a_tool_the_script_names_is_never_really_called() -> None:
    tools = ScriptedTools({"calculator": [], "weather": {"when_args": {"city": "Oslo"}, "returns": 1}})
    for tool, args in (("calculator", {}), ("weather", {"city": "Rome"})):
        with pytest.raises(ToolHardError):
            tools.call(tool, "read", args, "s")


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(ToolHardError, match="neither `returns` nor `raise`"):
        ScriptedTools({"t": {"when_args": {}}}).call("t", "read", {}, "s")


def test_a_step_in_a_loop_is_meant_with_its_item_or_without() -> None:
    tools = ScriptedTools({"looks[1]": {"returns": "second"}, "looks": [{"returns": 1}, {"returns": 2}]})
    paths = ["looks[0]", "looks[1]", "looks[2](3)", "looks[1](2)"]
    assert [tools.call("t", "read", {}, path) for path in paths] == [1, "second", 2, "second"]


def test_under_a_strict_script_nothing_runs_but_what_is_self_contained() -> None:
    tools = ScriptedTools({"pay": [{"returns": 1}], "find": {"when_args": {"q": 1}, "returns": 1}}, strict=True)
    assert tools.call("calculator", "read", {}, "s", self_contained=True) is NotImplemented
    with pytest.raises(NotScriptedError) as caught:
        tools.call("csv_reader", "read", {"path": "a.csv"}, "rows")
    assert str(caught.value) == (
        'rows calls csv_reader with the args {"path":"a.csv"}, and no answer is scripted. Add under `tools`:\n'
        "  csv_reader: {returns: null}"
    )
    assert tools.call("pay", "write", {}, "s") == 1
    with pytest.raises(NotScriptedError, match="no answer left for a call of pay"):
        tools.call("pay", "write", {}, "s")
    with pytest.raises(NotScriptedError, match="no answer whose `when_args` fit"):
        tools.call("find", "read", {"q": 2}, "s")


def test_no_tool_is_made_ready_that_is_never_really_called() -> None:
    lax, strict = (ScriptedTools({"pay": {"returns": 1}}, strict=strict) for strict in (False, True))
    assert lax.stands_for("pay", self_contained=False)
    assert not lax.stands_for("find", self_contained=False)
    assert strict.stands_for("find", self_contained=False)
    assert not strict.stands_for("log", self_contained=True)


def test_answers_to_calls_that_were_made_before_are_used_up() -> None:
    answers = {"t": [{"returns": 1}, {"returns": 2, "when_args": {"n": 2}}, {"returns": 3}]}
    made = [Event("effect_started", "s!tool:0.0", 0.0, {"name": "t", "args": {"n": 2}}) for _ in range(2)]
    assert ScriptedTools(answers, made).call("t", "read", {"n": 1}, "s") == 3
    assert ScriptedTools(answers, made[:1]).call("t", "read", {"n": 2}, "s") == 2
