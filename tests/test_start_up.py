"""What a command may import before it does its work. Counted, not timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "aiohttp",
    "asyncio",
    "httpx",
    "jsonschema",
    "litellm",
    "mcp",
    "openai",
    "pydantic",
    "rich",
    "sqlite3",
}
PLAN = """
planrunner: 1
name: greeting
inputs:
  city: {type: string}
agents:
  writer: {instructions: "Write to {{ context.additional_data.name }}.", tools: [weather]}
steps:
  - {id: look, tool: weather, args: {city: "{{ inputs.city }}"}}
  - {id: letter, task: "It is {{ steps.look.output.temperature_c }} degrees.", agent: writer}
"""
_REPORT = """
import sys
from planrunner.cli.main import main
code = main(sys.argv[1:])
print("\\n".join(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
sys.exit(code)
"""


def imported(*words: str, cwd: Path) -> set[str]:
    """The top-level modules in memory when the command has done its work."""
    told = subprocess.run(
        [sys.executable, "-c", _REPORT, *words], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert told.returncode == 0, told.stderr
    return set(told.stderr.split())


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("run", "--help"),
        ("plan", "--help"),
        ("ask", "--help"),
        ("validate", "--help"),
        ("test", "--help"),
        ("runs", "list", "--help"),
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(tmp_path: Path, words: tuple[str, ...]) -> None:
    modules = imported(*words, cwd=tmp_path)
    assert "click" in modules
    assert modules & HEAVY == set()


def test_the_list_of_commands_imports_no_command(tmp_path: Path) -> None:
    assert imported("--help", cwd=tmp_path) & {"yaml", "jinja2", "json", "dataclasses"} <= {"json", "dataclasses"}


def test_validate_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "greeting.yml").write_text(PLAN.replace("temperature_c }}", "temperature_c | round }}"), "utf-8")
    modules = imported("validate", "greeting.yml", cwd=tmp_path)
    assert {"click", "yaml", "jinja2"} <= modules
    assert modules & HEAVY == set()


def test_a_plan_that_reads_plain_paths_alone_needs_no_jinja(tmp_path: Path) -> None:
    (tmp_path / "greeting.yml").write_text(PLAN, "utf-8")
    assert "jinja2" not in imported("validate", "greeting.yml", cwd=tmp_path)


def test_a_run_without_models_does_not_import_litellm(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("planrunner: 1\nname: p\nsteps: [{id: a, set: 1}]\n", "utf-8")
    assert imported("run", "p.yml", cwd=tmp_path) & {"litellm", "mcp", "openai", "rich", "jsonschema"} == set()


def test_the_package_itself_imports_nothing(tmp_path: Path) -> None:
    code = "import sys, planrunner; print(*sorted(n for n in sys.modules if n.startswith('planrunner')))"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert told.stdout.split() == ["planrunner"]
