"""Steps within steps, items and rounds: by what names they are meant wherever a step is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from planrunner.testing.names import PlanNames
from tests.testing.conftest import Carry, Read, told, whole

PLAN = """
inputs: {photos: {type: array, default: [cat, dog, owl]}, unclear: {type: boolean, default: true}}
tools: {see: {effect: read}, send: {effect: write}}
hooks:
  before_tool_call:
    - {use: clarify_on_tool_calls, with: {tools: [see], guidance: Look?}, match: {step: "watch*"}}
steps:
  - {id: looks, foreach: {in: inputs.photos, as: photo}, tool: see, args: {of: "{{ photo }}"}}
  - id: branch
    switch:
      - {when: inputs.unclear, steps: [{id: ask, clarify: {type: input, guidance: Who?}}]}
      - {steps: [{id: known, set: nobody}]}
  - id: group
    foreach: {in: inputs.photos, as: photo}
    steps:
      - {id: sort, task: "Sort {{ photo }}"}
      - {id: twice, when: photo != "dog", tool: see, args: {again: "{{ photo }}"}}
  - {id: watch, foreach: {in: "[1, 2]"}, tool: see, args: {n: "{{ item }}"}}
  - {id: letter, plan: ./letter.yml}
"""
LETTER = """
planrunner: 1
name: letter
tools: {send: {effect: write}}
steps:
  - {id: write, repeat: {until: "steps.write.output == 'good'", max: 3, delay: 1h}, task: Write}
  - {id: post, tool: send, args: {text: "{{ steps.write.output }}"}}
"""
GIVEN = """
given:
  tools:
    see: {returns: seen}
    "looks[1]": {returns: blurred}
    group/twice: {returns: twice}
    letter/post: {returns: sent}
  replies:
    sort: sorted
    "group[2]/sort": by name
    letter/write: bad
    letter/write(2): good
  answers:
    ask: Ada
    watch[1]/see: yes
    watch/see: yes
"""

HOLDS = [
    "steps: {looks: COMPLETE, 'looks[0]': COMPLETE, 'looks[2]': COMPLETE, 'looks[7]': NOT_STARTED}",
    "steps: {ask: COMPLETE, branch/ask: COMPLETE, known: NOT_STARTED, branch/known: NOT_STARTED}",
    "steps: {'group[0]/twice': COMPLETE, 'group[1]/twice': SKIPPED, sort: COMPLETE, group/sort: COMPLETE}",
    "steps: {letter/write(1): COMPLETE, letter/write(2): COMPLETE, letter/write(3): NOT_STARTED}",
    "steps: {letter/write: COMPLETE, letter/post: COMPLETE, letter: COMPLETE}",
    "asked: [ask, watch/see, watch/see]",
    "asked: [branch/ask, 'watch[0]/see', 'watch[1]/see']",
    "asked: [{id: ask, type: input, answer: Ada}, {path: 'watch[0]', tool: see, args: {n: 1}}, {id: watch}]",
    "tool_calls: [see, see, {tool: see, args: {of: owl}}, see, {tool: see, args: {again: owl}}, see, see, send]",
    "that: \"outputs['looks[1]'] == 'blurred' and outputs.looks == ['seen', 'blurred', 'seen']\"",
    "that: \"steps['group[2]/sort'].output == 'by name' and steps.ask.output == 'Ada'\"",
    "that: \"'Sort dog' in prompts['group[1]/sort'][0] and outputs.letter == 'sent'\"",
    "that: \"outputs['letter/write(2)'] == 'good' and run.seconds == 3600\"",
]
DIFFERS = [
    ("steps: {twice: COMPLETE}", "steps.twice: expected COMPLETE, got COMPLETE and SKIPPED"),
    ("steps: {'group[1]/twice': COMPLETE}", "steps.group[1]/twice: expected COMPLETE, got SKIPPED"),
    ("never: [send]", 'never: send {"text": "good"} was called by letter/post'),
    (
        "asked: [ask, 'watch[1]/see']",
        "asked[1]: expected watch[1]/see, got watch[0]/see (user_verification)\nthe questions were: "
        "branch/ask (input), watch[0]/see (user_verification), watch[1]/see (user_verification)",
    ),
    (
        "that: \"outputs['looks[0]'] == 'a dog'\"",
        "that: outputs['looks[0]'] == 'a dog' is false\noutputs['looks[0]'] is \"seen\"",
    ),
]


@pytest.fixture(autouse=True)
def letter(tmp_path: Path) -> None:
    """The plan that the step `letter` runs."""
    (tmp_path / "letter.yml").write_text(LETTER, "utf-8")


@pytest.mark.parametrize("expect", HOLDS)
def test_each_is_meant_by_its_path(carry: Carry, expect: str) -> None:
    (case,) = carry(PLAN, f"- name: one\n  expect:\n    {expect}", GIVEN)
    assert told(case) == []


@pytest.mark.parametrize(("expect", "difference"), DIFFERS)
def test_differences_name_the_path(carry: Carry, expect: str, difference: str) -> None:
    (case,) = carry(PLAN, f"- name: one\n  expect:\n    {expect}", GIVEN)
    assert told(case) == [difference]


def test_an_item_that_fails_is_named_with_or_without_its_number(carry: Carry) -> None:
    expects = ["{step: looks}", "{step: 'looks[1]', kind: tool_error}", "{step: 'looks[0]'}"]
    cases = "\n".join(
        f"- {{name: c{n}, tools: {{'looks[1]': {{raise: tool_error}}}}, expect: {{error: {expect}}}}}"
        for n, expect in enumerate(expects)
    )
    first, second, third = carry(PLAN, cases, GIVEN)
    assert (told(first), told(second)) == ([], [])
    assert told(third) == ["error.step: expected looks[0], got looks[1]"]


def test_what_lacks_in_a_loop_is_told_with_its_path(carry: Carry) -> None:
    lacks = "- {name: one, replies: {'group[2]/sort': x, letter/write: [bad]}}"
    (case,) = carry(PLAN, lacks, GIVEN.replace("    letter/write(2): good\n", "").replace("    sort: sorted\n", ""))
    assert case.state == "error"
    assert told(case)[0].startswith("the script has no reply for turn 1 of group[0]/sort; did you mean ")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("looks", "looks"),
        ("looks[3]", "looks[3]"),
        ("looks[3](2)", "looks[3](2)"),
        ("branch/ask", "branch/ask"),
        ("ask", "branch/ask"),
        ("ask[4]", "branch/ask[4]"),
        ("group[1]/sort", "group[1]/sort"),
        ("letter/write(2)", "letter/write(2)"),
        ("letter", "letter"),
        ("look", None),
        ("write", None),
        ("letter/wirte", None),
        ("branch/looks", None),
        ("looks[x]", None),
        ("branch/ask/", None),
    ],
)
def test_names_of_a_plan(read: Read, name: str, path: str | None) -> None:
    names = read(PLAN, whole("- {name: a}")).names
    assert isinstance(names, PlanNames)
    assert names.path(name) == path


def test_names_of_questions_and_of_answers_to_calls(read: Read) -> None:
    names = read(PLAN, whole("- {name: a}")).names
    assert names is not None
    questions = ("looks[3]/see", "ask", "branch/ask", "letter/post/send", "nobody", "looks/nothing")
    assert [names.question(name) for name in questions] == [
        "looks[3]/see",
        "branch/ask",
        "branch/ask",
        "letter/post/send",
        None,
        None,
    ]
    assert [names.tool_or_step(name) for name in ("see", "sort", "nobody")] == ["see", "group/sort", None]


def test_a_misspelt_name_in_a_sub_plan_is_told(read: Read) -> None:
    suite = read(PLAN, whole("- {name: a, replies: {letter/wirte: x}, expect: {never: [sned]}}"))
    assert [str(problem) for wrong in suite.wrong for problem in wrong.problems] == [
        "4:25: the plan has no step 'letter/wirte'; did you mean 'letter/write'? [unknown-step]",
        "4:60: the plan names no tool 'sned'; did you mean 'send'? [unknown-tool]",
    ]
