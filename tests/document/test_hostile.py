"""Files that mean harm end in a problem with line and column, within bounds that the system itself keeps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from planrunner.document.source import MAX_BYTES
from tests.document.hostile import HOSTILE

# A second of CPU is the goal; the kernel counts whole seconds, and machines differ.
CPU_SECONDS = 4
_MEMORY = 200 * 1024 * 1024
_READER = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_SECONDS}, {CPU_SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from planrunner.document.load import load_document, read_plan
plan = sys.argv[1]
loaded = load_document(read_plan(plan), "hostile.yml", path=plan, root=os.path.dirname(plan))
assert loaded.plan is None
try:  # what this program used; ru_maxrss also counts the process that started it
    status = open("/proc/self/status").read()
    print(int(status.split("VmHWM:")[1].split()[0]) * 1024)
except (OSError, IndexError):
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
for problem in loaded.problems:
    print(problem)
"""


def _read(file: Path) -> list[str]:
    """What is said of the file by a process that may use so much and no more."""
    command = [sys.executable, "-c", _READER, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    memory, *problems = done.stdout.splitlines()
    assert int(memory) < _MEMORY
    return problems


@pytest.mark.parametrize("name", HOSTILE)
def test_it_ends_in_a_problem_with_its_place(name: str, tmp_path: Path) -> None:
    file = tmp_path / "hostile.yml"
    content = HOSTILE[name]()
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = _read(file)
    assert problems
    line, column, *_ = problems[0].split(":")
    assert int(line) >= 1
    assert int(column) >= 1
    assert len(problems[0]) < 600


@pytest.mark.parametrize("beginning", ["", "planrunner: 1\nname: big\nsteps:\n"], ids=["holes", "a plan"])
def test_100_mb_are_not_read(beginning: str, tmp_path: Path) -> None:
    file = tmp_path / "big.yml"
    with file.open("wb") as out:
        out.write(beginning.encode())
        out.truncate(100 * 1024 * 1024)
    assert file.stat().st_size > 20 * MAX_BYTES
    assert [problem.split(": ")[0] for problem in _read(file)] == ["1:1"]


def test_prompt_files_of_100_mb_are_not_read(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yml"
    names = [f"p{number}.md" for number in range(20)]
    steps = "".join(f"  - {{id: s{number}, task: {{file: {name}}}}}\n" for number, name in enumerate(names))
    plan.write_text(f"planrunner: 1\nname: big\nsteps:\n{steps}")
    for name in names:
        with (tmp_path / name).open("wb") as out:
            out.truncate(100 * 1024 * 1024)
    problems = _read(plan)
    assert len(problems) == len(names)
    assert all("is larger than 512 KiB" in problem for problem in problems)


@pytest.mark.parametrize(
    "beginning", ["{{ run.id }}\n" * 2500, "{{ gone }}\n" * 2500, "{{ (\n" * 50_000, "x" * 500_000 + "{{ x"]
)
def test_one_prompt_file_in_10_000_steps_is_looked_at_within_bounds(beginning: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yml"
    steps = "".join(f"  - {{id: s{number}, task: {{file: prompt.md}}}}\n" for number in range(10_000))
    plan.write_text(f"planrunner: 1\nname: shared\nsteps:\n{steps}")
    (tmp_path / "prompt.md").write_text(beginning)
    assert _read(plan)


def test_very_many_prompt_files_are_refused(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yml"
    steps = "".join(f"  - {{id: s{number}, task: {{file: p{number}.md}}}}\n" for number in range(5000))
    plan.write_text(f"planrunner: 1\nname: many\nsteps:\n{steps}")
    for number in range(5000):
        (tmp_path / f"p{number}.md").write_text("read")
    assert "may have at most 1,000 prompt files" in _read(plan)[0]


_OUTER = "planrunner: 1\nname: outer\nsteps:\n"
_ALIASES = "x-a: &a [" + "1," * 900 + "]\nx-b: [" + "*a," * 200 + "]\n"


def _runs(*names: str) -> str:
    return _OUTER + "".join(f"  - {{id: s{number}, plan: {name}}}\n" for number, name in enumerate(names))


@pytest.mark.parametrize(
    "inner",
    [
        _OUTER + "  - {id: a, set: 1}\n" + _ALIASES,
        _OUTER + "  - {id: a, set: [" + "1," * 200_001 + "]}\n",
        _OUTER + "  - {id: a, set: " + "[" * 60 + "\n" * 400_000,
        _OUTER + "".join(f"  - {{id: s{number}, task: {{file: t.md}}}}\n" for number in range(600)),
        "x\n" * 2_000_000,
        _OUTER + "  - {id: a, task: '" + "{{ run.id }} " * 3000 + "'}\n",
        _OUTER + "  - {id: a, set: 1}\n" + f"x-text: {'x' * 100_000}\n",
    ],
    ids=["aliases", "too many values", "never closed", "prompts", "no plan", "templates", "long"],
)
def test_what_is_dear_in_one_sub_plan_is_not_dear_200_times(inner: str, tmp_path: Path) -> None:
    names = [f"a{number}.yml" for number in range(300)]
    plan = tmp_path / "plan.yml"
    plan.write_text(_runs(*names))
    (tmp_path / "t.md").write_text("{{ run.id }} and {{ inputs.x }}\n" * 2000)
    first, *others = (tmp_path / name for name in names)
    first.write_text(inner)
    for other in others:
        other.hardlink_to(first)
    assert _read(plan)


def test_ways_without_number_through_sub_plans_are_refused(tmp_path: Path) -> None:
    """A hundred levels of a hundred plans, each of which runs all plans of the next level."""
    plan = tmp_path / "plan.yml"
    levels = [[f"p{level}_{place}.yml" for place in range(100)] for level in range(100)]
    plan.write_text(_runs(*levels[0]))
    for names, below in zip(levels, [*levels[1:], ["gone.yml"]], strict=True):
        for name in names:
            (tmp_path / name).write_text(_runs(*below))
    assert _read(plan)


def test_sub_plans_that_all_run_each_other_end(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yml"
    names = [f"p{place}.yml" for place in range(100)]
    plan.write_text(_runs(*names))
    for place, name in enumerate(names):
        (tmp_path / name).write_text(_runs(*names[place:], *names[:place]))
    assert _read(plan)


def test_a_file_without_end_is_not_read() -> None:
    assert [problem.split(": ")[0] for problem in _read(Path("/dev/zero"))] == ["1:1"]
