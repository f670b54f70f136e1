"""Reading plan files: roots, digests, and what can't be read."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from planrunner.document.build import digest
from planrunner.document.load import find_root, load_document, load_plan
from planrunner.errors import InvalidPlanError, UsageError

PLAN = "planrunner: 1\nname: small\nsteps:\n  - {id: a, set: 1}\n"


def test_a_plan_from_a_file_and_from_text(tmp_path: Path) -> None:
    file = tmp_path / "small.yml"
    file.write_text(PLAN)
    plan = load_plan(file)
    assert plan == load_plan(str(file))
    assert plan.path == str(file)
    assert plan.files == {"small.yml": PLAN}
    assert plan.sha256 == digest([PLAN]) == load_plan(PLAN).sha256
    assert load_plan(PLAN).path is None


def test_the_digest_is_over_the_bytes_and_moves_none_between_files() -> None:
    assert digest([PLAN]) == hashlib.sha256(b"%d\0" % len(PLAN) + PLAN.encode()).hexdigest()
    assert digest(["ab", "c"]) != digest(["a", "bc"])
    assert digest(["\ufeffé\r\n"]) == hashlib.sha256(b"7\0\xef\xbb\xbf\xc3\xa9\r\n").hexdigest()


def test_a_snapshot_loads_to_the_same_digest() -> None:
    text = ("\ufeff" + PLAN.replace("\n", "\r\n")).encode()
    plan = load_document(text, "p.yml", path="p.yml", root=".").plan
    assert plan is not None
    ((name, snapshot),) = plan.files.items()
    again = load_document(snapshot.encode(), name, path=None, root=".").plan
    assert again is not None
    assert again.sha256 == plan.sha256


def test_all_problems_of_a_wrong_plan_are_in_the_error() -> None:
    with pytest.raises(InvalidPlanError) as caught:
        load_plan("planrunner: 1\nname: Bad\nsteps: []\n")
    assert [problem.code for problem in caught.value.problems] == ["wrong-value", "empty"]
    message = str(caught.value)
    assert message.startswith("plan is not a valid plan, 2 problems:\n  plan:2:7: 'name' must be")
    assert "plan:3:8: 'steps' is an empty list" in message


def test_a_tool_of_the_callers_own_is_left_to_the_runner() -> None:
    text = "planrunner: 1\nname: own\nsteps:\n  - {id: a, tool: mine}\n"
    assert load_plan(text).steps[0].value == "mine"
    loaded = load_document(text.encode(), "own.yml", path=None, root=".")
    assert loaded.plan is not None
    assert [problem.code for problem in loaded.problems] == ["unknown-tool"]


def test_what_can_not_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*gone\.yml"):
        load_plan(tmp_path / "gone.yml")
    with pytest.raises(UsageError, match="is a folder; name the plan file in it"):
        load_plan(tmp_path)
    with pytest.raises(UsageError, match="can't be read"):
        load_plan("a\0b")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UsageError, match="can't be read"):
        load_plan(tmp_path / "loop")


def test_the_root_is_the_nearest_marked_folder(tmp_path: Path) -> None:
    inner = tmp_path / "project" / "plans" / "deep"
    inner.mkdir(parents=True)
    plan = inner / "p.yml"
    (tmp_path / ".git").mkdir()
    assert find_root(str(plan)) == str(tmp_path)
    (tmp_path / "project" / "pyproject.toml").write_text("[tool.other]\n")
    assert find_root(str(plan)) == str(tmp_path)
    (tmp_path / "project" / "pyproject.toml").write_text("[tool.planrunner]\nmodel = 'x'\n")
    assert find_root(str(plan)) == str(tmp_path / "project")
    (tmp_path / "project" / "pyproject.toml").write_text("not toml")
    (inner / "planrunner.toml").touch()
    assert find_root(str(plan)) == str(inner)


def test_the_root_lies_above_the_plan_and_not_above_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    (tmp_path / "here" / "planrunner.toml").touch()
    monkeypatch.chdir(tmp_path / "here")
    assert find_root("../there/p.yml") == find_root(f"{tmp_path}/here/../there/p.yml") == str(tmp_path / "there")
    assert find_root("../here/p.yml") == str(tmp_path / "here")


def test_without_a_mark_the_root_is_the_plans_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not any((folder / ".git").exists() for folder in tmp_path.parents)
    assert find_root(str(tmp_path / "p.yml")) == find_root("p.yml") == find_root(None) == str(tmp_path)


def test_checking_imports_nothing_heavy() -> None:
    program = f"""
import sys
from planrunner.document.load import load_plan
load_plan({PLAN!r})
print(*sorted(sys.modules.keys() & {{"jsonschema", "pydantic", "asyncio", "litellm", "mcp", "rich", "click"}}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_checking_neither_imports_nor_starts_what_a_plan_names(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n")
    plan = tmp_path / "p.yml"
    plan.write_text(
        "planrunner: 1\nname: evil\ntools: {x: {use: 'evil:x'}}\n"
        f"mcp_servers: {{s: {{command: touch, args: ['{tmp_path / 'ran'}']}}}}\n"
        "hooks: {before_plan_run: [{use: 'evil:hook'}]}\nsteps:\n  - {id: a, tool: x}\n"
    )
    load_document(plan.read_bytes(), "p.yml", path=str(plan), root=str(tmp_path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("filling", [b"# \n", b"x-more: more\n", "é".encode()])
def test_a_file_may_have_four_mib(filling: bytes) -> None:
    text = PLAN.encode() + filling * (4 * 1024 * 1024 // len(filling))
    (problem,) = load_document(text, "large.yml", path=None, root=".").problems
    assert str(problem) == "1:1: the file is larger than 4 MiB: split it [too-large]"


@pytest.mark.parametrize(
    "many",
    [
        f"x-list: {{{', '.join(['a: 1'] * 120)}}}\n",
        "".join(f"ky_{number}: 1\n" for number in range(120)),
        f"output: '{' '.join(f'{{{{ inputs.a{number} }}}}' for number in range(120))}'\n",
    ],
    ids=["of the reader", "of the shape", "of a rule"],
)
def test_of_many_problems_a_hundred_are_told_and_that_there_are_more(many: str) -> None:
    *problems, last = load_document((PLAN + many).encode(), "many.yml", path=None, root=".").problems
    assert len(problems) == 99
    assert len({problem.code for problem in problems}) == 1
    assert last.code == "too-many-problems"
    assert last.message == "there are more problems from here on: mend those above first, then check again"


def test_warnings_are_told_once_there_is_no_error() -> None:
    unused = PLAN + "inputs: {city: {type: string}}\n"
    misspelt = unused + "output: '{{ inputs.cty }}'\n"
    problems = load_document(misspelt.encode(), "p.yml", path=None, root=".").problems
    assert [(each.code, each.level) for each in problems] == [("unknown-input", "error")]
    loaded = load_document(unused.encode(), "p.yml", path=None, root=".")
    assert [(each.code, each.level) for each in loaded.problems] == [("unused", "warning")]
    assert loaded.plan is not None


def test_a_pipe_is_no_plan(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    with pytest.raises(UsageError, match="is not a regular file"):
        load_plan(tmp_path / "pipe.yml")


def test_a_plan_may_name_any_number_of_tools_that_only_the_runner_knows() -> None:
    steps = "".join(f"  - {{id: s{number}, tool: own}}\n" for number in range(150))
    assert load_plan(f"planrunner: 1\nname: many\nsteps:\n{steps}").name == "many"
