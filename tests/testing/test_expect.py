"""Every key of `expect`: what passes, and the exact words for what does not."""

from __future__ import annotations

import pytest

from planrunner.testing.expect import _CHECKS
from planrunner.testing.schema import EXPECT
from tests.testing.conftest import Carry, Read, told, whole

PLAN = """
inputs:
  n: {type: integer, default: 1}
  who: {type: string, default: Ada}
context:
  additional_data: {mail: {type: string, default: ada@example.org}}
tools:
  crm_find: {effect: read}
  pay: {effect: write}
agents:
  helper: {instructions: "You help.", tools: [crm_find], sees: none}
hooks:
  before_tool_call: [{use: clarify_on_tool_calls, with: {tools: [pay], guidance: Really pay?}}]
steps:
  - {id: find, tool: crm_find, args: {q: "{{ inputs.who }}", deep: {n: "{{ inputs.n }}"}}}
  - {id: sort, task: "Sort {{ steps.find.output }} for {{ inputs.who }}", agent: helper}
  - id: decide
    clarify: {type: multiple_choice, guidance: "{{ inputs.who }}?", options: [pay, leave], timeout: 1h}
  - {id: paid, when: steps.decide.output == "pay", tool: pay, args: {n: "{{ inputs.n }}"}}
  - {id: sum, tool: calculator, args: {expression: "{{ inputs.n }} + 1"}}
output:
  who: "{{ inputs.who }}"
  items: [1, {a: "{{ inputs.n }}"}]
  letter: "{{ steps.sort.output }}"
  sum: "{{ steps.sum.output }}"
"""
GIVEN = """
given:
  tools: {crm_find: {returns: {id: 7}}, pay: {returns: done}}
  replies: {sort: sorted}
  answers: {decide: pay, paid/pay: yes}
"""
LETTER = "Dear Ada,\\nyour order\\nis here\\nBye"

PASS = [
    "state: COMPLETE",
    "output: {who: Ada}",
    "output: {items: [1, {}]}",
    "output: {equals: {who: Ada, items: [1, {a: 1}], letter: sorted, sum: 2}}",
    "steps: {find: COMPLETE, paid: COMPLETE}",
    "tool_calls: [crm_find, pay]",
    "tool_calls: [{tool: crm_find, args: {deep: {n: 1}}}, {tool: pay}]",
    "never: []",
    "asked: [decide, paid/pay]",
    "asked: [{path: decide, type: multiple_choice, guidance: Ada?, options: [pay, leave], to: end_user}, paid/pay]",
    "asked: [{id: decide, answer: pay, source: step}, {id: paid, type: user_verification, tool: pay, args: {n: 1}}]",
    "that: inputs.who == 'Ada'",
    "that: ['steps.find.output.id == 7', 'steps.paid.state == \"COMPLETE\"', \"output.sum == 2\"]",
    "that: [\"context.additional_data.mail == 'ada@example.org'\", 'context.end_user_id is none']",
    "that: [\"outputs.sort == 'sorted'\", \"run.state == 'COMPLETE'\", 'run.error is none', 'run.seconds == 0']",
    "that: \"run.started_at == '2026-01-01T00:00:00.000Z'\"",
    "that: \"'You help.' in prompts.sort[0] and 'for Ada' in prompts.sort[0] and 'ada@' not in prompts.sort[0]\"",
    "that: true",
]

FAIL = [
    ("state: FAILED", "state: expected FAILED, got COMPLETE"),
    ("error: {kind: rejected}", "state: expected FAILED, got COMPLETE"),
    ("output: {who: Bob}", 'output.who: expected "Bob", got "Ada"'),
    ("output: {mail: x}", 'output.mail: expected "x", got nothing'),
    ("output: {items: [1]}", 'output.items: expected 1 item, got 2: [1, {"a": 1}]'),
    ('output: {items: ["1", {a: 2}]}', 'output.items[0]: expected "1", got 1\noutput.items[1].a: expected 2, got 1'),
    (
        "output: {equals: {who: Ada, items: [1, {a: 1}], sum: 2}}",
        'output.letter: expected nothing, got "sorted"',
    ),
    ("output: Ada", 'output: expected "Ada", got {"who": "Ada", "items": [1, {"a": 1}], "letter": "sorted", "sum": 2}'),
    ("steps: {paid: SKIPPED}", "steps.paid: expected SKIPPED, got COMPLETE"),
    (
        "tool_calls: [pay, crm_find]",
        'tool_calls[0]: expected pay, got crm_find {"q": "Ada", "deep": {"n": 1}}\n'
        'the calls were: crm_find {"q": "Ada", "deep": {"n": 1}}, pay {"n": 1}',
    ),
    (
        "tool_calls: [crm_find]",
        'tool_calls: expected no more calls after 1, got pay {"n": 1}\n'
        'the calls were: crm_find {"q": "Ada", "deep": {"n": 1}}, pay {"n": 1}',
    ),
    (
        "tool_calls: [crm_find, pay, {tool: pay, args: {n: 3}}]",
        'tool_calls[2]: expected {"tool": "pay", "args": {"n": 3}}, got no more calls\n'
        'the calls were: crm_find {"q": "Ada", "deep": {"n": 1}}, pay {"n": 1}',
    ),
    (
        "tool_calls: [{tool: crm_find, args: {q: Bob, deep: {n: 2}, x: 1}}, pay]",
        'tool_calls[0].args.q: expected "Bob", got "Ada"\ntool_calls[0].args.deep.n: expected 2, got 1\n'
        "tool_calls[0].args.x: expected 1, got nothing",
    ),
    ("never: [crm_find, pay]", 'never: crm_find {"q": "Ada", "deep": {"n": 1}} was called by find\n'
     'never: pay {"n": 1} was called by paid'),
    ("never: [calculator]", 'never: calculator {"expression": "1 + 1"} was called by sum'),
    (
        "asked: [paid/pay]",
        "asked[0]: expected paid/pay, got decide (multiple_choice)\n"
        "the questions were: decide (multiple_choice), paid/pay (user_verification)",
    ),
    (
        "asked: [decide]",
        "asked: expected no more questions after 1, got paid/pay (user_verification)\n"
        "the questions were: decide (multiple_choice), paid/pay (user_verification)",
    ),
    (
        "asked: [{id: decide, type: input, guidance: Bob?, options: [pay]}, {id: paid, args: {n: 2}}]",
        'asked[0].type: expected "input", got "multiple_choice"\nasked[0].guidance: expected "Bob?", got "Ada?"\n'
        'asked[0].options: expected 1 item, got 2: ["pay", "leave"]\nasked[1].args.n: expected 2, got 1',
    ),
    (
        "that: inputs.who == 'Bob' and steps.find.output.id == 7",
        'that: inputs.who == \'Bob\' and steps.find.output.id == 7 is false\ninputs.who is "Ada"\n'
        "steps.find.output.id is 7",
    ),
    ("that: inputs.who", 'that: inputs.who must be true or false, and is "Ada"'),
    (
        "that: inputs.nobody == 1",
        "that: can't be told: inputs has no 'nobody'; there are: n, who (in `inputs.nobody == 1`)",
    ),
    ("that: ['true', false]", "that: false is false"),
]  # fmt: skip


@pytest.mark.parametrize("expect", PASS)
def test_what_is_as_expected_passes(carry: Carry, expect: str) -> None:
    (case,) = carry(PLAN, f"- name: one\n  expect:\n    {expect}", GIVEN)
    assert (case.state, told(case)) == ("passed", [])


@pytest.mark.parametrize(("expect", "difference"), FAIL)
def test_what_differs_is_told_in_its_smallest_part(carry: Carry, expect: str, difference: str) -> None:
    (case,) = carry(PLAN, f"- name: one\n  expect:\n    {expect}", GIVEN)
    assert (case.state, "\n".join(told(case))) == ("failed", difference)


def test_every_key_is_tried_here_both_ways() -> None:
    for shown in (PASS, [expect for expect, _ in FAIL]):
        keys = {expect.partition(":")[0] for expect in shown}
        assert EXPECT.keys() - keys <= {"error"}
    assert set(_CHECKS) == EXPECT.keys() - {"state"}


FAILING = """
tools: {t: {effect: read}}
steps:
  - {id: a, tool: t}
  - {id: b, set: 1}
"""


@pytest.mark.parametrize(
    ("expect", "state", "difference"),
    [
        ("error: {kind: tool_error, step: a, message: burst}", "passed", ""),
        ("error: {}", "passed", ""),
        ("{state: FAILED, steps: {a: FAILED, b: NOT_STARTED}, that: \"run.error.kind == 'tool_error'\"}", "passed", ""),
        (
            "error: {kind: timeout, step: b, message: froze}",
            "failed",
            "error.kind: expected timeout, got tool_error: the pipe burst\nerror.step: expected b, got a\n"
            'error.message: expected a text that holds "froze", got "the pipe burst"',
        ),
        ("output: 1", "failed", "state: expected COMPLETE, got FAILED\nstep a: tool_error: the pipe burst"),
        (
            "{state: FAILED, output: 1}",
            "failed",
            "output: expected 1, got nothing",
        ),
        (
            "steps: {a: COMPLETE, b: SKIPPED}",
            "failed",
            "state: expected COMPLETE, got FAILED\nstep a: tool_error: the pipe burst\n"
            "steps.a: expected COMPLETE, got FAILED (tool_error: the pipe burst)\n"
            "steps.b: expected SKIPPED, got NOT_STARTED",
        ),
    ],
)
def test_failures_can_be_expected(carry: Carry, expect: str, state: str, difference: str) -> None:
    tools = "{t: {raise: tool_error, message: the pipe burst}}"
    expect = expect if expect.startswith("{") else f"{{{expect}}}"
    (case,) = carry(FAILING, f"- name: one\n  tools: {tools}\n  expect: {expect}")
    assert (case.state, "\n".join(told(case))) == (state, difference)


def test_without_a_word_a_run_is_to_be_complete(carry: Carry) -> None:
    good, bad = carry(
        FAILING, "- {name: good, tools: {t: {returns: 1}}}\n- {name: bad, tools: {t: {raise: tool_error, message: no}}}"
    )
    assert good.state == "passed"
    assert told(bad) == ["state: expected COMPLETE, got FAILED\nstep a: tool_error: no"]


ASKING = "steps: [{id: a, clarify: {type: input, guidance: What now?}}]"


def test_a_run_that_waits_can_be_expected_and_says_for_whom(carry: Carry) -> None:
    waits, differs = carry(
        ASKING,
        """
        - {name: waits, answers: {a: {never: true}}, expect: {state: NEED_CLARIFICATION, asked: [{id: a}]}}
        - {name: differs, answers: {a: {never: true}}}
        """,
    )
    assert waits.state == "passed"
    assert told(differs) == ["state: expected COMPLETE, got NEED_CLARIFICATION\na asks: What now?"]


REFUSING = """
inputs: {n: {type: integer}}
context: {end_user_id: required}
steps: [{id: a, set: 1}]
"""


@pytest.mark.parametrize(
    ("case", "expect", "difference"),
    [
        ("inputs: {n: x}, context: {end_user_id: u}", "{state: NOT_STARTED, error: {message: whole number}}", ""),
        ("inputs: {n: 1}", "{state: NOT_STARTED, error: {message: end user}}", ""),
        (
            "inputs: {n: x}, context: {end_user_id: u}",
            "{output: 1}",
            "state: expected COMPLETE, got NOT_STARTED\nit was refused: the inputs do not fit the plan 'p':\n"
            '  n: must be a whole number, is the string "x"\nit takes: n',
        ),
        (
            "inputs: {n: 1}, context: {end_user_id: u}",
            "{state: NOT_STARTED}",
            "state: expected NOT_STARTED, got COMPLETE",
        ),
    ],
)
def test_a_refusal_before_the_run_can_be_expected(carry: Carry, case: str, expect: str, difference: str) -> None:
    (tested,) = carry(REFUSING, f"- {{name: one, {case}, expect: {expect}}}")
    assert "\n".join(told(tested)) == difference


def test_of_long_texts_only_what_differs_is_told(carry: Carry) -> None:
    plan = "inputs: {text: {type: string}}\nsteps: [{id: a, set: '{{ inputs.text }}'}]"
    lines, characters = carry(
        plan,
        rf"""
        - {{name: lines, inputs: {{text: "{LETTER}"}}, expect: {{output: "{LETTER.replace("order", "parcel")}"}}}}
        - name: characters
          inputs: {{text: "{"a" * 100}b{"c" * 100}"}}
          expect: {{output: "{"a" * 100}x{"c" * 100}"}}
        """,
    )
    assert told(lines) == [
        "output: the text differs\n--- expected\n+++ got\n@@ -1,3 +1,3 @@\n"
        " Dear Ada,\n-your parcel\n+your order\n is here"
    ]
    part, more = "a" * 40, "c" * 39
    assert told(characters) == [
        f'output: differs from character 101 on: expected "…{part}x{more}…", got "…{part}b{more}…"'
    ]


def test_a_difference_stands_at_its_own_line(read: Read, carry: Carry) -> None:
    (case,) = carry(
        PLAN,
        """
        - name: one
          expect:
            state: COMPLETE
            output:
              who: Bob
              items:
                - 1
                - a: 2
            tool_calls:
              - crm_find
              - tool: pay
                args:
                  n: 2
            that:
              - "true"
              - "inputs.n == 2"
        """,
        GIVEN,
    )
    assert [(each.line, each.at) for each in case.differences] == [
        (13, "output.who"),
        (16, "output.items[1].a"),
        (21, "tool_calls[1].args.n"),
        (24, "that"),
    ]
    assert (case.file, case.line) == ("p.test.yml", 9)
    assert read(PLAN, whole("- name: one", GIVEN)).cases[0].line == 9
