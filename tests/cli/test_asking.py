"""Questions at a terminal, with a real one."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.cli.commands import process, write
from tests.cli.person import END_OF_INPUT, INTERRUPT, Person

ALL_SIX = """
planrunner: 1
name: all-six
steps:
  - {id: choose, clarify: {type: multiple_choice, guidance: "Refund or reject?", options: [refund, reject]}}
  - {id: sure, clarify: {type: user_verification, guidance: "Really?"}}
  - {id: right, clarify: {type: value_confirmation, guidance: "Is this right?", value: {amount: 30}}}
  - {id: go, clarify: {type: action, guidance: "Sign in.", action_url: "https://example.org/sign-in"}}
  - {id: how_many, clarify: {type: input, guidance: "How many?", schema: {type: integer, minimum: 1}}}
  - {id: signed, clarify: {type: custom, guidance: "Sign.", data: {paper: 7}, schema: {type: string, minLength: 2}}}
output: "{{ [steps.choose.output, steps.sure.output, steps.right.output, steps.go.output, steps.how_many.output,
  steps.signed.output] }}"
"""
CHOICE = """
planrunner: 1
name: choice
steps:
  - {id: choose, clarify: {type: multiple_choice, guidance: "Which?", options: [refund, reject]}}
"""
TWO = """
planrunner: 1
name: two
steps:
  - {id: first, needs: [], clarify: {type: input, guidance: "First?"}}
  - {id: second, needs: [], clarify: {type: input, guidance: "Second?"}}
"""
CHOICE_PROMPT = "number or text (Ctrl-D: leave it open): "
YES_PROMPT = "yes or no (Ctrl-D: leave it open): "
PROMPT = "answer (Ctrl-D: leave it open): "


def run_id(seen: str) -> str:
    return re.findall(r"prun-[0-9a-f-]{36}", seen)[0]


def test_all_six_kinds(here: Path) -> None:
    with Person("run", write(here / "p.yml", ALL_SIX), cwd=here) as person:
        shown = person.answers(CHOICE_PROMPT, "2")
        assert "choose asks the end user\n  Refund or reject?\n    1  refund\n    2  reject\n" in shown
        assert "  Really?\n  takes yes or no\n" in person.answers(YES_PROMPT, "Y")
        assert '  Is this right?\n  value: {"amount": 30}\n' in person.answers(YES_PROMPT, "yes")
        assert "  Sign in.\n  at: https://example.org/sign-in\n  takes complete" in person.answers(PROMPT, "done")
        assert "  How many?\n" in person.answers(PROMPT, "12")
        assert '  Sign.\n  name: signed\n  data: {"paper": 7}\n' in person.answers(PROMPT, "Ådne")
        seen = person.leaves(0)
    assert json.loads(person.out) == ["reject", True, True, True, 12, "Ådne"]
    assert "refused" not in seen


def test_no_is_an_answer(here: Path) -> None:
    plan = "planrunner: 1\nname: p\nsteps: [{id: sure, clarify: {type: user_verification, guidance: Really?}}]\n"
    with Person("run", write(here / "p.yml", plan), cwd=here) as person:
        person.answers(YES_PROMPT, "no")
        seen = person.leaves(1)
    assert "failed: step sure: rejected: " in seen
    assert person.out == ""


def test_a_refused_answer_is_asked_again_with_why(here: Path) -> None:
    with Person("run", write(here / "p.yml", CHOICE), cwd=here) as person:
        person.answers(CHOICE_PROMPT, "3")
        assert "refused: 3 was not offered; expected one of: refund, reject\n" in person.answers(CHOICE_PROMPT, "")
        assert "refused: nothing was typed\n" in person.answers(CHOICE_PROMPT, " refund ")
        person.leaves(0)
    assert person.out == "refund\n"


def test_three_refusals_leave_it_open(here: Path) -> None:
    with Person("run", write(here / "p.yml", CHOICE), cwd=here) as person:
        for wrong in ("0", "Refund", "refunds"):
            person.answers(CHOICE_PROMPT, wrong)
        seen = person.leaves(3)
    assert seen.count(CHOICE_PROMPT) == 3
    assert "refused 3 times: left open\n" in seen
    assert f"planrunner resume {run_id(seen)}\n" in seen


def test_options_that_are_numbers_are_not_numbered(here: Path) -> None:
    plan = write(here / "p.yml", CHOICE.replace("[refund, reject]", "[2, 1]"))
    with Person("run", plan, cwd=here) as person:
        assert "  takes one of: 2, 1\n" in person.answers(PROMPT, "1")
        person.leaves(0)
    assert person.out == "1\n"


def test_the_end_of_input_is_no_answer(here: Path) -> None:
    with Person("run", write(here / "p.yml", TWO), cwd=here) as person:
        person.reads(PROMPT)
        person.types(END_OF_INPUT)
        assert "left open\n" in person.answers(PROMPT, "two")
        seen = person.leaves(3)
    assert person.out == ""
    shown = json.loads(process("runs", "show", run_id(seen), "--format", "json", cwd=here).out)
    assert [(each["path"], each["resolved"], each["response"]) for each in shown["clarifications"]] == [
        ("first", False, None),
        ("second", True, "two"),
    ]


def test_text_before_the_end_of_input_is_no_answer_either(here: Path) -> None:
    with Person("run", write(here / "p.yml", CHOICE), cwd=here) as person:
        person.reads(CHOICE_PROMPT)
        person.types(f"refund{END_OF_INPUT}{END_OF_INPUT}")
        person.reads("left open\n")
        person.leaves(3)


@pytest.mark.parametrize(("how", "code"), [("key", 130), ("signal", 143)])
def test_interrupted_at_the_prompt_the_run_is_kept_and_asks_again(here: Path, how: str, code: int) -> None:
    with Person("run", write(here / "p.yml", CHOICE), cwd=here) as person:
        person.reads(CHOICE_PROMPT)
        if how == "key":
            person.types(INTERRUPT)
        else:
            person.process.send_signal(signal.SIGTERM)
        seen = person.leaves(code)
    assert re.search(r"\n(interrupted|terminated)\nrun prun-\S+ is kept as it stands; to go on with it: ", seen)
    with Person("resume", run_id(seen), cwd=here) as person:
        person.answers(CHOICE_PROMPT, "1")
        person.leaves(0)
    assert person.out == "refund\n"


def test_keys_pressed_before_the_question_are_no_answer(here: Path) -> None:
    (here / "slow.py").write_text("import time\n\ndef nap():\n    time.sleep(1)\n", "utf-8")
    plan = """
        planrunner: 1
        name: p
        tools: {nap: {use: "slow:nap", effect: read}}
        steps:
          - {id: rest, tool: nap}
          - {id: sure, clarify: {type: user_verification, guidance: "Really?"}}
        """
    with Person("run", write(here / "p.yml", plan), cwd=here) as person:
        person.reads("rest")
        person.types("yes\n")
        person.reads(YES_PROMPT)
        assert person.rests(0.5) == ""
        person.types("no\n")
        person.leaves(1)


def test_moving_lines_leave_the_prompt_alone(here: Path) -> None:
    with Person("run", write(here / "p.yml", CHOICE), cwd=here) as person:
        assert "choose  0." in person.reads("asks a person"), "the step stood there, moving"
        person.reads(CHOICE_PROMPT)
        assert person.rests(0.8) == ""
        person.types("1\n")
        person.reads("choose is answered: refund\n")
        assert "✓ choose" in person.leaves(0)


APPROVED = """
planrunner: 1
name: approved
hooks:
  before_tool_call: [{use: clarify_on_tool_calls, with: {tools: [calculator], guidance: "May I?"}}]
steps:
  - {id: pay, tool: calculator, args: {expression: "1+1"}}
"""


@pytest.mark.parametrize(("answer", "code", "out"), [("y", 0, "2\n"), ("n", 1, "")])
def test_an_approval_shows_the_call(here: Path, answer: str, code: int, out: str) -> None:
    with Person("run", write(here / "p.yml", APPROVED), cwd=here) as person:
        shown = person.answers(YES_PROMPT, answer)
        assert "pay asks the end user (hook)\n  May I?" in shown
        assert '\n  call: calculator {"expression": "1+1"}\n  takes yes or no\n' in shown
        person.leaves(code)
    assert person.out == out


def test_untrusted_text_can_not_steer_the_terminal(here: Path) -> None:
    plan = """
        planrunner: 1
        name: p
        inputs: {who: {type: string}}
        steps:
          - id: choose
            clarify:
              type: multiple_choice
              guidance: "Who is {{ inputs.who }}?"
              options: ["{{ inputs.who }}", other]
        """
    hostile = "x\x1b]0;title\x07\u202e"
    with Person("run", write(here / "p.yml", plan), "--input", f"who={hostile}", cwd=here) as person:
        shown = person.answers(CHOICE_PROMPT, "1")
        assert "  Who is x\\x1b]0;title\\x07\\u202e?\n    1  x\\x1b]0;title\\x07\\u202e\n" in shown
        seen = person.leaves(0)
    assert not {"\x1b]", "\x07", "\u202e"} & set(seen)
    assert "\x1b]" not in seen
    assert person.out == f"{hostile}\n", "the answer is the option, byte for byte"


@pytest.mark.parametrize("quiet", [True, False])
def test_no_input_asks_nobody(here: Path, quiet: bool) -> None:
    words = ["--no-input", *(["-q"] if quiet else [])]
    with Person("run", write(here / "p.yml", CHOICE), *words, cwd=here) as person:
        seen = person.leaves(3)
    assert CHOICE_PROMPT not in seen
    assert f"planrunner resume {run_id(seen)}\n" in seen


def test_nobody_is_asked_where_nobody_sits(here: Path) -> None:
    told = process("run", write(here / "p.yml", CHOICE), cwd=here, stdin=b"refund\n")
    assert told.code == 3
    assert CHOICE_PROMPT not in told.err


def test_json_stays_alone_on_standard_output(here: Path) -> None:
    with Person("run", write(here / "p.yml", CHOICE), "--format", "jsonl", cwd=here) as person:
        person.answers(CHOICE_PROMPT, "reject")
        person.leaves(0)
    kinds = [json.loads(line)["kind"] for line in person.out.splitlines()]
    assert "clarification_raised" in kinds
    assert "clarification_answered" in kinds
    assert kinds[-1] == "record"


def test_an_answer_given_ahead_is_not_asked_for(here: Path) -> None:
    with Person("run", write(here / "p.yml", TWO), "--answer", "first=one", cwd=here) as person:
        assert "First?" not in person.answers(PROMPT, "two")
        person.leaves(0)
    assert person.out == "two\n"


def test_a_refused_answer_given_ahead_is_asked_for(here: Path) -> None:
    with Person("run", write(here / "p.yml", CHOICE), "--answer", "choose=maybe", cwd=here) as person:
        assert "--answer choose is refused: maybe was not offered; " in person.answers(CHOICE_PROMPT, "1")
        person.leaves(0)
    assert person.out == "refund\n"
