"""What a paused run does not care about: its plan's file, its plan's folder, the working folder, the process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.crash.project import SUMS, Project


def paused(project: Project, *words: str) -> str:
    told = project.call("run", "plan.yml", "--no-input", "--format", "json", *words)
    assert told.code == 3, told.err
    run_id: str = json.loads(told.out)["id"]
    return run_id


def test_a_changed_plan_file_changes_no_run(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.let_go("first", "second")
    run_id = paused(project)
    plan = project.folder / "plan.yml"
    for edited in (plan.read_text().replace("inputs.word }}, ", "inputs.word }} and not "), "no plan at all: ["):
        plan.write_text(edited)
        shown = project.call("runs", "show", run_id, "--format", "json")
        assert json.loads(shown.out)["state"] == "NEED_CLARIFICATION", shown.err
    done = project.call("resume", run_id, "--answer", "ask=now")
    assert (done.code, done.out) == (0, "before, now\n"), done.err
    assert len(project.made()) == 2


def test_a_run_goes_on_from_elsewhere_when_its_folder_is_gone(tmp_path: Path) -> None:
    project, elsewhere = Project(tmp_path / "project", SUMS), tmp_path / "elsewhere"
    elsewhere.mkdir()
    store = str(tmp_path / "kept")
    run_id = paused(project, "--store", store)
    shutil.rmtree(project.folder)
    answered = project.call("answer", run_id, "ask", "2", "--store", store, cwd=elsewhere)
    assert answered.code == 0, answered.err
    done = project.call("resume", run_id, "--store", store, cwd=elsewhere)
    assert (done.code, done.out) == (0, "42\n"), done.err
    assert list(elsewhere.iterdir()) == [], "the working folder is nobody's place to write to"
    assert not project.folder.exists()
    record = json.loads((tmp_path / "kept" / "runs" / f"{run_id}.json").read_text())
    assert record["state"] == "COMPLETE"


def test_a_run_whose_tools_are_gone_says_so_and_waits(tmp_path: Path) -> None:
    project, elsewhere = Project(tmp_path / "project"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.let_go("first", "second")
    store = str(tmp_path / "kept")
    run_id = paused(project, "--store", store)
    project.folder.rename(tmp_path / "away")
    refused = project.call("resume", run_id, "--store", store, "--answer", "ask=now", cwd=elsewhere)
    assert refused.code == 2
    assert "there is no module 'held'" in refused.err
    assert "Traceback" not in refused.err
    (tmp_path / "away").rename(project.folder)
    done = project.call("resume", run_id, "--store", store, cwd=elsewhere)
    assert (done.code, done.out) == (0, "before, now\n"), done.err


def test_another_user_takes_over_only_when_told_and_the_record_shows_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.let_go("first", "second")
    run_id = paused(project, "--user", "ann")
    done = project.call("resume", run_id, "--answer", "ask=now", "--user", "bob", "--format", "json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["execution_context"]["end_user_id"] == "bob"
    shown = json.loads(project.call("runs", "show", run_id, "--events", "--format", "json").out)
    users = [event["body"]["context"]["end_user_id"] for event in shown if "context" in event["body"]]
    assert users == ["ann", "bob"]
