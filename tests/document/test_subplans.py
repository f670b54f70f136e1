"""Plans inside of plans: what is read with a plan, what is refused, where it is told, and what a run keeps of it."""

from __future__ import annotations

import os
import socket
import sys
import zipfile
from pathlib import Path

import pytest

from planrunner.document.beside import InSnapshot
from planrunner.document.build import digest
from planrunner.document.load import Loaded, load_document, load_plan
from planrunner.document.source import MAX_BYTES, MAX_NODES
from planrunner.document.subplans import MAX_DEPTH, MAX_RUNS, MAX_SUBPLANS
from planrunner.document.view import MAX_READING
from planrunner.errors import InvalidPlanError
from planrunner.plan import Handed, Plan

HEAD = "planrunner: 1\nname: outer\nsteps:\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a plans folder, and a plan outside of it that no plan may name."""
    root = tmp_path / "project"
    (root / "plans").mkdir(parents=True)
    (root / "planrunner.toml").touch()
    (tmp_path / "secret.yml").write_text(plan("secret"))
    return root


def plan(name: str = "inner", *steps: str, more: str = "") -> str:
    """The text of a plan with these steps, or with one that does nothing."""
    listed = steps or ("{id: only, set: 1}",)
    return f"planrunner: 1\nname: {name}\n{more}steps:\n" + "".join(f"  - {step}\n" for step in listed)


def steps(*names: str) -> str:
    """Steps that run the plans of these names."""
    return "".join(f"  - {{id: s{number}, plan: {quoted(name)}}}\n" for number, name in enumerate(names))


def around(name: str, *names: str) -> str:
    """The text of a plan that runs the plans of these names."""
    return f"planrunner: 1\nname: {name}\nsteps:\n{steps(*names)}"


def quoted(name: str) -> str:
    return '"' + "".join(f"\\x{ord(c):02x}" if c < " " or c in '"\\' else c for c in name) + '"'


def put(project: Path, name: str, content: str | bytes) -> Path:
    """Write a file, named from the plans folder."""
    file = Path(os.path.normpath(project / "plans" / name))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def load(project: Path, text: str) -> Loaded:
    """Load a plan that stands in the plans folder."""
    return load_document(text.encode(), "plans/p.yml", path=str(project / "plans" / "p.yml"), root=str(project))


def loaded_plan(project: Path, text: str) -> Plan:
    loaded = load(project, text)
    assert loaded.plan is not None, said(loaded)
    return loaded.plan


def said(loaded: Loaded) -> list[str]:
    return [f"{problem.file}:{problem}" for problem in loaded.problems]


def from_snapshot(made: Plan, root: Path) -> Loaded:
    name, text = next(iter(made.files.items()))
    return load_document(text.encode(), name, path=None, root=str(root), beside=InSnapshot(made.files))


# what is built


def test_plans_stand_under_the_words_that_name_them(project: Path) -> None:
    put(project, "a.yml", plan("a"))
    put(project, "deep/b.yml", around("b", "../a.yml", "c.yml"))
    put(project, "deep/c.yml", plan("c"))
    made = loaded_plan(project, HEAD + steps("a.yml", "./a.yml", "deep/b.yml", "deep/../a.yml"))
    assert list(made.subplans) == ["a.yml", "./a.yml", "deep/b.yml", "deep/../a.yml"]
    assert made.subplans["a.yml"] is made.subplans["./a.yml"] is made.subplans["deep/../a.yml"]
    assert made.subplans["deep/b.yml"].subplans["../a.yml"] is made.subplans["a.yml"]
    assert [each.name for each in made.walk_plans()] == ["outer", "a", "a", "b", "a", "c", "a"]
    inner = made.subplans["deep/b.yml"]
    assert (inner.path, inner.root) == (str(project / "plans" / "deep" / "b.yml"), str(project))


def test_plans_are_found_wherever_a_step_stands(project: Path) -> None:
    for name in "abcdef":
        put(project, f"{name}.yml", plan(name))
    made = loaded_plan(
        project,
        HEAD
        + "  - {id: a, steps: [{id: aa, plan: a.yml}]}\n"
        + "  - {id: b, switch: [{when: true, steps: [{id: bb, plan: b.yml}]}, {steps: [{id: bc, plan: c.yml}]}]}\n"
        + "  - {id: d, set: 1, on_error: [{steps: [{id: dd, steps: [{id: de, plan: d.yml}]}]}]}\n"
        + "  - {id: e, foreach: {in: '[1]'}, repeat: {until: true, max: 1}, plan: e.yml}\n"
        + "finally:\n  - {id: f, plan: f.yml}\n",
    )
    assert {each.name for each in made.subplans.values()} == set("abcdef")


def test_prompts_of_a_plan_are_named_from_its_own_folder(project: Path) -> None:
    put(project, "sub/a.yml", plan("a", "{id: t, task: {file: prompts/t.md}}", "{id: u, task: {file: ../t.md}}"))
    put(project, "sub/prompts/t.md", "of the sub-plan")
    put(project, "prompts/t.md", "of nobody")
    put(project, "t.md", "of both")
    made = loaded_plan(project, HEAD + steps("sub/a.yml") + "  - {id: own, task: {file: t.md}}\n")
    assert [step.value for step in made.subplans["sub/a.yml"].steps] == ["of the sub-plan", "of both"]
    assert made.steps[1].value == "of both"


def test_the_snapshot_has_the_plan_first_and_each_file_once(project: Path) -> None:
    put(project, "../shared/a.yml", plan("a", "{id: t, task: {file: a.md}}", "{id: b, plan: ../plans/deep/b.yml}"))
    put(project, "../shared/a.md", "A")
    put(project, "deep/b.yml", plan("b", "{id: t, task: {file: ../own.md}}"))
    put(project, "own.md", "O")
    text = HEAD + "  - {id: own, task: {file: own.md}}\n" + steps("../shared/a.yml", "deep/b.yml")
    made = loaded_plan(project, text)
    assert list(made.files) == [
        "p.yml",
        "own.md",
        "../shared/a.yml",
        "../shared/a.md",
        "../plans/deep/b.yml",
        "../plans/own.md",
        "deep/b.yml",
    ]
    assert made.files["../plans/own.md"] == made.files["own.md"] == "O"
    assert made.sha256 == digest(made.files.values())
    inner = made.subplans["../shared/a.yml"]
    assert list(inner.files) == ["a.yml", "a.md", "../plans/deep/b.yml", "../plans/own.md"]
    assert inner.sha256 == digest(inner.files.values())
    assert list(made.subplans["deep/b.yml"].files) == ["b.yml", "../own.md"]


def test_a_plan_is_the_same_inside_of_another_and_on_its_own(project: Path) -> None:
    put(project, "sub/a.yml", around("a", "../b.yml"))
    put(project, "b.yml", plan("b", "{id: t, task: {file: sub/t.md}}"))
    put(project, "sub/t.md", "T")
    inner = loaded_plan(project, HEAD + steps("sub/a.yml")).subplans["sub/a.yml"]
    alone = load_plan(project / "plans" / "sub" / "a.yml")
    assert inner == alone


def test_another_file_below_is_another_plan(project: Path) -> None:
    put(project, "a.yml", around("a", "b.yml"))
    put(project, "b.yml", plan("b", "{id: t, task: {file: t.md}}"))
    file = put(project, "t.md", "one")
    first = loaded_plan(project, HEAD + steps("a.yml"))
    file.write_text("two")
    second = loaded_plan(project, HEAD + steps("a.yml"))
    assert first.sha256 != second.sha256
    assert first.subplans["a.yml"].sha256 != second.subplans["a.yml"].sha256
    assert loaded_plan(project, HEAD + steps("a.yml")) == second


def test_a_plan_from_text_names_plans_from_the_root(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(project, "a.yml", around("a", "deep/b.yml"))
    put(project, "deep/b.yml", plan("b"))
    monkeypatch.chdir(project / "plans")
    made = load_plan(HEAD + steps("plans/a.yml"))
    assert list(made.files) == ["plan", "plans/a.yml", "plans/deep/b.yml"]
    assert made.subplans["plans/a.yml"].path == str(project / "plans" / "a.yml")
    with pytest.raises(InvalidPlanError, match=r"no file 'a\.yml' .* \(relative to the project root\)"):
        load_plan(HEAD + steps("a.yml"))
    put(project, "a.yml", around("a", "gone.yml"))
    with pytest.raises(InvalidPlanError, match=r"no file 'plans/gone\.yml' .* \(relative to the folder of the plan\)"):
        load_plan(HEAD + steps("plans/a.yml"))


def test_what_the_callers_tools_may_explain_is_left_to_the_runner(project: Path) -> None:
    put(project, "a.yml", plan("a", "{id: own, tool: mine}"))
    loaded = load(project, HEAD + steps("a.yml"))
    assert loaded.plan is not None
    assert [(problem.file, problem.code) for problem in loaded.problems] == [("plans/a.yml", "unknown-tool")]


# the snapshot


def test_from_a_snapshot_nothing_is_read_from_disk(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(project, "../shared/a.yml", "\ufeff" + around("a", "b.yml", "shop:c.yml").replace("\n", "\r\n"))
    put(project, "../shared/b.yml", plan("b", "{id: t, task: {file: ../plans/t.md}}"))
    put(project, "t.md", "before")
    put(project, "../shop/c.yml", plan("c", "{id: t, task: {file: t.md}}"))
    put(project, "../shop/t.md", "in the package")
    made = loaded_plan(project, HEAD + steps("../shared/a.yml"))
    put(project, "t.md", "after")
    put(project, "../shared/b.yml", "gone wrong")
    (project / "shop" / "c.yml").unlink()
    monkeypatch.setattr(os, "open", _never)
    again = from_snapshot(made, Path("/nowhere"))
    assert again.plan is not None
    assert (again.plan.files, again.plan.sha256) == (made.files, made.sha256)
    inner, before = again.plan.subplans["../shared/a.yml"], made.subplans["../shared/a.yml"]
    assert inner.subplans["b.yml"].steps[0].value == "before"
    assert inner.subplans["shop:c.yml"].steps[0].value == "in the package"
    assert (inner.files, inner.sha256) == (before.files, before.sha256)
    assert [each.path for each in again.plan.walk_plans()] == [None] * 4
    assert from_snapshot(inner, Path("/nowhere")).plan == inner


def _never(*_: object, **__: object) -> int:
    raise AssertionError("a snapshot needs no disk")


def test_a_snapshot_without_the_file_is_told(project: Path) -> None:
    put(project, "plans/a.yml", plan())
    text = HEAD + steps("a.yml")
    loaded = load_document(text.encode(), "p.yml", path=None, root=str(project), beside=InSnapshot({"p.yml": text}))
    assert said(loaded) == ["p.yml:4:20: the run keeps no file 'a.yml' [subplan-file]"]


def test_a_file_that_looks_like_a_packages_is_not_taken_for_one(project: Path) -> None:
    put(project, "a.yml", plan("a", "{id: t, task: {file: 'shop:t.md'}}", "{id: p, plan: 'shop:b.yml'}"))
    put(project, "shop:t.md", "beside the plan")
    put(project, "../shop/b.yml", plan("b", "{id: t, task: {file: t.md}}"))
    put(project, "../shop/t.md", "in the package")
    made = loaded_plan(project, HEAD + steps("a.yml"))
    assert list(made.files.items())[2:] == [
        ("./shop:t.md", "beside the plan"),
        ("shop:b.yml", made.files["shop:b.yml"]),
        ("shop:t.md", "in the package"),
    ]
    again = from_snapshot(made, project).plan
    assert again is not None
    inner = again.subplans["a.yml"]
    assert inner.steps[0].value == "beside the plan"
    assert inner.subplans["shop:b.yml"].steps[0].value == "in the package"


# packages


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on `sys.path` with a package that leaves a trace when it is imported."""
    site = tmp_path / "site"
    for folder in ("letters", "letters/kinds"):
        (site / folder).mkdir(parents=True)
        (site / folder / "__init__.py").write_text("import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n")
    (site / "letters" / "code.py").write_text("raise SystemExit\n")
    (site / "letters" / "kinds" / "a.yml").write_text(around("a", "more/b.yml", "letters:c.yml"))
    (site / "letters" / "kinds" / "more").mkdir()
    (site / "letters" / "kinds" / "more" / "b.yml").write_text(plan("b", "{id: t, task: {file: ../t.md}}"))
    (site / "letters" / "kinds" / "t.md").write_text("T")
    (site / "letters" / "c.yml").write_text(plan("c"))
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    return site


def test_a_plan_of_a_package_is_found_and_nothing_of_it_is_imported(project: Path, installed: Path) -> None:
    made = loaded_plan(project, HEAD + steps("letters.kinds:a.yml", "letters.kinds:more/../a.yml"))
    assert list(made.files) == [
        "p.yml",
        "letters.kinds:a.yml",
        "letters.kinds:more/b.yml",
        "letters.kinds:t.md",
        "letters:c.yml",
    ]
    inner = made.subplans["letters.kinds:a.yml"]
    assert made.subplans["letters.kinds:more/../a.yml"] is inner
    assert (inner.path, inner.root) == (str(installed / "letters" / "kinds" / "a.yml"), str(project))
    assert list(inner.files) == ["a.yml", "more/b.yml", "t.md", "letters:c.yml"]
    assert list(installed.rglob("ran")) == []
    assert not [name for name in sys.modules if name.partition(".")[0] == "letters"]


def test_a_package_below_the_root_is_found_last(project: Path, installed: Path) -> None:
    put(project, "../letters/c.yml", plan("hidden"))
    put(project, "../letters/__init__.py", "")
    put(project, "../shop/forms/d.yml", plan("d"))
    made = loaded_plan(project, HEAD + steps("letters:c.yml", "shop.forms:d.yml", "shop:forms/d.yml"))
    assert [each.name for each in made.subplans.values()] == ["c", "d", "d"]


def test_a_package_in_several_places_gives_the_file_where_it_is(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("one", "two"):
        (tmp_path / place / "spread").mkdir(parents=True)
        (tmp_path / place / "spread" / f"{place}.yml").write_text(plan(place))
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "one"), str(tmp_path / "two")])
    made = loaded_plan(project, HEAD + steps("spread:two.yml", "spread:one.yml"))
    assert [each.name for each in made.subplans.values()] == ["two", "one"]


def test_a_package_of_another_project_is_not_seen(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from planrunner.tools.search_path import appended_roots

    other = tmp_path / "other"
    (other / "theirs").mkdir(parents=True)
    (other / "theirs" / "a.yml").write_text(plan())
    monkeypatch.setattr(sys, "path", [*sys.path, str(other)])
    assert load(project, HEAD + steps("theirs:a.yml")).plan is not None
    appended_roots.add(str(other))
    try:
        (line,) = said(load(project, HEAD + steps("theirs:a.yml")))
    finally:
        appended_roots.remove(str(other))
    assert "there is no package 'theirs', neither installed nor in the project" in line


@pytest.mark.parametrize(
    "name",
    [
        "letters:../secret.yml",
        "letters.kinds:../c.yml",
        "letters.kinds:more/../../c.yml",
        "letters:/c.yml",
        "letters:kinds\\a.yml",
        "letters:C:a.yml",
        "letters:",
        "letters:.",
        "letters:kinds",
        "letters:kinds/",
        "letters:gone.yml",
        "letters:out.yml",
        "letters:a\0.yml",
        "letters:" + "x/" * 300 + "x",
        "letters.code:c.yml",
        "letters.gone:c.yml",
        "letters.kinds.more.gone:b.yml",
        "letters" + ".kinds" * 100 + ":a.yml",
        "sys:a.yml",
        "zipped:a.yml",
        "none_such:a.yml",
        "file:///etc/passwd",
        "inside:passwd",
        "inside.etc:passwd",
    ],
)
def test_what_no_plan_of_a_package_can_be_is_told_at_its_name(
    project: Path, installed: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (installed / "letters" / "out.yml").symlink_to(tmp_path / "secret.yml")
    (installed / "secret.yml").write_text(plan("secret"))
    (project / "inside").symlink_to("/")
    (project / "etc").symlink_to("/etc")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("zipped/__init__.py", "")
        archive.writestr("zipped/a.yml", plan())
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "z.zip")])
    loaded = load(project, HEAD + steps(name))
    assert loaded.plan is None
    (problem,) = loaded.problems
    assert (problem.file, problem.line, problem.column, problem.code) == ("plans/p.yml", 4, 20, "subplan-file")
    assert len(problem.message) < 700
    assert problem.message.isprintable()


def test_problems_of_a_packages_plan_name_its_file(project: Path, installed: Path) -> None:
    (installed / "letters" / "c.yml").write_text(plan("c", "{id: a, set: '{{ gone }}'}"))
    put(project, "../shop/d.yml", plan("d", "{id: a, set: '{{ gone }}'}"))
    files = [problem.file for problem in load(project, HEAD + steps("letters:c.yml", "shop:d.yml")).problems]
    assert files == ["plans/p.yml", "plans/p.yml", str(installed / "letters" / "c.yml"), "shop/d.yml"]


# what is refused


@pytest.mark.parametrize(
    "name",
    [
        "../../secret.yml",
        "../plans/../../secret.yml",
        "../../project/../secret.yml",
        "../../../../../../../../../../etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "~/secret.yml",
        "..\\..\\secret.yml",
        "out.yml",
        "around.yml",
        "out/secret.yml",
        "loop.yml",
        "../.git/config",
        "../.planrunner/a.yml",
        "git/config",
        ".",
        "..",
        "deep",
        "deep/",
        "pipe.yml",
        "socket.yml",
        "zero.yml",
        "stdin.yml",
        "a.yml/b.yml",
        "a.yml/",
        "a\0.yml",
        "a\n.yml",
        "a\x1b[31m.yml",
        "x" * 300,
        "x/" * 300 + "x",
        "x" * 10_000,
        "gone.yml",
    ],
)
def test_what_no_plan_can_be_is_told_at_its_name(project: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = project / "plans"
    put(project, "a.yml", plan())
    put(project, "deep/a.yml", plan())
    for folder in (".git", ".planrunner"):
        put(project, f"../{folder}/config", plan())
        put(project, f"../{folder}/a.yml", plan())
    (plans / "out.yml").symlink_to(project.parent / "secret.yml")
    (plans / "around.yml").symlink_to("../../secret.yml")
    (plans / "out").symlink_to(project.parent)
    (plans / "git").symlink_to(project / ".git")
    (plans / "loop.yml").symlink_to("loop.yml")
    (plans / "zero.yml").symlink_to("/dev/zero")
    (plans / "stdin.yml").symlink_to("/dev/stdin")
    os.mkfifo(plans / "pipe.yml")
    monkeypatch.chdir(plans)
    text = (HEAD + steps(name)).encode()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.yml")
        loaded = load_document(text, "p.yml", path="p.yml", root=str(project))
    assert loaded.plan is None
    (problem,) = loaded.problems
    assert (problem.file, problem.line, problem.column, problem.code) == ("p.yml", 4, 20, "subplan-file")
    assert len(problem.message) < 700
    assert problem.message.isprintable()


def test_a_sub_plan_leads_out_of_the_project_no_more_than_the_plan(project: Path) -> None:
    put(project, "deep/a.yml", around("a", "../../../secret.yml"))
    lines = said(load(project, HEAD + steps("deep/a.yml")))
    assert [line.partition(": ")[0] for line in lines] == ["plans/p.yml:4:20", "plans/deep/a.yml:4:20"]
    assert "it leaves the project root" in lines[1]


def test_links_inside_the_project_are_followed(project: Path) -> None:
    put(project, "../shared/a.yml", around("a", "b.yml"))
    put(project, "b.yml", plan("b"))
    (project / "plans" / "a.yml").symlink_to("../shared/a.yml")
    made = loaded_plan(project, HEAD + steps("a.yml"))
    assert made.subplans["a.yml"].subplans["b.yml"].name == "b", "names go from where the link stands"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "'plans/a.yml' is empty: write the plan into it"),
        (b"# nothing\n", "'plans/a.yml' is empty: write the plan into it"),
        (b"null\n", "'plans/a.yml' is no plan: a plan is a YAML file with `planrunner: 1` at the top"),
        (b"- planrunner: 1\n", "'plans/a.yml' is no plan: a plan is a YAML file with `planrunner: 1` at the top"),
        (b"name: a\nsteps: []\n", "'plans/a.yml' is no plan: a plan is a YAML file with `planrunner: 1` at the top"),
        (b"planrunner_script: 1\n", "'plans/a.yml' is a script and no plan: name the plan's own file"),
        (b"planrunner_test: 1\n", "'plans/a.yml' is a test and no plan: name the plan's own file"),
        (b"KEY: [\n", "plans/a.yml:2:1: the file ends where a value was expected: a '[' or '{' above is not closed"),
        (b"a: \xff", "plans/a.yml:1:4: the byte 0xff is not UTF-8: save the file as UTF-8"),
        (plan().encode("utf-16"), "plans/a.yml:1:1: UTF-16 text is not UTF-8: save the file as UTF-8"),
        (b"\0" * (MAX_BYTES + 1), "plans/a.yml:1:1: the file is larger than 4 MiB: split it"),
    ],
)
def test_what_is_no_plan_is_told_at_its_name_and_shows_nothing_of_itself(
    project: Path, content: bytes, message: str
) -> None:
    put(project, "a.yml", content)
    (line,) = said(load(project, HEAD + steps("a.yml")))
    assert line.startswith(f"plans/p.yml:4:20: {message}")
    assert line.endswith("[subplan-file]")


def test_a_plan_that_a_planner_wrote_reads_none(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(project, "a.yml", plan())
    text = (HEAD + steps("a.yml")).encode()
    monkeypatch.setattr(os, "open", _never)
    loaded = load_document(text, "p.yml", path=str(project / "plans" / "p.yml"), root=str(project), handed=Handed())
    assert [problem.code for problem in loaded.problems] == ["planned"]


# where problems are told


def test_what_is_wrong_in_a_plan_is_told_in_its_own_file_once(project: Path) -> None:
    put(project, "deep/a.yml", plan("a", "{id: t, task: {file: t.md}}", "{id: u, sett: 1}"))
    put(project, "deep/t.md", "{{ gone }}")
    put(project, "b.yml", around("b", "deep/a.yml"))
    loaded = load(project, HEAD + steps("deep/a.yml", "b.yml", "./deep/a.yml"))
    assert [(problem.file, problem.line, problem.code) for problem in loaded.problems] == [
        ("plans/p.yml", 4, "subplan-invalid"),
        ("plans/p.yml", 5, "subplan-invalid"),
        ("plans/p.yml", 6, "subplan-invalid"),
        ("plans/b.yml", 4, "subplan-invalid"),
        ("plans/deep/a.yml", 5, "unknown-key"),
        ("plans/deep/t.md", 1, "unknown-name"),
    ]
    assert {source.name: source.lines[0] for source in loaded.subplans} == {
        "plans/deep/a.yml": "planrunner: 1",
        "plans/deep/t.md": "{{ gone }}",
        "plans/b.yml": "planrunner: 1",
    }
    assert loaded.prompts == ()


def test_a_plan_with_problems_of_its_own_reads_its_sub_plans_all_the_same(project: Path) -> None:
    put(project, "a.yml", plan("a", "{id: t, sett: 1}"))
    loaded = load(project, HEAD + steps("a.yml") + "wrong: 1\n")
    assert [problem.code for problem in loaded.problems] == ["subplan-invalid", "unknown-key", "unknown-key"]


def test_of_very_many_problems_the_plans_own_come_first(project: Path) -> None:
    for number in range(9):
        wrong = [f"{{id: s{step}, sett: 1}}" for step in range(50)]
        put(project, f"a{number}.yml", plan("a", *wrong))
    loaded = load(project, HEAD + steps(*(f"a{number}.yml" for number in range(9))))
    assert [problem.code for problem in loaded.problems[:9]] == ["subplan-invalid"] * 9
    assert len(loaded.problems) == 9 + 100
    assert loaded.problems[-1].code == "too-many-problems"


# circles


def test_plans_that_run_each_other_are_told_with_the_whole_way(project: Path) -> None:
    put(project, "deep/a.yml", around("a", "b.yml"))
    put(project, "deep/b.yml", around("b", "c.yml"))
    put(project, "deep/c.yml", around("c", "../p.yml"))
    put(project, "p.yml", HEAD + steps("deep/a.yml"))
    assert said(load(project, HEAD + steps("deep/a.yml"))) == [
        "plans/p.yml:4:20: a plan can't run inside itself: plans/p.yml → plans/deep/a.yml → plans/deep/b.yml → "
        "plans/deep/c.yml → plans/p.yml; take one of these steps out [subplan-cycle]"
    ]


def test_a_circle_further_down_is_told_where_it_begins(project: Path) -> None:
    put(project, "a.yml", around("a", "b.yml"))
    put(project, "b.yml", around("b", "fine.yml", "c.yml"))
    put(project, "c.yml", around("c", "b.yml"))
    put(project, "fine.yml", plan("fine"))
    loaded = load(project, HEAD + steps("a.yml"))
    assert [(problem.file, problem.line, problem.code) for problem in loaded.problems] == [
        ("plans/p.yml", 4, "subplan-invalid"),
        ("plans/a.yml", 4, "subplan-invalid"),
        ("plans/b.yml", 5, "subplan-cycle"),
    ]


@pytest.mark.parametrize("name", ["p.yml", "./p.yml", "../plans/p.yml", "deep/../p.yml", "deep/up.yml"])
def test_a_plan_that_runs_itself_is_told(project: Path, name: str) -> None:
    put(project, "p.yml", HEAD + steps(name))
    put(project, "deep/up.yml", around("up", "../../plans/p.yml"))
    (problem,) = load(project, HEAD + steps(name)).problems
    assert problem.code == "subplan-cycle"
    assert problem.message.endswith("plans/p.yml; take one of these steps out")


def test_a_circle_through_a_package_is_told(project: Path) -> None:
    put(project, "../shop/a.yml", around("a", "shop:b.yml"))
    put(project, "../shop/b.yml", around("b", "a.yml"))
    loaded = load(project, HEAD + steps("../shop/a.yml"))
    assert [(problem.file, problem.code) for problem in loaded.problems] == [
        ("plans/p.yml", "subplan-invalid"),
        ("shop/a.yml", "subplan-cycle"),
    ]


def test_a_circle_of_links_ends_at_the_depth(project: Path) -> None:
    (project / "plans" / "self").symlink_to(".")
    put(project, "p.yml", HEAD + steps("self/p.yml"))
    (problem,) = load(project, HEAD + steps("self/p.yml")).problems
    assert problem.code == "subplan-limit"


# how much


def chain(project: Path, length: int) -> None:
    for number in range(1, length):
        put(project, f"c{number}.yml", around(f"c{number}", f"c{number + 1}.yml"))
    put(project, f"c{length}.yml", plan(f"c{length}"))


def test_plans_run_so_deep_and_no_deeper(project: Path) -> None:
    chain(project, MAX_DEPTH + 1)
    made = loaded_plan(project, HEAD + steps("c2.yml"))
    assert len(list(made.walk_plans())) == MAX_DEPTH + 1
    assert from_snapshot(made, project).plan is not None
    (problem,) = load(project, HEAD + steps("c1.yml")).problems
    assert (problem.file, problem.line, problem.code) == ("plans/p.yml", 4, "subplan-limit")
    assert problem.message.startswith(
        f"plans run more than {MAX_DEPTH} deep inside of each other, along plans/p.yml → "
    )


def test_a_plan_that_is_known_counts_with_its_own_depth(project: Path) -> None:
    chain(project, MAX_DEPTH + 1)
    loaded = load(project, HEAD + steps("c11.yml", "c2.yml", "c1.yml"))
    assert [(problem.line, problem.code) for problem in loaded.problems] == [(6, "subplan-limit")]


def test_so_many_plan_files_and_no_more(project: Path) -> None:
    names = [f"a{number}.yml" for number in range(MAX_SUBPLANS + 1)]
    for name in names:
        put(project, name, plan())
    assert len(loaded_plan(project, HEAD + steps(*names[1:])).subplans) == MAX_SUBPLANS
    (problem,) = load(project, HEAD + steps(*names)).problems
    assert (problem.line, problem.code) == (MAX_SUBPLANS + 4, "subplan-limit")


def test_together_they_are_no_larger_than_one_plan(project: Path) -> None:
    for name in ("a", "b", "c"):
        put(project, f"{name}.yml", plan(name, f"{{id: long, set: '{'x' * (MAX_BYTES // 3)}'}}"))
        put(project, f"n{name}.yml", plan(name, f"{{id: many, set: [{'1,' * (MAX_NODES // 2 - 1000)}]}}"))
    assert load(project, HEAD + steps("a.yml", "b.yml")).plan is not None
    (problem,) = load(project, HEAD + steps("a.yml", "b.yml", "c.yml")).problems
    assert problem.code == "subplan-limit"
    assert load(project, HEAD + steps("na.yml", "nb.yml")).plan is not None
    (problem,) = load(project, HEAD + steps("na.yml", "nb.yml", "nc.yml")).problems
    assert (
        "the plans inside of this one hold more than 50,000 values, from plans/nc.yml on: split it" in problem.message
    )


def test_their_templates_are_read_as_far_as_those_of_one_plan(project: Path) -> None:
    (project / "plans" / "t.md").write_text("x" * (MAX_READING * 3 // 10) + "{{ run.id }}")
    for number in range(5):
        put(project, f"a{number}.yml", plan("a", "{id: t, task: {file: t.md}}"))
    names = [f"a{number}.yml" for number in range(5)]
    assert load(project, HEAD + steps(*names[:3])).plan is not None
    loaded = load(project, HEAD + steps(*names))
    assert [problem.code for problem in loaded.problems] == ["subplan-invalid", "subplan-invalid", "template-syntax"]
    assert "templates are not looked at" in loaded.problems[-1].message


def test_a_plan_named_in_9_000_steps_is_read_once(project: Path) -> None:
    put(project, "a.yml", plan("a", "{id: t, task: {file: t.md}}"))
    put(project, "t.md", "T")
    made = loaded_plan(project, HEAD + steps(*["a.yml"] * 9_000))
    assert len(made.steps) == 9_000
    assert list(made.files) == ["p.yml", "a.yml", "t.md"]
    assert len(list(made.walk_plans())) == 2


def diamonds(project: Path, levels: int) -> None:
    """Each level names both plans of the next: 2 ** levels ways lead down."""
    for level in range(1, levels + 1):
        for side in "ab":
            below = (f"a{level + 1}.yml", f"b{level + 1}.yml")
            put(project, f"{side}{level}.yml", around("d", *below) if level < levels else plan("d"))


def test_where_ways_part_and_meet_each_plan_is_read_once(project: Path) -> None:
    diamonds(project, 12)
    made = loaded_plan(project, HEAD + steps("a1.yml", "b1.yml"))
    assert len(made.files) == 1 + 2 * 12
    assert len({id(each) for each in made.walk_plans()}) == 1 + 2 * 12
    assert len(list(made.walk_plans())) == 2**13 - 1 <= MAX_RUNS
    assert from_snapshot(made, project).plan is not None


def test_more_runs_than_anybody_wants_are_refused(project: Path) -> None:
    diamonds(project, 20)
    loaded = load(project, HEAD + steps("a1.yml", "b1.yml"))
    assert [problem.code for problem in loaded.problems].count("subplan-limit") == 2
    limits = [problem for problem in loaded.problems if problem.code == "subplan-limit"]
    assert all("more than 10,000 plans would run inside of this one" in problem.message for problem in limits)
    assert {problem.file for problem in limits} == {"plans/a7.yml", "plans/b7.yml"}


def test_circles_in_every_direction_end(project: Path) -> None:
    """Each plan names both of the next level, and then both of the one above: without a bound this is 2 ** 19."""
    for level in range(1, 20):
        near = [f"{side}{other}.yml" for other in (level + 1, level - 1) for side in "ab" if 1 <= other < 20]
        for side in "ab":
            put(project, f"{side}{level}.yml", around("d", *near))
    loaded = load(project, HEAD + steps("a1.yml", "b1.yml"))
    assert loaded.plan is None
    assert {problem.code for problem in loaded.problems} <= {"subplan-cycle", "subplan-invalid", "subplan-limit"}
