"""What counts as a person's approval of an irreversible call, and every way in which something only looks like one."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

from planrunner.document.load import Loaded, load_document

TOOLS = 'tools: {refund: {use: "shop:refund", effect: irreversible}, pay_back: {use: "shop:refund"}}'
ASK = "{use: clarify_on_tool_calls, with: {tools: [refund]}}"
PAY = "{id: pay, tool: refund}"
GATE = "{id: confirm, clarify: {type: user_verification, guidance: x}}"
CHOICE = "{id: decide, clarify: {type: multiple_choice, guidance: x, options: [refund, reject]}}"
CHOSEN = """{id: pay, when: 'steps.decide.output == "refund"', tool: refund}"""


def load(steps: str, hooks: str = "", more: str = "") -> Loaded:
    bound = f"hooks: {{before_tool_call: [{hooks}]}}\n" if hooks else ""
    text = f"planrunner: 1\nname: shop\n{TOOLS}\n{bound}{dedent(more)}\n" + dedent(steps)
    return load_document(text.encode(), "plan.yml", path=None, root=".")


def told(loaded: Loaded) -> list[str]:
    """What the proof says; nothing else may be wrong with the plan."""
    errors = [problem for problem in loaded.problems if problem.level == "error"]
    assert {problem.code for problem in errors} <= {"unapproved"}, errors
    return [problem.message for problem in errors]


def steps(*listed: str) -> str:
    return "steps:\n" + "".join(f"  - {step}\n" for step in listed)


@pytest.mark.parametrize(
    "hooks",
    [
        ASK,
        "{use: clarify_on_all_tool_calls}",
        "{use: clarify_on_tool_calls, with: {tools: ['ref*', log]}}",
        '{use: clarify_on_tool_calls, with: {tools: ["shop:refund"]}}',
        "{use: clarify_on_tool_calls, with: {tools: [pay_back]}}",
        "{use: clarify_on_all_tool_calls, match: {tool: refund, step: [pay, x], effect: irreversible}}",
        "{use: deny_tool_calls, with: {tools: [refund]}}",
        f"{{use: allow_tool_calls, with: {{tools: [log]}}}}, {ASK}",
        f"{{use: allow_tool_calls, with: {{tools: [refund]}}, match: {{step: other}}}}, {ASK}",
        f'{{use: "shop:check", when: args.x > 1}}, {ASK}',
        f"{ASK}, {{use: allow_tool_calls, with: {{tools: [refund]}}}}",
    ],
)
def test_a_hook_that_asks_before_every_such_call_counts(hooks: str) -> None:
    assert told(load(steps("{id: other, tool: log, args: {message: x}}", "{id: x, set: 1}", PAY), hooks)) == []


@pytest.mark.parametrize(
    ("hooks", "why"),
    [
        ("{use: clarify_on_tool_calls, with: {tools: [log]}}", None),
        ("{use: clarify_on_tool_calls, with: {tools: [refund]}, when: args.x > 1}", "only where its when holds"),
        ("{use: clarify_on_tool_calls, with: {tools: [refund]}, match: {args: {x: '1'}}}", "its match.args holds"),
        ("{use: clarify_on_tool_calls, with: {tools: [refund]}, match: {effect: write}}", None),
        ("{use: clarify_on_all_tool_calls, match: {step: other}}", r"not for every call of 'pay' \(match.step\)"),
        (f"{{use: allow_tool_calls, with: {{tools: ['*']}}}}, {ASK}", "the allow_tool_calls at 4:28 stands first"),
        (f"{{use: allow_tool_calls, with: {{tools: [pay_back]}}}}, {ASK}", "stands first and may let it pass"),
        (f"{{use: allow_tool_calls, with: {{tools: [refund]}}, when: args.x < 5}}, {ASK}", "stands first"),
        (f"{{use: allow_tool_calls, with: {{tools: [refund]}}, match: {{args: {{x: '1'}}}}}}, {ASK}", "stands first"),
        ('{use: "shop:approve"}', None),
        ("{use: fail, with: {message: no}, match: {tool: log}}", None),
    ],
)
def test_a_hook_that_may_not_ask_does_not_count(hooks: str, why: str | None) -> None:
    listed = steps("{id: other, tool: log, args: {message: x}}", "{id: x, set: 1}", PAY)
    (message,) = told(load(listed, hooks))
    assert message.startswith("'pay' calls 'refund', which nobody can take back, without approval on the path other → ")
    if why is None:
        assert "pay; let a person approve" in message
    else:
        assert re.search(why, message), message


@pytest.mark.parametrize(
    ("glob", "counts"),
    [("'pay*'", True), ("pay", True), ("'pay[[]*'", True), ("'pay[[][0-9]]'", False), ("'pay[[]1]'", False)],
)
def test_in_a_loop_a_hook_must_mean_the_paths_that_the_step_has_there(glob: str, counts: bool) -> None:
    hook = f"{{use: clarify_on_all_tool_calls, match: {{step: {glob}}}}}"
    loaded = load(steps("{id: pay, foreach: {in: '[1, 2]'}, tool: refund}"), hook)
    found = [problem for problem in loaded.problems if problem.code == "unapproved"]
    assert (found == []) is counts


APPROVED = {
    "right before it": (GATE, PAY),
    "further above": (GATE, "{id: x, set: 1}", PAY),
    "a value": ("{id: c, clarify: {type: value_confirmation, guidance: x, value: 1}}", PAY),
    "needed": (GATE, "{id: x, set: 1}", "{id: pay, needs: [confirm], tool: refund}"),
    "needed by what is needed": (GATE, "{id: x, needs: [confirm], set: 1}", "{id: pay, needs: [x], tool: refund}"),
    "always asked": ("{id: c, when: true, clarify: {type: user_verification, guidance: x}}", PAY),
    "outside of a group": (GATE, f"{{id: all, steps: [{PAY}]}}"),
    "outside of a case": (GATE, f"{{id: s, switch: [{{when: inputs.a, steps: [{PAY}]}}]}}"),
    "in the same case": (f"{{id: s, switch: [{{when: inputs.a, steps: [{GATE}, {PAY}]}}]}}",),
    "in the same group with on_error": (f"{{id: g, steps: [{GATE}, {PAY}], on_error: [{{output: 1}}]}}",),
    "in the same iteration": (f"{{id: g, foreach: {{in: '[1]'}}, steps: [{GATE}, {PAY}]}}",),
    "in the same round": (f"{{id: g, repeat: {{until: inputs.a, max: 3}}, steps: [{GATE}, {PAY}]}}",),
    "in a group above": (f"{{id: g, steps: [{GATE}]}}", PAY),
    "in every case above": (
        f"{{id: s, switch: [{{when: inputs.a, steps: [{GATE}]}}, {{steps: [{GATE.replace('confirm', 'other')}]}}]}}",
        PAY,
    ),
    "in the handler of an error": (
        f"{{id: x, tool: log, args: {{message: x}}, on_error: [{{steps: [{GATE}, {PAY}]}}]}}",
    ),
    "before what failed": (GATE, f"{{id: x, tool: log, args: {{message: x}}, on_error: [{{steps: [{PAY}]}}]}}"),
    "before the rounds of what failed": (
        GATE,
        "{id: x, repeat: {until: inputs.a, max: 3}, tool: log, args: {message: x}, "
        f"on_error: [{{match: [exhausted], steps: [{PAY}]}}]}}",
    ),
}
BOOL = "inputs: {a: {type: boolean}}"


@pytest.mark.parametrize("listed", APPROVED.values(), ids=APPROVED)
def test_a_gate_that_was_surely_passed_counts(listed: tuple[str, ...]) -> None:
    assert told(load(steps(*listed), more=BOOL)) == []


UNAPPROVED = {
    "nothing": ((PAY,), "without approval on the path pay; let"),
    "below": ((PAY, GATE), "on the path pay; let"),
    "skipped by when": (
        ("{id: c, when: inputs.a, clarify: {type: user_verification, guidance: x}}", PAY),
        "'c' does not count: its 'when' may leave it out",
    ),
    "a no is handled": (
        (
            "{id: c, clarify: {type: user_verification, guidance: x}, on_error: [{match: [rejected], output: false}]}",
            PAY,
        ),
        "its 'on_error' may handle a no",
    ),
    "a time-out is handled": (
        ("{id: c, clarify: {type: user_verification, guidance: x, timeout: 1d}, on_error: [{output: false}]}", PAY),
        "its 'on_error' may handle a no, or that nobody answers",
    ),
    "a no is handled around it": (
        (f"{{id: g, steps: [{GATE}], on_error: [{{match: [rejected], output: 1}}]}}", PAY),
        "'g' does not count: its 'on_error' may handle",
    ),
    "a no is handled further around it": (
        (f"{{id: g, steps: [{{id: h, steps: [{GATE}]}}], on_error: [{{match: [rejected], output: 1}}]}}", PAY),
        "'g' does not count: its 'on_error' may handle",
    ),
    "in a case": (
        (f"{{id: s, switch: [{{when: inputs.a, steps: [{GATE}]}}]}}", PAY),
        "'s' does not count: it may be that none of its cases holds",
    ),
    "in one case of two": (
        (f"{{id: s, switch: [{{when: inputs.a, steps: [{GATE}]}}, {{steps: [{{id: x, set: 1}}]}}]}}", PAY),
        "'s' does not count: not every case of it asks",
    ),
    "in another case": (
        (f"{{id: s, switch: [{{when: inputs.a, steps: [{GATE}]}}, {{steps: [{PAY}]}}]}}",),
        "on the path s → pay; let",
    ),
    "in a group that is skipped": (
        (f"{{id: g, when: inputs.a, steps: [{GATE}]}}", PAY),
        "'g' does not count: its 'when' may leave it out",
    ),
    "of an empty list": (
        ("{id: c, foreach: {in: '[]'}, clarify: {type: user_verification, guidance: x}}", PAY),
        "for an empty list it asks nobody",
    ),
    "in another iteration": (
        (GATE, "{id: pay, foreach: {in: '[1, 2]'}, tool: refund}"),
        "'confirm' does not count: it is asked once, and the call is made again and again",
    ),
    "in another round": (
        (GATE, f"{{id: g, repeat: {{until: inputs.a, max: 3}}, steps: [{PAY}]}}"),
        "it is asked once, and the call is made again and again",
    ),
    "in the handler of another error": (
        (f"{{id: x, tool: log, args: {{message: x}}, on_error: [{{steps: [{GATE}]}}]}}", PAY),
        "on the path x → pay; let",
    ),
    "where its own no is handled": (
        (f"{GATE[:-1]}, on_error: [{{match: [rejected], steps: [{PAY}]}}]}}",),
        "on the path confirm → pay; let",
    ),
    "jumped": (
        (GATE, "{id: pay, needs: [], tool: refund}"),
        r"'pay' does not wait for it (add it to the 'needs' of 'pay')",
    ),
    "jumped by a container": (
        (GATE, f"{{id: g, needs: [], steps: [{PAY}]}}"),
        "'g' does not wait for it (add it to the 'needs' of 'g')",
    ),
    "another question": (("{id: c, clarify: {type: input, guidance: x}}", PAY), "on the path c → pay; let"),
    "an agent, behind a gate": (
        (GATE, "{id: t, task: pay, agent: {model: a/b, tools: [refund]}}"),
        "'confirm' is asked once, however often an agent calls its tools",
    ),
}


@pytest.mark.parametrize(("listed", "why"), UNAPPROVED.values(), ids=UNAPPROVED)
def test_a_gate_that_a_run_can_get_around_does_not_count(listed: tuple[str, ...], why: str) -> None:
    (message,) = told(load(steps(*listed), more=BOOL))
    assert why in message, message


def test_a_gate_that_a_hook_may_leave_out_does_not_count() -> None:
    skip = "{before_step_execution: [{use: skip_step, when: inputs.a, match: {step: '%s'}}]}"
    assert told(load(steps(GATE, PAY), more=f"hooks: {skip % 'pay'}\n{BOOL}")) == []
    (message,) = told(load(steps(GATE, PAY), more=f"hooks: {skip % 'con*'}\n{BOOL}"))
    assert "a 'skip_step' hook may leave it out" in message


CHOSEN_BY_A_PERSON = {
    "demanded": (CHOICE, CHOSEN),
    "the other way round": (
        CHOICE,
        CHOSEN.replace('steps.decide.output == "refund"', '"refund" == steps.decide.output'),
    ),
    "and more": (CHOICE, CHOSEN.replace('"refund"', '"refund" and (inputs.a and not inputs.a)')),
    "in brackets": (CHOICE, CHOSEN.replace("steps.decide.output", 'steps["decide"]["output"]')),
    "skipped": (CHOICE.replace("{id: decide,", "{id: decide, when: inputs.a,"), CHOSEN),
    "another answer of silence": (CHOICE.replace("x,", "x, timeout: 2d, on_timeout: {answer: reject},"), CHOSEN),
    "silence fails": (CHOICE.replace("x,", "x, timeout: 2d, on_timeout: fail,"), CHOSEN),
    "another answer of errors": (CHOICE[:-1] + ", on_error: [{output: reject}]}", CHOSEN),
    "demanded by a case": (
        CHOICE,
        f"{{id: s, switch: [{{when: 'steps.decide.output == \"refund\"', steps: [{PAY}]}}]}}",
    ),
    "demanded by a group": (CHOICE, f"{{id: g, when: 'steps.decide.output == \"refund\"', steps: [{PAY}]}}"),
    "in the same iteration": (f"{{id: g, foreach: {{in: '[1]'}}, steps: [{CHOICE}, {CHOSEN}]}}",),
}


@pytest.mark.parametrize("listed", CHOSEN_BY_A_PERSON.values(), ids=CHOSEN_BY_A_PERSON)
def test_a_choice_that_the_step_demands_counts(listed: tuple[str, ...]) -> None:
    assert told(load(steps(*listed), more=BOOL)) == []


NOT_CHOSEN = {
    "not demanded": (CHOICE, PAY),
    "or": (CHOICE, CHOSEN.replace('"refund"', '"refund" or inputs.a')),
    "or before": (CHOICE, CHOSEN.replace("steps.decide.output ==", '(steps.decide.output or "refund") ==')),
    "or in an and": (CHOICE, CHOSEN.replace('"refund"', '"refund" and inputs.a or inputs.a')),
    "default": (CHOICE, CHOSEN.replace("output ==", 'output | default("refund") ==')),
    "if": (CHOICE, CHOSEN.replace('"refund"', '"refund" if inputs.a else inputs.a')),
    "not": (CHOICE, CHOSEN.replace('steps.decide.output == "refund"', 'not steps.decide.output == "refund"')),
    "another answer than": (CHOICE, CHOSEN.replace("==", "!=")),
    "one of": (CHOICE, CHOSEN.replace('== "refund"', 'in ["refund", "reject", null]')),
    "an answer of silence": (CHOICE.replace("x,", "x, timeout: 2d, on_timeout: {answer: refund},"), CHOSEN),
    "an answer of errors": (CHOICE[:-1] + ", on_error: [{output: refund}]}", CHOSEN),
    "any answer of errors": (CHOICE[:-1] + ', on_error: [{output: "{{ inputs.b }}"}]}', CHOSEN),
    "steps answer errors": (CHOICE[:-1] + ", on_error: [{steps: [{id: x, set: refund}]}]}", CHOSEN),
    "a value of another step": ("{id: decide, set: refund}", CHOSEN),
    "a value that is compared": (CHOICE, CHOSEN.replace('"refund"', "inputs.b")),
    "in another iteration": (CHOICE, CHOSEN.replace("{id: pay,", "{id: pay, foreach: {in: '[1, 2]'},")),
    "asked for each": (CHOICE.replace("{id: decide,", "{id: decide, foreach: {in: '[1]'},"), CHOSEN),
}


@pytest.mark.parametrize("listed", NOT_CHOSEN.values(), ids=NOT_CHOSEN)
def test_a_choice_that_need_not_have_been_made_does_not_count(listed: tuple[str, ...]) -> None:
    assert len(told(load(steps(*listed), more="inputs: {a: {type: boolean}, b: {type: string}}"))) == 1


def test_of_a_tool_that_may_be_taken_back_or_is_unknown_nothing_is_said() -> None:
    assert told(load(steps("{id: a, tool: log, args: {message: x}}"))) == []
    plan = "planrunner: 1\nname: a\ntools: {send: {}}\nsteps: [{id: a, tool: send}]\n"
    assert told(load_document(plan.encode(), "plan.yml", path=None, root=".")) == []


def test_all_names_of_a_tool_are_as_irreversible_as_the_gravest() -> None:
    (message,) = told(load(steps("{id: a, tool: pay_back}")))
    assert "'a' calls 'pay_back'" in message


def test_a_built_in_tool_is_irreversible_where_the_plan_says_so() -> None:
    plan = (
        "planrunner: 1\nname: a\ntools: {log: {effect: irreversible}}\nsteps: [{id: a, tool: log, args: {message: x}}]"
    )
    assert len(told(load_document(plan.encode(), "plan.yml", path=None, root="."))) == 1


def test_it_stands_at_the_name_in_the_list_of_the_agent_once() -> None:
    more = "agents: {clerk: {model: a/b, tools: [log, refund]}}\n"
    loaded = load(steps("{id: t, task: a, agent: clerk}", "{id: u, task: b, agent: clerk}"), more=more)
    (problem,) = loaded.problems
    assert (problem.line, problem.column) == (4, 43)
    assert "the agent of 't' may call 'refund'" in problem.message


@pytest.mark.parametrize(
    ("listed", "column", "word"),
    [
        (GATE, 19, "nobody is asked under 'finally'"),
        ("{id: x, exit: {state: FAILED}}", 13, "leave the exit out"),
        ("{id: x, task: t, agent: {model: a/b, ask: true}}", 47, "nobody is asked"),
        (PAY, 21, "nobody can approve it: call it in 'steps'"),
        ("{id: x, task: t, agent: {model: a/b, tools: [refund]}}", 50, "the task 'x' may call it there"),
        (f"{{id: x, steps: [{PAY}]}}", 37, "call it in 'steps'"),
        (f"{{id: x, set: 1, on_error: [{{steps: [{GATE}]}}]}}", 55, "nobody is asked"),
    ],
)
@pytest.mark.parametrize("hooks", ["", ASK])
def test_what_has_no_place_under_finally(listed: str, column: int, word: str, hooks: str) -> None:
    loaded = load(f"steps: [{{id: a, set: 1}}]\nfinally:\n  - {listed}\n", hooks)
    assert [problem.code for problem in loaded.problems] == ["not-in-finally"]
    assert word in loaded.problems[0].message
    assert loaded.problems[0].column == column
    assert loaded.plan is None
