"""Every command and every plan in README.md and docs/ works as it stands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
    """A fenced block of a page, and the problems of a plan that are printed right below it."""

    page: str
    line: int
    language: str
    text: str
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


CHECKS = "docs/reference/checks.md"
_PRINTED = re.compile(r"\n\n```text\n((?:plan\.yml:\d+:\d+: .*\n)+)```$", re.MULTILINE)


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
            found.append(Block(str(page.relative_to(PROJECT)), line, match[1], match[2], printed))
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
def test_every_plan_and_every_test_that_is_shown_is_valid_or_gives_the_problems_below_it(block: Block) -> None:
    if block.text.startswith(FOR_OTHERS):
        return
    text = block.text.partition("\n")[2] if block.text.startswith(MODELINE) else block.text
    if text.startswith("planrunner_test:"):
        assert_passes(block)
        return
    if not text.startswith("planrunner"):
        pytest.fail(f"{block}: a YAML block that is no whole plan or test can't be checked; show a whole one")
    loaded = load_document(block.text.encode(), "plan.yml", path=None, root=str(PROJECT))
    said = [
        f"plan.yml:{each.line}:{each.column}: {each.level}: {each.message} [{each.code}]" for each in loaded.problems
    ]
    if block.page == CHECKS:  # which tells of what is not built yet, too
        said = [line for line in said if line in block.problems or not line.endswith("[not-supported]")]
    assert said == list(block.problems)


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
