"""Plans with prompts in files of their own: `validate`, `run` and `resume`, each in a process as a user has it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from planrunner import Runner, UserVerificationClarification, load_plan
from tests.cli.commands import environment, process, write
from tests.cli.conftest import Cli
from tests.servers.openai_server import OpenAIServer, text

PLAN = """
planrunner: 1
name: review
inputs: {letter: {type: string}}
agents:
  critic: {model: openai/x, instructions: {file: prompts/critic.md}}
steps:
  - {id: ask, clarify: {type: user_verification, guidance: {file: prompts/ask.md}}}
  - {id: sure, clarify: {type: user_verification, guidance: {file: prompts/sure.md}}}
  - {id: review, task: {file: prompts/review.md}, agent: critic}
"""
ASK = "May the letter be read?\nIt is this: {{ inputs.letter }}\n"
SURE = "Really, {{ context.end_user_id }}?\n"
CRITIC = "You are a critic.\nYou speak to {{ context.end_user_id }}.\n"
REVIEW = "Review this letter:\n\n{{ inputs.letter }}\n"


@pytest.fixture
def review(here: Path) -> str:
    """A plan with four prompt files, in a folder."""
    prompts = here / "plans" / "prompts"
    prompts.mkdir(parents=True)
    for name, content in (("ask", ASK), ("sure", SURE), ("critic", CRITIC), ("review", REVIEW)):
        write(prompts / f"{name}.md", content)
    return f"plans/{write(here / 'plans' / 'review.yml', PLAN)}"


def test_a_run_that_waited_goes_on_with_the_prompts_it_began_with(here: Path, review: str) -> None:
    given = ["--user", "u1", "--input", "letter={{ 7*7 }} dear"]
    begun = process("run", review, *given, "--format", "json", cwd=here)
    assert begun.code == 3, begun.err
    record = json.loads(begun.out)
    run_id = record["id"]
    (asked,) = record["clarifications"]
    assert asked["user_guidance"] == "May the letter be read?\nIt is this: {{ 7*7 }} dear"

    write(here / "plans" / "prompts" / "sure.md", "Changed meanwhile, and {{ nothing it says }} counts")
    assert process("answer", run_id, "ask", "yes", cwd=here).code == 0
    again = process("resume", run_id, "--format", "json", cwd=here)
    assert again.code == 3, again.err
    assert json.loads(again.out)["clarifications"][1]["user_guidance"] == "Really, u1?"

    shutil.rmtree(here / "plans")
    assert process("answer", run_id, "sure", "yes", cwd=here).code == 0
    with OpenAIServer([text("A fine letter.")]) as server:
        own = environment(OPENAI_API_BASE=server.base_url, OPENAI_API_KEY="sk-test", NO_PROXY="127.0.0.1")
        done = process("resume", run_id, "--format", "json", cwd=here, env=own)
    assert done.code == 0, done.err
    assert json.loads(done.out)["final_output"]["value"] == "A fine letter."
    (request,) = server.requests
    assert request.system.startswith("You are a critic.\nYou speak to u1.")
    assert request.messages[1]["content"] == "Review this letter:\n\n{{ 7*7 }} dear"


def test_another_runner_has_the_plan_that_the_run_began_with(here: Path, review: str) -> None:
    plan = load_plan(review)
    with Runner(store=here / "runs.db") as runner:
        waiting = runner.run(plan, {"letter": "dear"}, context={"end_user_id": "u1"})
    shutil.rmtree(here / "plans")
    with Runner(store=here / "runs.db") as runner:
        (question,) = waiting.get_outstanding_clarifications()
        assert isinstance(question, UserVerificationClarification)
        runner.resolve_clarification(question, "yes", waiting)
        record = runner.resume(waiting.id)
    assert record.clarifications[1].user_guidance == "Really, u1?"
    assert record.plan_id == plan.id == waiting.plan_id


def test_what_is_wrong_in_a_prompt_is_shown_in_the_prompt(cli: Cli, here: Path, review: str) -> None:
    assert cli("validate", review).out == ""
    write(here / "plans" / "prompts" / "review.md", "Review:\n\tthe é {{ inputs.lettr }}\n")
    expected = (
        "plans/prompts/review.md:2:11: error: the plan has no input 'lettr'; did you mean 'letter'? [unknown-input]\n"
        "    2 |     the é {{ inputs.lettr }}\n"
        "      |              ^\n"
    )
    told = cli("validate", review)
    assert (told.code, told.out) == (1, expected)
    assert told.err == "1 plan checked: 1 error\n"
    (problem,) = json.loads(cli("validate", review, "--format", "json").out)["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == ("plans/prompts/review.md", 2, 11)
    told = cli("run", review)
    assert told.code == 1
    assert told.err == expected + f"error: the plan {review} is not valid: nothing ran\n"


def test_a_prompt_that_is_gone_is_shown_in_the_plan(cli: Cli, here: Path, review: str) -> None:
    (here / "plans" / "prompts" / "ask.md").unlink()
    told = cli("validate", review)
    assert told.code == 1
    assert told.out == (
        "plans/review.yml:7:67: error: there is no file 'plans/prompts/ask.md' in the project: add it, or correct the "
        "path (relative to the folder of the plan) [prompt-file]\n"
        "    7 |   - {id: ask, clarify: {type: user_verification, guidance: {file: prompts/ask.md}}}\n"
        "      |                                                                   ^\n"
    )


def test_a_folder_gives_no_prompt_for_a_plan(cli: Cli, here: Path, review: str) -> None:
    example = "planrunner: 1\nname: example\nsteps: {{ inputs.letter }}\n"
    write(here / "plans" / "prompts" / "example.yml", example)
    write(here / "plans" / "prompts" / "notes.yml", "just: {{ inputs.letter }}\n")
    plan = here / "plans" / "review.yml"
    steps = [f"  - {{id: {name}, task: {{file: prompts/{name}.yml}}}}\n" for name in ("example", "notes")]
    plan.write_text(plan.read_text() + "".join(steps))
    for folder in (".", "plans", str(here), "plans/../plans"):
        told = cli("validate", folder)
        assert (told.code, told.out) == (0, ""), folder
        assert told.err.splitlines() == [
            "1 plan checked: no problems",
            "1 other YAML file passed over: no `planrunner:` at the top",
            "1 YAML file passed over: a plan has it as a prompt",
        ]
    assert json.loads(cli("validate", ".", "--format", "json").out)["passed_over"] == 2
    assert cli("validate", "plans", "plans/prompts/example.yml").code == 1, "named, it is to be a plan"


def test_a_plan_from_standard_input_names_prompts_from_the_root(here: Path, review: str) -> None:
    for name in ("-", "/dev/stdin"):
        told = process("validate", name, cwd=here / "plans", stdin=PLAN.encode())
        assert told.code == 1
        assert "there is no file 'prompts/critic.md' in the project" in told.out
        assert "(relative to the project root)" in told.out
        fitting = PLAN.replace("file: ", "file: plans/").encode()
        told = process("validate", name, cwd=here / "plans", stdin=fitting)
        assert (told.code, told.out) == (0, "")
        assert process("run", name, "--input", "letter=dear", cwd=here, stdin=fitting).code == 3
