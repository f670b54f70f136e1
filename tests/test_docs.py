"""Every command and every plan in README.md and docs/ works as it stands."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from planrunner.document.load import load_document
from planrunner.settings import load_settings
from planrunner.testing.case import Plans, read_suite
from planrunner.testing.run import CaseRunner
from tests.conftest import PROJECT

NEEDS_NETWORK_OR_KEY = ("pip ", "export ", 'planrunner run plans/greeting.yml --user DemoUser123 --data name="Nicholas')
"""Beginnings of command lines that are shown and can't run here; a real model is spoken to in tests/models."""

FOR_OTHERS = "# ."
"""How a YAML file begins that is no plan: with its name. tests/editors checks those."""

MODELINE = "# yaml-language-server: $schema="


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    problems  of a plan that are printed right below it
    shown     the text block right below it, None when there is none
    """

    page: str
    line: int
    language: str
    text: str
    problems: tuple[str, ...] = ()
    shown: str | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


CHECKS = "docs/reference/checks.md"
CONTROL_FLOW = "docs/control-flow/"
_PRINTED = re.compile(r"\n\n```text\n((?:plan\.yml:\d+:\d+: .*\n)+)```$", re.MULTILINE)
_SHOWN = re.compile(r"\n\n```text\n((?:(?!```).*\n)*)```$", re.MULTILINE)
_NAMED = re.compile(r"# ([a-z-]+\.yml)\n")
"""How a plan begins that others on its page run: with the name of its file."""


def pages() -> list[Path]:
    return [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def blocks(*languages: str) -> list[Block]:
    found = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            below = _PRINTED.match(text, match.end())
            printed = tuple(below[1].splitlines()) if below else ()
            shown = _SHOWN.match(text, match.end())
            name = page.relative_to(PROJECT).as_posix()
            found.append(Block(name, line, match[1], match[2], printed, shown and shown[1]))
    return [block for block in found if block.language in languages]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what a reader has before them."""
    shutil.copytree(PROJECT / "plans", tmp_path / "plans", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "planrunner.toml").write_text("", encoding="utf-8")
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command, _, written = command.partition(" > ")
    words = shlex.split(command)
    assert words[0].endswith("planrunner"), command
    environment = {**os.environ, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "planrunner", *words[1:]],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if written:
        assert done.stdout, command
        (folder / written).write_text(done.stdout, encoding="utf-8")
    return done


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_every_plan_and_every_test_that_is_shown_is_valid_or_gives_the_problems_below_it(
    block: Block, tmp_path: Path
) -> None:
    if block.text.startswith(FOR_OTHERS):
        return
    first_line = block.text.startswith(MODELINE) or _NAMED.match(block.text)
    text = block.text.partition("\n")[2] if first_line else block.text
    if text.startswith("planrunner_test:"):
        assert_passes(block)
        return
    if not text.startswith("planrunner"):
        pytest.fail(f"{block}: a YAML block that is no whole plan or test can't be checked; show a whole one")
    path = write_named(block.page, tmp_path)
    root = str(PROJECT) if path is None else str(tmp_path)
    loaded = load_document(block.text.encode(), "plan.yml", path=path, root=root)
    said = [
        f"plan.yml:{each.line}:{each.column}: {each.level}: {each.message} [{each.code}]" for each in loaded.problems
    ]
    if block.page == CHECKS:  # which tells of what is not built yet, too
        said = [line for line in said if line in block.problems or not line.endswith("[not-supported]")]
    assert said == list(block.problems)


def write_named(page: str, folder: Path) -> str | None:
    """Write the plans that others on the page run; the path of a plan beside them, None when the page has none."""
    named = {match[1]: block for block in blocks("yaml") if block.page == page and (match := _NAMED.match(block.text))}
    for name, block in named.items():
        (folder / name).write_text(block.text, encoding="utf-8")
    return str(folder / "plan.yml") if named else None


ON_CONTROL_FLOW = [
    block for block in blocks("yaml") if block.page.startswith(CONTROL_FLOW) and not _NAMED.match(block.text)
]


@pytest.mark.parametrize("block", ON_CONTROL_FLOW, ids=str)
def test_every_plan_about_control_flow_prints_what_is_shown_below_it(block: Block, tmp_path: Path) -> None:
    """Steps, their states and order, and the final output; how long something took is not compared."""
    (tmp_path / "planrunner.toml").touch()
    write_named(block.page, tmp_path)
    (tmp_path / "plan.yml").write_text(block.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "planrunner", "run", "plan.yml", "--store", "memory"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    printed = done.stdout.rpartition("run prun-")[0]
    assert re.sub(r"\bin [0-9.]+s", "in 0.00s", printed) == block.shown
    assert done.returncode == (1 if "\nfailed: " in printed else 0)


def test_every_construct_has_a_page_with_a_plan_that_runs() -> None:
    pages = {Path(block.page).stem for block in ON_CONTROL_FLOW if block.shown}
    assert pages >= {"order", "when", "switch", "groups", "foreach", "repeat", "errors", "finally", "exit", "sub-plans"}


SEEN = "docs/control-flow/README.md"


@pytest.mark.parametrize("form", ["text", "mermaid"])
def test_a_plan_is_seen_as_the_page_shows_it(form: str, project: Path) -> None:
    (shown,) = [block for block in blocks(form) if block.page == SEEN]
    assert run(f"planrunner graph plans/support-triage.yml --format {form}", project).stdout == shown.text


RECORD = "docs/record.md"
_ID = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|20\d\d-\d\d-\d\dT[0-9:.]+Z")


def test_the_page_on_records_shows_a_real_one(project: Path) -> None:
    """Each piece is a part of the record, of one of its steps, or of a question; ids, digests and times apart."""
    (command,) = [block for block in blocks("sh") if block.page == RECORD]
    with (project / "planrunner.toml").open("a", encoding="utf-8") as settings:
        settings.write("large_output_tokens = 20\n")
    whole = json.loads(_ID.sub("ID", run(command.text.strip(), project).stdout))
    pieces = [json.loads(_ID.sub("ID", block.text)) for block in blocks("json") if block.page == RECORD]
    assert len(pieces) >= 7
    for piece in pieces:
        places = [whole, *whole["clarifications"], *every_step(whole["steps"])]
        found = [place for place in places if piece.get("path") == place.get("path")]
        assert any(is_part(piece, place) for place in found), piece


def test_the_page_on_records_shows_what_runs_show_prints(project: Path) -> None:
    (command,) = [block for block in blocks("sh") if block.page == RECORD]
    record = json.loads(run(command.text.strip(), project).stdout)
    printed = run(f"planrunner runs show {record['id']}", project).stdout
    (shown,) = [block for block in blocks("text") if block.page == RECORD and block.text.startswith("steps\n")]
    assert shown.text in re.sub(r"\b[0-9.]+s\b", "0.00s", printed)


def every_step(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for step in steps for found in (step, *every_step(step.get("steps", [])))]


def is_part(piece: Any, whole: Any) -> bool:
    """Whether all that the piece tells is so; maps may leave keys out."""
    if isinstance(piece, dict) and isinstance(whole, dict):
        return all(key in whole and is_part(inner, whole[key]) for key, inner in piece.items())
    if isinstance(piece, list) and isinstance(whole, list):
        return len(piece) == len(whole) and all(map(is_part, piece, whole))
    return bool(piece == whole)


def assert_passes(block: Block) -> None:
    """A test of one of the example plans, beside which it would stand."""
    suite = read_suite(block.text.encode(), str(block), str(PROJECT / "plans"), Plans())
    assert not suite.wrong, [str(problem) for wrong in suite.wrong for problem in wrong.problems]
    with CaseRunner() as runner:
        assert [runner.test(suite, case).differences for case in suite.cases] == [()] * len(suite.cases)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_every_setting_that_is_shown_is_one(block: Block, tmp_path: Path) -> None:
    own = block.page == "docs/policy.md" and "[policy]" not in block.text
    (tmp_path / ("policy.toml" if own else "planrunner.toml")).write_text(block.text, encoding="utf-8")
    load_settings(tmp_path, policy=tmp_path / "policy.toml" if own else None, environ={})


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_every_command_that_is_shown_works(block: Block, project: Path) -> None:
    for line in block.text.splitlines():
        command = line.split("&&")[-1].strip()
        if command.endswith("pytest") or is_left_out(line):
            continue
        done = run(command, project)
        assert done.returncode == (3 if "run plans/refund.yml" in command else 0), (
            f"{command}\n{done.stdout}\n{done.stderr}"
        )


def is_left_out(line: str) -> bool:
    return line.startswith(NEEDS_NETWORK_OR_KEY) and "--script" not in line


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_every_program_that_is_shown_works(block: Block, project: Path) -> None:
    done = subprocess.run([sys.executable, "-c", block.text], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"state": "COMPLETE"' in done.stdout


def test_the_pages_have_blocks_of_each_kind() -> None:
    assert len(blocks("yaml")) >= 2
    assert len(blocks("sh")) >= 4
    assert len(blocks("python")) >= 1


def test_no_page_leads_nowhere() -> None:
    for page in pages():
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
