"""Plans that run other plans: `validate`, `run` and `resume`."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from planrunner.document.facts import facts
from planrunner.document.subplans import MAX_SUBPLANS
from tests.cli.commands import process, write
from tests.cli.conftest import Cli

REFUND = """
planrunner: 1
name: refund
inputs: {order: {type: string}}
steps:
  - {id: found, set: "order {{ inputs.order }}"}
  - {id: letter, plan: letters/letter.yml, inputs: {order: "{{ steps.found.output }}"}}
"""
LETTER = """
planrunner: 1
name: letter
inputs: {order: {type: string}}
steps:
  - {id: sure, clarify: {type: user_verification, guidance: {file: sure.md}}}
  - {id: text, set: "Dear customer, about your {{ inputs.order }}"}
"""
INVALID = (
    "plans/refund.yml:6:24: error: the plan plans/letters/letter.yml is not valid: mend what is told of it first "
    "[subplan-invalid]\n"
    '    6 |   - {id: letter, plan: letters/letter.yml, inputs: {order: "{{ steps.found.output }}"}}\n'
    "      |                        ^\n"
)
WRONG = (
    "plans/letters/letter.yml:6:51: error: the plan has no input 'ordr'; did you mean 'order'? [unknown-input]\n"
    '    6 |   - {id: text, set: "Dear customer, about your {{ inputs.ordr }}"}\n'
    "      |                                                   ^\n"
)


@pytest.fixture
def refund(here: Path) -> str:
    """A plan that runs a plan with a prompt file."""
    letters = here / "plans" / "letters"
    letters.mkdir(parents=True)
    write(letters / "letter.yml", LETTER)
    write(letters / "sure.md", "Write about the {{ inputs.order }}?\n")
    return f"plans/{write(here / 'plans' / 'refund.yml', REFUND)}"


@pytest.fixture
def wrong(here: Path, refund: str) -> str:
    """The same, with a mistake in the inner plan."""
    write(here / "plans" / "letters" / "letter.yml", LETTER.replace("{{ inputs.order", "{{ inputs.ordr"))
    return refund


def test_a_run_that_waited_goes_on_with_the_plans_it_began_with(here: Path, refund: str) -> None:
    begun = process("run", refund, "--input", "order={{ 7*7 }}", "--format", "json", cwd=here)
    assert begun.code == 3, begun.err
    record = json.loads(begun.out)
    (asked,) = record["clarifications"]
    assert asked["user_guidance"] == "Write about the order {{ 7*7 }}?"

    shutil.rmtree(here / "plans")
    assert process("answer", record["id"], "letter/sure", "yes", cwd=here).code == 0
    done = process("resume", record["id"], "--format", "json", cwd=here)
    assert done.code == 0, done.err
    assert json.loads(done.out)["final_output"]["value"] == "Dear customer, about your order {{ 7*7 }}"


def test_what_is_wrong_in_a_sub_plan_is_shown_there(cli: Cli, here: Path, wrong: str) -> None:
    for command in ("validate", "run"):
        told = cli(command, wrong)
        assert told.code == 1
        assert INVALID + WRONG in told.out + told.err
    found = json.loads(cli("validate", wrong, "--format", "json").out)
    assert found["files"] == 1
    assert [(problem["file"], problem["line"]) for problem in found["problems"]] == [
        ("plans/refund.yml", 6),
        ("plans/letters/letter.yml", 6),
    ]


@pytest.mark.parametrize("paths", [["plans"], ["."], ["plans/letters", "plans"], ["plans/refund.yml", "plans"]])
def test_each_problem_is_told_once_whatever_leads_to_it(cli: Cli, wrong: str, paths: list[str]) -> None:
    told = cli("validate", *paths)
    assert told.code == 1
    heads = sorted(os.path.normpath(line) for line in told.out.splitlines() if "error:" in line)
    assert heads == [os.path.normpath(part.splitlines()[0]) for part in (WRONG, INVALID)]
    assert told.err == "2 plans checked: 2 errors\n"


def test_a_problem_that_several_plans_lead_to_is_told_with_its_own_file(cli: Cli, here: Path, wrong: str) -> None:
    write(here / "plans" / "again.yml", REFUND)
    files = ["plans/again.yml", "plans/letters/letter.yml", "plans/refund.yml"]
    told = cli("validate", *files)
    heads = [line.split(": ")[0] for line in told.out.splitlines() if "error:" in line]
    assert heads == ["plans/again.yml:6:24", "plans/letters/letter.yml:6:51", "plans/refund.yml:6:24"]
    told = cli("validate", "plans/again.yml", "plans/refund.yml")
    heads = [line.split(": ")[0] for line in told.out.splitlines() if "error:" in line]
    assert heads == ["plans/again.yml:6:24", "plans/letters/letter.yml:6:51", "plans/refund.yml:6:24"]
    assert told.err == "2 plans checked: 3 errors\n"


def test_the_files_of_a_circle_each_tell_of_it(cli: Cli, here: Path) -> None:
    for name, other in ("ab", "bc", "ca"):
        write(here / f"{name}.yml", f"planrunner: 1\nname: {name}\nsteps:\n  - {{id: x, plan: {other}.yml}}\n")
    told = cli("validate", ".")
    lines = [line for line in told.out.splitlines() if "error:" in line]
    assert [line.partition(" error: ")[0] for line in lines] == [f"./{name}.yml:4:19:" for name in "abc"]
    assert "a plan can't run inside itself: b.yml → c.yml → a.yml → b.yml; take one" in lines[1]


def test_a_plan_from_standard_input_names_plans_from_the_root(here: Path, refund: str) -> None:
    told = process("validate", "-", cwd=here / "plans", stdin=REFUND.encode())
    assert told.code == 1
    assert "there is no file 'letters/letter.yml' in the project: add it, or correct the path" in told.out
    fitting = REFUND.replace("plan: ", "plan: plans/").encode()
    assert process("validate", "-", cwd=here / "plans", stdin=fitting).code == 0
    write(here / "plans" / "letters" / "sure.md", "{{ nobody }}\n")
    told = process("validate", "-", cwd=here / "plans", stdin=fitting)
    assert "plans/letters/sure.md:1:4: error: nothing is called 'nobody' here" in told.out


def test_what_a_package_is_made_of_stays_at_rest(here: Path) -> None:
    (here / "shop").mkdir()
    write(here / "shop" / "__init__.py", "open('ran', 'w').close()\n")
    write(here / "shop" / "letter.yml", LETTER.replace("sure.md", "texts/sure.md"))
    (here / "shop" / "texts").mkdir()
    write(here / "shop" / "texts" / "sure.md", "Sure?\n")
    plan = write(here / "refund.yml", REFUND.replace("letters/letter.yml", '"shop:letter.yml"'))
    assert process("validate", plan, cwd=here).code == 0
    begun = process("run", plan, "--input", "order=A", cwd=here)
    assert begun.code == 3, begun.err
    assert not (here / "ran").exists()
    write(here / "shop" / "texts" / "sure.md", "Sure, {{ nobody }}?\n")
    told = process("validate", plan, cwd=here)
    assert told.code == 1
    assert "shop/texts/sure.md:1:10: error: nothing is called 'nobody' here" in told.out


def plan(name: str, *steps: str, more: str = "") -> str:
    return f"planrunner: 1\nname: {name}\n{more}steps:\n" + "".join(f"  - {step}\n" for step in steps)


NEEDS_NAME = "context: {additional_data: {name: {type: string}}}\n"
DEAR = "{id: write, set: 'Dear {{ context.additional_data.name }}'}"
FILES = {
    "subplan-invalid": {
        "refund.yml": plan("refund", "{id: letter, plan: letter.yml}"),
        "letter.yml": plan("letter", "{id: write, taks: Write a letter.}"),
    },
    "subplan-cycle": {
        "a.yml": plan("a", "{id: b, plan: b.yml}"),
        "b.yml": plan("b", "{id: a, plan: a.yml}"),
    },
    "subplan-limit": {
        "all.yml": plan("all", *(f"{{id: s{number}, plan: p{number}.yml}}" for number in range(MAX_SUBPLANS + 1))),
        **{f"p{number}.yml": plan("p", "{id: only, set: 1}") for number in range(MAX_SUBPLANS + 1)},
    },
    "wrong-inputs": {
        "refund.yml": plan("refund", "{id: letter, plan: letter.yml, inputs: {ordr: A-1}}"),
        "letter.yml": plan(
            "letter", "{id: write, set: 'About {{ inputs.order }}'}", more="inputs: {order: {type: string}}\n"
        ),
    },
    "subplan-context": {
        "refund.yml": plan("refund", "{id: letter, plan: letter.yml}", more="context: {end_user_id: required}\n"),
        "letter.yml": plan("letter", DEAR, more=NEEDS_NAME),
    },
}
"""The files behind the pages of the checks that take more than one file."""


@pytest.mark.parametrize("code", FILES)
def test_the_page_of_a_check_shows_what_a_terminal_shows(cli: Cli, here: Path, code: str) -> None:
    for name, content in FILES[code].items():
        write(here / name, content)
    known = facts(code)
    assert known is not None
    told = cli("validate", next(iter(FILES[code])))
    assert known.broken.text == f"$ planrunner validate {next(iter(FILES[code]))}\n{told.out}"
