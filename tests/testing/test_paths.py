"""Steps within steps, items and rounds: by what names they are meant wherever a step is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from planrunner import events
from planrunner.document.source import parse, plain
from planrunner.events import Event
from planrunner.plan import Plan, Step
from planrunner.testing.case import Case, Expectation
from planrunner.testing.expect import differences
from planrunner.testing.names import PlanNames
from planrunner.testing.ran import Ran


class Nested(Plan):
    """A plan whose steps stand within each other, as a plan with loops, cases and sub-plans walks over them."""

    def walk(self) -> Iterator[Step]:
        yield Step("looks", 0, "tool", "crm.see", path="looks")
        yield Step("branch", 1, "switch", [], path="branch")
        yield Step("ask", 1, "clarify", {}, path="branch/ask")
        yield Step("group", 2, "steps", [], path="group")
        yield Step("see", 2, "tool", "see", path="group/see")
        yield Step("letter", 3, "plan", "./letter.yml", path="letter")


NAMES = PlanNames(Nested("nested", "", ()))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("looks", "looks"),
        ("looks[3]", "looks[3]"),
        ("looks[3](2)", "looks[3](2)"),
        ("branch/ask", "branch/ask"),
        ("branch(1)/ask[0]", "branch(1)/ask[0]"),
        ("ask", "branch/ask"),
        ("ask[4]", "branch/ask[4]"),
        ("letter/write(2)", "letter/write(2)"),
        ("letter[1]/any/thing", "letter[1]/any/thing"),
        ("letter", "letter"),
        ("look", None),
        ("branch/look", None),
        ("looks[x]", None),
        ("branch/ask/", None),
    ],
)
def test_paths_and_ids(name: str, path: str | None) -> None:
    assert NAMES.path(name) == path


def test_questions_about_calls_are_named_by_step_and_tool() -> None:
    assert NAMES.question("looks[3]/crm.see") == "looks[3]/crm.see"
    assert NAMES.question("ask") == "branch/ask"
    assert NAMES.question("branch/ask") == "branch/ask"
    assert NAMES.question("letter/write/crm.send") == "letter/write/crm.send"
    assert NAMES.question("nobody") is None


def test_in_a_script_a_tools_own_name_comes_before_that_of_a_step() -> None:
    assert NAMES.tool_or_step("see") == "see"
    assert NAMES.tool_or_step("ask") == "branch/ask"
    assert NAMES.tool_or_step("only.in.the.subplan") == "only.in.the.subplan"


def happened() -> Iterator[Event]:
    """A run with items, a case, and rounds of a step in a sub-plan."""
    yield Event(
        events.RUN_STARTED,
        "",
        0.0,
        {
            "id": "prun-1",
            "plan": {"name": "nested", "version": None, "sha256": ""},
            "root": ".",
            "steps": ["looks", "branch", "letter"],
            "inputs": {},
            "context": {"end_user_id": None, "additional_data": {}},
        },
    )
    for path in ("looks", "looks[0]", "looks[1]", "branch", "branch/ask", "letter", "letter/write(2)"):
        yield Event(events.STEP_STARTED, path, 1.0, {})
    for item in (0, 1):
        body = {"name": "crm.see", "args": {"n": item}, "attempt": 1}
        yield Event(events.EFFECT_STARTED, f"looks[{item}]!tool:0", 1.0, body)
    for turn, text in enumerate(("one", "two")):
        body = {"name": "m", "attempt": 1, "messages": [{"role": "user", "content": text}]}
        yield Event(events.EFFECT_STARTED, f"letter/write(2)!llm:{turn}", 1.0, body)
    error = {"kind": "tool_error", "message": "blurred"}
    yield Event(events.STEP_FINISHED, "looks[1]", 2.0, {"state": "FAILED", "error": error})
    for path, output in (("looks[0]", "a cat"), ("looks", ["a cat", None]), ("letter/write(2)", "Dear")):
        yield Event(events.STEP_FINISHED, path, 2.0, {"state": "COMPLETE", "output": output})
    yield Event(events.STEP_FINISHED, "group[0]/see", 2.0, {"state": "COMPLETE", "output": 1})
    yield Event(events.STEP_FINISHED, "group[1]/see", 2.0, {"state": "SKIPPED"})
    question = {"id": "clar-1", "path": "branch/ask", "category": "Input", "user_guidance": "Who?", "expires_at": None}
    yield Event(events.CLARIFICATION_RAISED, "branch/ask!ask", 2.0, question)
    yield Event(
        events.RUN_FINISHED, "", 3.0, {"state": "FAILED", "error": {**error, "step": "looks", "path": "looks[1]"}}
    )


@pytest.fixture
def ran() -> Ran:
    ran = Ran(NAMES)
    for event in happened():
        ran.hear(event)
    return ran


def told(ran: Ran, expect: str) -> list[str]:
    source = parse(expect.encode(), "expect")
    table: Mapping[str, Any] = plain(source.root)
    nodes: Any = source.root
    case = Case("one", 1, {}, {}, {}, {key: Expectation(value, nodes.get(key)) for key, value in table.items()})
    return [f"{each.at}: {each.message}" for each in differences(case, ran, NAMES, lambda _: True)]


@pytest.mark.parametrize(
    "expect",
    [
        "steps: {looks: COMPLETE, 'looks[0]': COMPLETE, 'looks[1]': FAILED, 'looks[7]': NOT_STARTED}",
        "steps: {ask: NEED_CLARIFICATION, branch/ask: NEED_CLARIFICATION, letter/write(2): COMPLETE}",
        "asked: [ask]",
        "asked: [branch/ask]",
        "asked: [{id: ask, type: input}]",
        "asked: [{path: branch/ask, guidance: Who?}]",
        "error: {kind: tool_error, step: 'looks[1]', message: blurred}",
        "error: {step: looks}",
        "steps: {'group[0]/see': COMPLETE, 'see[1]': NOT_STARTED, 'group[1]/see': SKIPPED}",
        "tool_calls: [{tool: crm.see, args: {n: 0}}, {tool: crm.see, args: {n: 1}}]",
        "that: \"steps['looks[0]'].output == 'a cat' and steps.ask.state == 'NEED_CLARIFICATION'\"",
        "that: \"outputs['letter/write(2)'] == 'Dear' and outputs.looks[1] is none\"",
        "that: \"'two' in prompts['letter/write(2)'][1] and prompts['letter/write(2)'][0] == 'one'\"",
    ],
)
def test_each_is_meant_by_its_path(ran: Ran, expect: str) -> None:
    assert told(ran, f"state: FAILED\n{expect}") == []


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ("steps: {'looks[1]': COMPLETE}", "steps.looks[1]: expected COMPLETE, got FAILED (tool_error: blurred)"),
        ("error: {step: 'looks[0]'}", "error.step: expected looks[0], got looks[1]"),
        ("steps: {see: COMPLETE}", "steps.see: expected COMPLETE, got COMPLETE and SKIPPED"),
        ("never: [crm.see]", 'never: crm.see {"n": 0} was called by looks[0]'),
        (
            "that: \"steps['looks[0]'].output == 'a dog'\"",
            "that: steps['looks[0]'].output == 'a dog' is false\nsteps['looks[0]'].output is \"a cat\"",
        ),
    ],
)
def test_differences_name_the_path(ran: Ran, expect: str, difference: str) -> None:
    assert told(ran, f"state: FAILED\n{expect}") == [difference]
