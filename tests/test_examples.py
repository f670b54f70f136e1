"""The example plans, as a reader of the README runs them, and against a server that speaks the OpenAI protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from planrunner import load_script
from tests.conftest import PROJECT
from tests.servers.open_meteo import open_meteo
from tests.servers.openai_server import OpenAIServer, calls, failure, text

RUN_STATE = {
    "id": str,
    "plan_id": str,
    "current_step_index": int,
    "clarifications": list,
    "state": str,
    "execution_context": {
        "end_user_id": str,
        "additional_data": {"name": str, "email_address": str},
        "planner_system_context_extension": type(None),
        "agent_system_context_extension": type(None),
    },
    "step_outputs": {
        "$svalbard_temperature": {"value": str},
        "$personalized_greeting": {"value": str},
    },
    "final_output": {"value": str},
}
"""The keys, nesting and types of the run state that the product's founding document prints."""

EXAMPLES = ("expenses", "greeting", "refund", "release-notes", "support-triage")
"""The plans that have tests beside them."""

GREET = ["run", "plans/greeting.yml", "--user", "DemoUser123", "--data", "name=Nicholas of Patara"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "plans", tmp_path / "plans", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "planrunner.toml").write_text("", encoding="utf-8")
    return tmp_path


def planrunner(project: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "planrunner", *words],
        cwd=project,
        env={**os.environ, "HOME": str(project), "NO_PROXY": "127.0.0.1", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def assert_shape(value: Any, shape: Any) -> None:
    if isinstance(shape, dict):
        for key, inner in shape.items():
            assert key in value, key
            assert_shape(value[key], inner)
    else:
        assert isinstance(value, shape)


def test_the_greeting_with_its_script_prints_the_documented_record(project: Path) -> None:
    script = ["--script", "plans/greeting.script.yml", "--format", "json"]
    done = planrunner(project, *GREET, "--data", "email_address=demo@example.org", *script)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert_shape(record, RUN_STATE)
    assert record["state"] == "COMPLETE"
    assert record["execution_context"]["end_user_id"] == "DemoUser123"
    assert record["execution_context"]["additional_data"]["name"] == "Nicholas of Patara"
    assert list(record["step_outputs"]) == ["$svalbard_temperature", "$personalized_greeting"]
    assert record["final_output"] == record["step_outputs"]["$personalized_greeting"]
    assert "Nicholas of Patara" in record["final_output"]["value"]
    kept = project / ".planrunner" / "runs" / f"{record['id']}.json"
    assert json.loads(kept.read_text(encoding="utf-8")) == record
    shown = planrunner(project, "runs", "show", record["id"], "--format", "json")
    assert json.loads(shown.stdout) == record


def test_the_greeting_through_the_real_litellm(project: Path) -> None:
    said = [
        calls(("weather", {"city": "Longyearbyen"})),
        text("Light snow at -11.5 °C."),
        text("Dear Nicholas of Patara, wrap up warm!"),
    ]
    with OpenAIServer(said) as server, open_meteo() as meteo:
        done = planrunner(
            project, *GREET, "--data", "team={{ 7*7 }}", "--model", "openai/x", "--format", "json",
            OPENAI_API_BASE=server.base_url, OPENAI_API_KEY="sk-secret-1234567890", PLANRUNNER_OPEN_METEO_URL=meteo.url,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    first, second, third = server.requests
    assert [tool["function"]["name"] for tool in first.body["tools"]] == ["weather"]
    assert "DemoUser123" not in first.system, "the reporter sees none of the context"
    assert second.messages[2]["tool_calls"][0]["function"]["name"] == "weather"
    answer = second.messages[3]
    assert (answer["role"], json.loads(answer["content"])["temperature_c"]) == ("tool", -11.5)
    assert '"end_user_id":"DemoUser123"' in third.system
    assert '"additional_data":{"name":"Nicholas of Patara","team":"{{ 7*7 }}"}' in third.system
    assert "Light snow at -11.5 °C." in third.messages[1]["content"]
    assert "tools" not in third.body
    assert record["final_output"]["value"] == "Dear Nicholas of Patara, wrap up warm!"
    assert record["usage"]["llm_calls"] == 3
    assert record["usage"]["prompt_tokens"] == 33
    assert record["steps"][0]["llm_calls"][0]["model"] == "openai/x"
    written = b"".join(file.read_bytes() for file in (project / ".planrunner").rglob("*") if file.is_file())
    assert b"sk-secret" not in written + (done.stdout + done.stderr).encode()


QUERY = "Get the temperature in Svalbard and write me a personalized greeting with the result."
ASK = ["ask", QUERY, "--user", "DemoUser123", "--data", "name=Nicholas of Patara"]


def test_the_query_planned_and_run_with_its_script_prints_the_documented_record(project: Path) -> None:
    flags = ["--data", "email_address=demo@example.org", "--script", "plans/ask.script.yml", "--yes"]
    done = planrunner(project, *ASK, *flags, "--format", "json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert_shape(record, RUN_STATE)
    assert (record["state"], record["current_step_index"]) == ("COMPLETE", 1)
    assert record["execution_context"]["end_user_id"] == "DemoUser123"
    assert list(record["step_outputs"]) == ["$svalbard_temperature", "$personalized_greeting"]
    assert record["final_output"] == record["step_outputs"]["$personalized_greeting"]
    assert "Nicholas of Patara" in record["final_output"]["value"]


def test_the_query_planned_and_run_through_the_real_litellm(project: Path) -> None:
    (plan,) = load_script(project / "plans" / "ask.script.yml").replies["planner"]
    said = [
        text(f"Here is the plan:\n```yaml\n{plan}```"),
        calls(("weather", {"city": "Longyearbyen"})),
        text("Light snow at -11.5 °C."),
        text("Dear Nicholas of Patara, wrap up warm!"),
    ]
    with OpenAIServer(said) as server, open_meteo() as meteo:
        done = planrunner(
            project, *ASK, "--data", "team={{ 7*7 }}", "--yes", "--model", "openai/x", "--format", "json",
            OPENAI_API_BASE=server.base_url, OPENAI_API_KEY="sk-secret-1234567890", PLANRUNNER_OPEN_METEO_URL=meteo.url,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    planned, first, _, last = server.requests
    assert planned.messages[1] == {"role": "user", "content": QUERY}
    data = '"additional_data":{"name":"Nicholas of Patara","team":"{{ 7*7 }}"}'
    assert f'{{"end_user_id":"DemoUser123",{data}}}' in planned.system
    assert "DemoUser123" not in first.system, "the reporter sees none of the context"
    assert [tool["function"]["name"] for tool in first.body["tools"]] == ["weather"]
    assert data in last.system
    assert last.messages[1]["content"].startswith("Write a short, warm greeting to Nicholas of Patara")
    assert list(record["step_outputs"]) == ["$svalbard_temperature", "$personalized_greeting"]
    assert record["final_output"] == {"value": "Dear Nicholas of Patara, wrap up warm!"}
    assert record["usage"]["llm_calls"] == 3, "those of the run"
    written = b"".join(file.read_bytes() for file in (project / ".planrunner").rglob("*") if file.is_file())
    assert b"sk-secret" not in written + (done.stdout + done.stderr).encode()


def test_a_model_that_refuses_fails_the_run_with_a_clear_word(project: Path) -> None:
    with OpenAIServer([failure(401, "bad key")]) as server:
        done = planrunner(
            project, *GREET, "--model", "openai/x", OPENAI_API_BASE=server.base_url, OPENAI_API_KEY="sk-secret-123456"
        )
    assert done.returncode == 1
    assert "OPENAI_API_KEY" in done.stderr
    assert "sk-secret" not in done.stderr
    assert "Traceback" not in done.stderr
    assert len(server.requests) == 1


def test_the_expenses_need_no_model(project: Path) -> None:
    done = planrunner(project, "run", "plans/expenses.yml", "--format", "json")
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)["final_output"]["value"]
    assert output["total"] == "2546.18"
    report = (project / output["report"]).read_text(encoding="utf-8")
    assert all(user in report for user in output["end_users"])
    assert "2546.18" in report


def test_the_tests_of_the_examples_pass_and_leave_nothing(project: Path) -> None:
    done = planrunner(project, "test", "plans", "--format", "json")
    assert done.returncode == 0, done.stdout
    cases = json.loads(done.stdout)["cases"]
    assert {case["file"] for case in cases} == {f"plans/{name}.test.yml" for name in EXAMPLES}
    assert len(cases) >= 15
    assert not (project / "reports").exists()
    assert not (project / ".planrunner").exists()


def test_a_refund_is_decided_approved_and_paid_once(project: Path) -> None:
    """The README's walk: pause, answer, resume, each from another process; the approval shows the args."""
    begun = planrunner(
        project, "run", "plans/refund.yml", "--user", "u1", "--input", "order_id=A-1", "--format", "json"
    )
    assert begun.returncode == 3, begun.stderr
    run_id = json.loads(begun.stdout)["id"]
    assert f"planrunner answer {run_id}" in begun.stderr
    assert f"planrunner resume {run_id}" in begun.stderr
    (project / "plans" / "refund.yml").write_text("changed: meanwhile\n", encoding="utf-8")

    wrong = planrunner(project, "answer", run_id, "maybe")
    assert wrong.returncode == 2
    assert "refund, reject" in wrong.stderr
    assert planrunner(project, "answer", run_id, "refund").returncode == 0
    asked = planrunner(project, "resume", run_id, "--format", "json")
    assert asked.returncode == 3, asked.stderr
    approval = json.loads(asked.stdout)["clarifications"][1]
    assert approval["call"]["args"] == {"order_id": "A-1", "amount": 30.0}
    book = project / "reports" / "refunds.jsonl"
    assert not book.exists(), "money moved before the approval"

    assert planrunner(project, "answer", run_id, "yes").returncode == 2, "an approval was given unseen"
    yes = planrunner(project, "answer", run_id, approval["id"], "yes", "--as", "the shift lead")
    assert yes.returncode == 0, yes.stderr
    done = planrunner(project, "resume", run_id, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["final_output"]["value"]["paid"] == "30.00 paid back for A-1"
    assert planrunner(project, "resume", run_id).returncode == 0
    (line,) = book.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["user"] == "u1"


def test_a_refund_above_the_limit_is_refused_whoever_approves(project: Path) -> None:
    begun = planrunner(
        project, "run", "plans/refund.yml", "--user", "u1", "--input", "order_id=A-2", "--answer", "decide=refund"
    )
    assert begun.returncode == 1, begun.stderr
    assert "above the limit" in begun.stderr
    assert not (project / "reports").exists()


NOTES = ["plans/release-notes.yml", "--input", "release=2.1"]


def without_answers(project: Path, name: str) -> list[str]:
    """The flags for the script of a plan from which the answers of people were taken: they are asked."""
    text = (project / "plans" / name).read_text(encoding="utf-8")
    (project / "asking.yml").write_text(text.partition("\nanswers:")[0] + "\n", encoding="utf-8")
    return ["--script", "asking.yml"]


def test_release_notes_go_back_and_forth_between_processes_until_they_are_approved(project: Path) -> None:
    script = without_answers(project, "release-notes.script.yml")
    begun = planrunner(project, "run", *NOTES, *script, "--format", "json")
    assert begun.returncode == 3, begun.stderr
    record = json.loads(begun.stdout)
    (asked,) = record["clarifications"]
    assert asked["path"] == "notes(1)/look"
    assert asked["user_guidance"].startswith("- Orders can be refunded in part.")
    assert planrunner(project, "answer", record["id"], "Say what crashed", "--as", "Grace").returncode == 0

    again = planrunner(project, "resume", record["id"], *script, "--format", "json")
    assert again.returncode == 3, again.stderr
    asked = json.loads(again.stdout)["clarifications"][1]
    assert asked["path"] == "notes(2)/look"
    assert "A photo without a name" in asked["user_guidance"]
    assert planrunner(project, "answer", record["id"], "ok").returncode == 0

    done = planrunner(project, "resume", record["id"], *script, "--format", "json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert [step["path"] for step in record["steps"][0]["steps"]] == ["notes(1)", "notes(2)"]
    assert record["usage"]["llm_calls"] == 2, "no draft was written twice"
    assert record["final_output"]["value"] == record["step_outputs"]["$notes"]["value"]["draft"]
    assert "A photo without a name" in record["final_output"]["value"]


def test_release_notes_with_their_script_run_from_end_to_end(project: Path) -> None:
    done = planrunner(project, "run", "plans/release-notes.yml", "--script", "plans/release-notes.script.yml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("- A photo without a name no longer ends the program.\n")


CUSTOMER = ["plans/support-triage.yml", "--user", "u1", "--data", "name=Ada"]


def test_support_triage_with_its_script_runs_from_end_to_end(project: Path) -> None:
    script = ["--script", "plans/support-triage.script.yml"]
    done = planrunner(project, "run", *CUSTOMER, *script, "--format", "json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["final_output"]["value"]["verdict"] == "refund"
    assert record["final_output"]["value"]["letter"].startswith("Dear Ada,\n\nWe are sorry")
    assert record["steps"][1]["items"] == {"total": 2, "complete": 2, "skipped": 0, "failed": 0}
    assert not (project / "reports").exists(), "the cash desk was played by the script"
    assert "A-1: COMPLETE, refund" in done.stderr


def test_support_triage_waits_for_the_shift_lead_and_goes_on_with_the_plans_it_began_with(project: Path) -> None:
    script = without_answers(project, "support-triage.script.yml")
    begun = planrunner(project, "run", *CUSTOMER, *script, "--format", "json")
    assert begun.returncode == 3, begun.stderr
    record = json.loads(begun.stdout)
    (approval,) = record["clarifications"]
    assert (approval["path"], approval["to"]) == ("done/paid", {"role": "shift_lead"})
    assert approval["call"]["args"] == {"order_id": "A-1", "amount": 30.0}
    assert record["steps"][3]["steps"][0]["tool_calls"] == [], "money moved before the approval"
    yes = planrunner(project, "answer", record["id"], approval["id"], "yes", "--as", "the shift lead")
    assert yes.returncode == 0, yes.stderr
    for name in ("support-triage.yml", "letter.yml"):
        (project / "plans" / name).write_text("changed: meanwhile\n", encoding="utf-8")

    done = planrunner(project, "resume", record["id"], *script, "--format", "json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    (paid,) = record["steps"][3]["steps"]
    assert paid["tool_calls"][0]["output"] == "30.00 paid back for A-1"
    assert record["usage"] | {"usd": 0} == {
        "llm_calls": 5, "tool_calls": 4, "prompt_tokens": 0, "completion_tokens": 0, "usd": 0,
    }  # fmt: skip
    assert record["final_output"]["value"]["letter"].endswith("Your support team\n")
