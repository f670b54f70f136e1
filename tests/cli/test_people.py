"""Runs that wait for people: what they are told, `answer`, `resume`, `run --answer`, `runs cancel`."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import process, start, write
from tests.cli.conftest import Cli
from tests.cli.test_process import until

WAITS = """
planrunner: 1
name: waits
steps:
  - id: decide
    clarify: {type: multiple_choice, guidance: "Refund or reject?", options: [refund, reject], to: {role: finance}, timeout: 2d}
  - {id: how_many, needs: [], clarify: {type: input, guidance: "How many?", schema: {type: integer}}}
  - {id: last, when: steps.decide.output == "refund", needs: [decide], clarify: {type: user_verification, guidance: "Sure?"}}
output: "{{ steps.decide.output }} {{ steps.how_many.output }}"
"""  # noqa: E501
APPROVAL = """
planrunner: 1
name: approval
hooks:
  before_tool_call: [{use: clarify_on_tool_calls, with: {tools: [calculator]}}]
steps:
  - {id: pay, tool: calculator, args: {expression: "1+1"}}
"""
NOBODY = "prun-00000000-0000-4000-8000-000000000000"


def record(cli: Cli, run_id: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(cli("runs", "show", run_id, "--format", "json").out)
    return value


def asked(cli: Cli, run_id: str) -> dict[str, str]:
    """Step path → id of its question."""
    return {each["path"]: each["id"] for each in record(cli, run_id)["clarifications"]}


def begun(cli: Cli, plan: str, *words: str) -> str:
    """The id of a run that waits now."""
    told = cli("run", plan, "--format", "json", *words)
    assert told.code == 3, told.err
    run_id: str = json.loads(told.out)["id"]
    return run_id


@pytest.fixture
def waits(here: Path) -> str:
    return write(here / "waits.yml", WAITS)


@pytest.fixture
def waiting(cli: Cli, waits: str) -> str:
    return begun(cli, waits, "--user", "u1")


@pytest.fixture
def approval(cli: Cli, here: Path) -> str:
    return begun(cli, write(here / "approval.yml", APPROVAL))


# What a run that waits tells


@pytest.mark.parametrize("words", [[], ["-q"]])
def test_a_run_that_waits_says_what_to_type(cli: Cli, waits: str, words: list[str]) -> None:
    told = cli("run", waits, "--user", "u1", *words)
    assert (told.code, told.out) == (3, "")
    run_id = json.loads(cli("runs", "list", "--format", "json").out)[0]["id"]
    ids = asked(cli, run_id)
    ending = told.err[told.err.index("decide asks finance") :]
    until_when = re.search(r", until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", ending)
    assert until_when is not None, ending
    assert ending.splitlines() == [
        "decide asks finance",
        "  Refund or reject?",
        f"  takes one of: refund, reject{until_when[0]}",
        f"  planrunner answer {run_id} {ids['decide']} VALUE",
        "how_many asks the end user u1",
        "  How many?",
        '  takes a value that meets {"type":"integer"}',
        f"  planrunner answer {run_id} {ids['how_many']} VALUE",
        f"then go on: planrunner resume {run_id}",
    ]


def test_a_form_says_that_it_takes_json(cli: Cli, here: Path) -> None:
    form = "clarify: {type: input, guidance: Where to?, fields: {street: {type: string}}}"
    plan = write(here / "p.yml", f"planrunner: 1\nname: p\nsteps: [{{id: form, {form}}}]\n")
    run_id = begun(cli, plan)
    assert 'takes a JSON object that meets {"type":"object","properties":' in cli("runs", "show", run_id).out
    assert cli("answer", run_id, '{"street": "Main"}').code == 0


def test_what_is_to_be_typed_works(cli: Cli, waits: str) -> None:
    told = cli("run", waits, "--store", "my runs")
    for value in ("reject", "3"):
        command = re.findall(r"^ +planrunner (answer .* VALUE) --store 'my runs'$", told.err, re.MULTILINE)[0]
        told = cli(*command.replace("VALUE", value).split(), "--store", "my runs")
        assert told.code == 0, told.err
    resume = re.search(r"^to go on: planrunner (resume \S+) --store 'my runs'$", told.err, re.MULTILINE)
    assert resume is not None
    told = cli(*resume[1].split(), "--store", "my runs")
    assert (told.code, told.out) == (0, "reject 3\n")
    assert told.err.splitlines()[-1].endswith(" --store 'my runs'")


def test_what_is_to_be_typed_names_the_script_and_the_model_again(cli: Cli, here: Path, waits: str) -> None:
    write(here / "a script.yml", "planrunner_script: 1\n")
    told = cli("run", waits, "--script", "a script.yml", "--model", "openai/x")
    assert re.search(r"go on: planrunner resume \S+ --model openai/x --script 'a script.yml'$", told.err.rstrip())
    assert " VALUE\n" in told.err  # who answers needs neither


def test_a_waiting_run_in_memory_can_not_be_answered(cli: Cli, waits: str) -> None:
    told = cli("run", waits, "--store", "memory")
    assert told.code == 3
    assert "planrunner answer" not in told.err
    assert "was kept in memory only: nobody can answer any more" in told.err


def test_formats_of_a_run_that_waits(cli: Cli, here: Path, waits: str) -> None:
    assert json.loads(cli("run", waits, "--format", "json").out)["state"] == "NEED_CLARIFICATION"
    lines = [json.loads(line) for line in cli("run", waits, "--format", "jsonl").out.splitlines()]
    raised = [line["body"]["user_guidance"] for line in lines if line["kind"] == "clarification_raised"]
    assert raised == ["Refund or reject?", "How many?"]
    assert lines[-1]["record"]["state"] == "NEED_CLARIFICATION"
    (here / "out.txt").write_text("before")
    assert cli("run", waits, "--out", "out.txt").code == 3
    assert (here / "out.txt").read_text() == "before", "there is no output yet"
    assert list(here.glob("*.part")) == []


def test_lists_and_records_show_it(cli: Cli, waiting: str) -> None:
    assert [
        run["id"] for run in json.loads(cli("runs", "list", "--state", "NEED_CLARIFICATION", "--format", "json").out)
    ] == [waiting]
    assert cli("runs", "list", "--state", "COMPLETE").out == ""
    told = cli("runs", "show", waiting)
    ids = asked(cli, waiting)
    assert "\n  ? decide    NEED_CLARIFICATION\n" in told.out
    assert (
        "\nquestions\n  decide asks finance  open\n      Refund or reject?\n      takes one of: refund, reject"
        in told.out
    )
    assert told.err.splitlines() == [
        f"planrunner answer {waiting} {ids['decide']} VALUE",
        f"planrunner answer {waiting} {ids['how_many']} VALUE",
        f"planrunner resume {waiting}",
    ]
    cli("answer", waiting, "decide", "reject")
    assert (
        "  decide asks finance  answered: reject\n      Refund or reject?\n  how_many"
        in cli("runs", "show", waiting).out
    )


# answer


def test_answer_runs_nothing(cli: Cli, waiting: str) -> None:
    told = cli("answer", waiting, asked(cli, waiting)["decide"], "refund", "--as", "Ada")
    assert (told.code, told.out) == (0, "")
    assert told.err.startswith("decide answered: refund\nhow_many asks the end user u1\n")
    assert [step["state"] for step in record(cli, waiting)["steps"]] == [
        "IN_PROGRESS",
        "NEED_CLARIFICATION",
        "NOT_STARTED",
    ]
    told = cli("answer", waiting, "--format", "json", "how_many", "12", "-q")
    assert (told.code, told.err) == (0, "")
    value = json.loads(told.out)
    assert value["state"] == "READY_TO_RESUME"
    assert [each["response"] for each in value["clarifications"]] == ["refund", 12]
    cli("resume", waiting)
    events = json.loads(cli("runs", "show", waiting, "--events", "--format", "json").out)
    assert [each["body"]["by"] for each in events if each["kind"] == "clarification_answered"] == ["Ada", None]


def test_the_id_may_be_left_out_when_one_question_is_open(cli: Cli, waiting: str) -> None:
    told = cli("answer", waiting, "reject")
    assert told.code == 2
    assert told.err.startswith("error: which question? 2 questions are open. Name its id before the value:\n  clar-")
    assert cli("answer", waiting, "decide", "reject").code == 0
    assert cli("answer", waiting, "--", "-5").code == 0
    assert cli("resume", waiting).out == "reject -5\n"
    told = cli("answer", waiting, "reject")
    assert (told.code, told.err) == (2, f"error: run {waiting} asks nothing (it is COMPLETE)\n")


def test_an_approval_is_never_given_unseen(cli: Cli, approval: str) -> None:
    question = asked(cli, approval)["pay"]
    told = cli("answer", approval, "yes")
    assert told.code == 2
    assert told.err == (
        "error: which question? a hook asks, and an approval is never given unseen. Name its id before the value:\n"
        f"  {question}  pay\n"
    )
    named = f"not a clarify step but a hook asks there, and an approval is never given unseen; name the question by its id: {question}\n"  # noqa: E501
    assert cli("answer", approval, "pay", "yes").err == f"error: pay: {named}"
    told = cli("resume", approval, "--answer", "pay=yes")
    assert (told.code, told.err) == (2, f"error: --answer pay: {named}")
    assert record(cli, approval)["clarifications"][0]["resolved"] is False
    told = cli("resume", approval, "--answer", f"{question}=yes")
    assert (told.code, told.out) == (0, "2\n")


def test_an_approval_is_not_given_ahead(cli: Cli, here: Path) -> None:
    told = cli("run", write(here / "approval.yml", APPROVAL), "--answer", "pay=yes")
    assert (told.code, told.err) == (
        2,
        "error: --answer pay: that is a tool step, and only clarify steps are answered ahead: "
        "an approval is never given unseen\n",
    )
    assert not (here / ".planrunner").exists()


LIAR = """
from planrunner import UserVerificationClarification

def ask(tool, args, plan_run, step):
    if not plan_run.get_clarifications_for_step():
        return UserVerificationClarification(plan_run_id=plan_run.id, user_guidance="Pay?", source="step")
"""


@pytest.mark.parametrize("hook", ["{use: clarify_on_all_tool_calls}", "{use: 'liar:ask'}"])
def test_an_approval_that_is_still_to_come_is_not_given_by_step_path(here: Path, hook: str) -> None:
    (here / "liar.py").write_text(LIAR, "utf-8")
    plan = f"""
        planrunner: 1
        name: later
        hooks: {{before_tool_call: [{hook}]}}
        steps:
          - {{id: first, clarify: {{type: input, guidance: "First?"}}}}
          - {{id: pay, tool: calculator, args: {{expression: "1+1"}}}}
        """
    run_id = json.loads(process("run", write(here / "p.yml", plan), "--format", "json", cwd=here).out)["id"]
    told = process("resume", run_id, "--answer", "first=1", "--answer", "pay=yes", cwd=here)
    assert told.code == 3, told.err
    assert "--answer pay is not taken: no clarify step asked there\n" in told.err
    told = process("answer", run_id, "yes", cwd=here)
    assert (told.code, told.err.startswith("error: which question? a ")) == (2, True)
    assert process("answer", run_id, "pay", "yes", cwd=here).code == 2


def test_a_rejected_approval_fails_the_run(cli: Cli, approval: str) -> None:
    told = cli("resume", approval, "--answer", f"{asked(cli, approval)['pay']}=no")
    assert (told.code, told.out) == (1, "")
    assert "failed: step pay: rejected: " in told.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["decide", "maybe"], "which decide asks, stays open: maybe was not offered; expected one of: refund, reject"),
        (["how_many", "many"], "which how_many asks, stays open: the answer does not fit: "),
        (["last", "yes"], "error: last: the step has not asked yet"),
        (["decid", "refund"], "has no such question or step; did you mean 'decide'?"),
        (["clar-0", "refund"], "error: clar-0: run prun-"),
        (["decide", "refund", "please"], "error: expected [ID] VALUE, and got 3 words; put quotes around"),
        ([], "error: Missing argument '[ID] VALUE'."),
    ],
)
def test_answers_that_are_refused_change_nothing(cli: Cli, waiting: str, words: list[str], message: str) -> None:
    before = record(cli, waiting)
    told = cli("answer", waiting, *words)
    assert (told.code, told.out) == (2, "")
    assert message in told.err
    assert record(cli, waiting) == before


def test_the_first_answer_stands(cli: Cli, waiting: str) -> None:
    question = asked(cli, waiting)["decide"]
    assert cli("answer", waiting, "decide", "refund").code == 0
    for name in ("decide", question):
        told = cli("answer", waiting, name, "reject")
        assert (told.code, told.err) == (1, f"error: {question} is closed: it was answered with 'refund'\n")
    told = cli("resume", waiting, "--answer", "decide=reject")
    assert (told.code, told.err) == (1, f"error: {question} is closed: it was answered with 'refund'\n")
    assert record(cli, waiting)["clarifications"][0]["response"] == "refund"


def test_two_people_answer_at_once_and_one_answer_stands(here: Path, waits: str) -> None:
    run_id = json.loads(process("run", waits, "--format", "json", cwd=here).out)["id"]
    people = [start("answer", run_id, "decide", answer, cwd=here) for answer in ("refund", "reject")]
    told = [person.communicate(timeout=60)[1].decode() for person in people]
    codes = [person.returncode for person in people]
    assert sorted(codes) == [0, 1], told
    shown = json.loads(process("runs", "show", run_id, "--format", "json", cwd=here).out)
    assert shown["clarifications"][0]["response"] == ("refund", "reject")[codes.index(0)]


@pytest.mark.parametrize("run_id", [NOBODY, "nonsense", "../../etc/passwd", ""])
@pytest.mark.parametrize("command", ["answer", "resume", "cancel"])
def test_an_unknown_run(cli: Cli, waiting: str, command: str, run_id: str) -> None:
    words = {"answer": ["answer", run_id, "decide", "refund"], "resume": ["resume", run_id]}
    told = cli(*words.get(command, ["runs", "cancel", run_id]))
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: ")
    assert "kept as it stands" not in told.err


# run --answer and resume


def test_answers_given_ahead(cli: Cli, waits: str) -> None:
    told = cli("run", waits, "--answer", "decide=reject", "--answer", "how_many:=3")
    assert (told.code, told.out) == (0, "reject 3\n")
    told = cli("run", waits, "--answer", "decide=reject", "--answer", "how_many=3", "--answer", "last=yes")
    assert told.code == 0
    assert "--answer last is not taken: no clarify step asked there\n" in told.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["decid=x"], "error: --answer decid: the plan has no such step; did you mean 'decide'?\n"),
        (
            ["zzzzzz=x"],
            "error: --answer zzzzzz: the plan has no such step; its clarify steps: decide, how_many, last\n",
        ),
        (["clar-1=x"], "error: --answer clar-1: a new run has asked nothing yet; name the clarify step: STEP=VALUE\n"),
        (["decide"], "error: --answer decide: expected NAME=VALUE, or NAME:=JSON\n"),
        (["decide=a", "decide=b"], "error: --answer decide is given twice; give it once\n"),
    ],
)
def test_wrong_answers_ahead_begin_nothing(cli: Cli, here: Path, waits: str, words: list[str], message: str) -> None:
    told = cli("run", waits, *(part for word in words for part in ("--answer", word)))
    assert (told.code, told.out, told.err) == (2, "", message)
    assert not (here / ".planrunner").exists()


def test_a_refused_answer_ahead_leaves_the_question_open(cli: Cli, waits: str) -> None:
    told = cli("run", waits, "--answer", "decide=maybe")
    assert told.code == 3
    assert "--answer decide is refused: maybe was not offered; expected one of: refund, reject\n" in told.err


def test_resume_with_answers(cli: Cli, waiting: str) -> None:
    told = cli("resume", waiting, "--answer", f"{asked(cli, waiting)['decide']}=refund", "--answer", "last=yes")
    assert told.code == 3
    assert [each["resolved"] for each in record(cli, waiting)["clarifications"]] == [True, False, True]
    told = cli("resume", waiting, "--answer", "how_many=4")
    assert (told.code, told.out) == (0, "refund 4\n")
    told = cli("resume", waiting)
    assert (told.code, told.out) == (0, "refund 4\n"), "a run that is COMPLETE is told again"


def test_resume_takes_all_answers_or_none(cli: Cli, waiting: str) -> None:
    question = asked(cli, waiting)["decide"]
    for words in (["how_many=x"], ["nothing=x"], [f"{question}=reject"]):
        told = cli("resume", waiting, "--answer", "decide=refund", *(part for w in words for part in ("--answer", w)))
        assert told.code == 2, told.err
        assert record(cli, waiting)["clarifications"][0]["resolved"] is False
    assert f"error: --answer {question}: {question} is answered twice; answer it once\n" in told.err


def test_resume_without_answers_waits_on(cli: Cli, waiting: str) -> None:
    told = cli("resume", waiting, "--format", "jsonl")
    assert told.code == 3
    kinds = [json.loads(line)["kind"] for line in told.out.splitlines()]
    assert (kinds[0], kinds[-2:]) == ("run_resumed", ["run_paused", "record"])


def test_resume_elsewhere_with_the_store_named(here: Path, tmp_path: Path, waits: str) -> None:
    run_id = json.loads(process("run", waits, "--format", "json", cwd=here).out)["id"]
    (here / waits).unlink()
    other = tmp_path / "elsewhere"
    other.mkdir()
    words = ["--answer", "decide=reject", "--answer", "how_many=1", "--store", str(here / ".planrunner")]
    told = process("resume", run_id, *words, cwd=other)
    assert (told.code, told.out) == (0, "reject 1\n"), told.err


def test_the_context_stays_unless_it_is_replaced(cli: Cli, here: Path, waits: str) -> None:
    def context_after(*words: str) -> Any:
        run_id = begun(cli, waits, "--user", "u1", "--data", "name=Ada", "--data", "age:=36")
        assert cli("resume", run_id, *words).code == 3
        context = record(cli, run_id)["execution_context"]
        return context["end_user_id"], context["additional_data"]

    write(here / "c.yml", "end_user_id: u3\n")
    assert context_after() == ("u1", {"name": "Ada", "age": 36})
    assert context_after("--data", "age:=37") == ("u1", {"name": "Ada", "age": 37})
    assert context_after("--user", "u1", "--data", "n=1") == ("u1", {"name": "Ada", "age": 36, "n": "1"})
    assert context_after("--user", "u2") == ("u2", {}), "nothing of u1 passes to u2"
    assert context_after("--context", "c.yml", "--data", "n=1") == ("u3", {"n": "1"})


def test_an_interrupted_run_goes_on(here: Path) -> None:
    (here / "slow.py").write_text(
        "import os, time\n\ndef nap():\n    if not os.path.exists('woken'):\n        time.sleep(60)\n", "utf-8"
    )
    plan = """
        planrunner: 1
        name: naps
        tools: {nap: {use: "slow:nap", effect: read}}
        steps: [{id: one, set: 1}, {id: rest, tool: nap}]
        output: "{{ steps.one.output }}"
        """
    running = start("run", write(here / "naps.yml", plan), cwd=here)
    assert running.stderr is not None
    until(running.stderr, b"rest started")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    (here / "woken").touch()
    command = re.search(r"to go on with it: planrunner (.*)\n", err.decode())
    assert command is not None, err
    told = process(*command[1].split(), cwd=here)
    assert (told.code, told.out) == (0, "1\n")
    assert "one started" not in told.err


def test_an_answer_to_a_run_that_is_under_way_is_heard_by_its_carrier(here: Path) -> None:
    (here / "slow.py").write_text(
        "import os, time\n\ndef nap():\n    while not os.path.exists('woken'):\n        time.sleep(0.05)\n", "utf-8"
    )
    plan = """
        planrunner: 1
        name: naps
        tools: {nap: {use: "slow:nap", effect: read}}
        steps:
          - {id: rest, tool: nap}
          - {id: sure, needs: [], clarify: {type: user_verification, guidance: Sure?}}
        """
    running = start("run", write(here / "naps.yml", plan), "--no-input", cwd=here)
    assert running.stderr is not None
    until(running.stderr, b"sure asks a person")
    run_id = json.loads(process("runs", "list", "--format", "json", cwd=here).out)[0]["id"]
    told = process("answer", run_id, "sure", "yes", cwd=here)
    assert told.err.splitlines()[1] == (
        f"whoever carries the run hears it; if nobody does any more, go on: planrunner resume {run_id}"
    )
    (here / "woken").touch()
    running.communicate(timeout=60)
    assert running.returncode == 0


FAILS_ONCE = """
planrunner: 1
name: fails-once
tools: {flaky: {use: "flaky:flaky", effect: read}}
steps: [{id: one, set: 1}, {id: two, tool: flaky}]
"""


def test_retry_opens_what_failed(here: Path) -> None:
    (here / "flaky.py").write_text("def flaky():\n    return open('there').read()\n", "utf-8")
    failed = process("run", write(here / "f.yml", FAILS_ONCE), "--format", "json", cwd=here)
    assert failed.code == 1
    run_id = json.loads(failed.out)["id"]
    told = process("resume", run_id, cwd=here)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("error: ")
    (here / "there").write_text("at last")
    told = process("resume", run_id, "--retry", cwd=here)
    assert (told.code, told.out) == (0, "at last\n"), told.err
    assert "one started" not in told.err


# runs cancel


def test_cancel_a_run_that_waits(cli: Cli, waiting: str) -> None:
    told = cli("runs", "cancel", waiting, "--as", "Ada")
    assert (told.code, told.out, told.err) == (0, "", f"run {waiting} is cancelled: FAILED\n")
    value = record(cli, waiting)
    assert (value["state"], value["error"]["kind"]) == ("FAILED", "cancelled")
    assert "Ada" in value["error"]["message"]
    told = cli("answer", waiting, "decide", "refund")
    assert (told.code, told.out) == (1, "")
    assert "is closed: the run ended without it" in told.err
    assert "closed without an answer" in cli("runs", "show", waiting).out
    told = cli("runs", "cancel", waiting)
    assert told.code == 1
    assert told.err.endswith(f"; `planrunner resume {waiting} --retry` opens a new try of what failed\n")


@pytest.mark.parametrize("at_the_end", ["", "finally: [{id: c, task: Tidy up}]\n"])
def test_cancel_a_run_whose_model_and_tools_are_not_here(cli: Cli, here: Path, at_the_end: str) -> None:
    """What its steps would need is not needed any more, unless something is still done at the end."""
    asks = "{id: b, clarify: {type: input, guidance: Which?}}"
    steps = f"tools: {{find: {{}}}}\nsteps: [{{id: a, task: Hi}}, {asks}, {{id: d, tool: find}}]\n"
    write(here / "p.yml", f"planrunner: 1\nname: p\n{steps}{at_the_end}")
    write(here / "s.yml", "planrunner_script: 1\nreplies: {a: hi, c: done}\ntools: {find: {returns: 1}}\n")
    assert cli("run", "p.yml", "--script", "s.yml").code == 3
    run_id = json.loads(cli("runs", "list", "--format", "json").out)[0]["id"]
    told = cli("runs", "cancel", run_id)
    if at_the_end:
        assert (told.code, "find" in told.err) == (2, True)
        told = cli("resume", run_id, "--script", "s.yml")
        assert told.code == 1
    else:
        assert (told.code, told.err) == (0, f"run {run_id} is cancelled: FAILED\n")
    assert json.loads(cli("runs", "show", run_id, "--format", "json").out)["error"]["kind"] == "cancelled"


def test_cancel_a_run_in_another_process(here: Path) -> None:
    (here / "slow.py").write_text("import asyncio\n\nasync def nap():\n    await asyncio.sleep(60)\n", "utf-8")
    plan = "planrunner: 1\nname: p\ntools: {nap: {use: 'slow:nap', effect: read}}\nsteps: [{id: rest, tool: nap}]\n"
    running = start("run", write(here / "p.yml", plan), "--user", "u1", cwd=here)
    assert running.stderr is not None
    until(running.stderr, b"rest started")
    run_id = json.loads(process("runs", "list", "--format", "json", cwd=here).out)[0]["id"]
    told = process("runs", "cancel", run_id, cwd=here)
    assert told.code == 0, told.err
    assert re.fullmatch(rf"run {run_id} is (being cancelled: the process .*|cancelled: FAILED)\n", told.err)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 1
    assert b"cancelled" in err


def test_a_question_of_an_agent_is_answered_by_its_id(cli: Cli, here: Path) -> None:
    plan = "planrunner: 1\nname: p\nagents: {a: {ask: true}}\nsteps: [{id: t, task: Pick one, agent: a}]\n"
    said = "{tool_calls: [{tool: clarify, args: {question: Which?}}]}"
    write(here / "p.yml", plan)
    write(here / "s.yml", f"planrunner_script: 1\nreplies: {{t: [{said}, done]}}\n")
    assert cli("run", "p.yml", "--script", "s.yml").code == 3
    run_id = json.loads(cli("runs", "list", "--format", "json").out)[0]["id"]
    question = asked(cli, run_id)["t"]
    told = cli("answer", run_id, "t", "blue")
    wanted = "an agent asks there, and it may ask anything; name the question by its id"
    assert (told.code, wanted in told.err, question in told.err) == (2, True, True)
    assert cli("answer", run_id, question, "blue").code == 0
    assert cli("resume", run_id, "--script", "s.yml").out == "done\n"
