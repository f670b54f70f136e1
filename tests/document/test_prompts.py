"""Prompts in files of their own: what is read, what is refused, where in them a problem is told."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner.document.beside import InSnapshot
from planrunner.document.build import digest
from planrunner.document.load import Loaded, load_document, load_plan
from planrunner.document.places import place
from planrunner.document.prompts import MAX_PROMPT, MAX_PROMPTS, MAX_TOGETHER
from planrunner.document.source import ScalarNode, parse_text
from planrunner.errors import InvalidPlanError

HEAD = "planrunner: 1\nname: prompts\nsteps:\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a plans folder, and a file outside of it that no plan may see."""
    root = tmp_path / "project"
    (root / "plans" / "prompts").mkdir(parents=True)
    (root / "planrunner.toml").touch()
    (tmp_path / "secret.md").write_text("the secret")
    return root


def step(name: str, number: int = 0) -> str:
    return f"  - {{id: s{number}, task: {{file: {name!r}}}}}\n"


def load(project: Path, text: str) -> Loaded:
    """Load a plan that stands in the plans folder."""
    plan = project / "plans" / "p.yml"
    return load_document((HEAD + text).encode(), "plans/p.yml", path=str(plan), root=str(project))


def said(loaded: Loaded) -> list[str]:
    return [f"{problem.file}:{problem}" for problem in loaded.problems]


def put(project: Path, name: str, content: str | bytes) -> Path:
    file = project / "plans" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


# what is built


def test_the_text_stands_where_it_would_stand_in_the_plan(project: Path) -> None:
    for name in ("task", "named", "inline", "guidance"):
        put(project, f"prompts/{name}.md", f"{name} {{{{ run.id }}}}\n")
    plan = load(
        project,
        "  - {id: a, task: {file: prompts/task.md}, agent: x}\n"
        "  - {id: b, task: {file: prompts/task.md}, agent: {instructions: {file: prompts/inline.md}}}\n"
        "  - {id: c, clarify: {type: user_verification, guidance: {file: prompts/guidance.md}}}\n"
        "  - {id: d, set: {file: prompts/task.md}}\n"
        "agents: {x: {instructions: {file: prompts/named.md}}}\n",
    ).plan
    assert plan is not None
    a, b, c, d = plan.steps
    assert a.value == a.task == b.value == "task {{ run.id }}"
    assert plan.agent_of(a).instructions == "named {{ run.id }}"
    assert plan.agent_of(b).instructions == "inline {{ run.id }}"
    assert c.value["guidance"] == "guidance {{ run.id }}"
    assert d.value == {"file": "prompts/task.md"}, "only a prompt can be a file"


def test_a_map_that_is_a_prompt_and_a_value_is_both(project: Path) -> None:
    put(project, "a.md", "text")
    plan = load(project, "  - {id: a, task: &it {file: a.md}}\n  - {id: b, set: [*it]}\n  - {id: c, task: *it}\n").plan
    assert plan is not None
    assert [step.value for step in plan.steps] == ["text", [{"file": "a.md"}], "text"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"one\ntwo\n", "one\ntwo"),
        (b"one\ntwo", "one\ntwo"),
        (b"one\n\n", "one\n"),
        (b"\xef\xbb\xbfone\r\ntwo\r\n", "one\ntwo"),
        (b"one\rtwo\r", "one\ntwo"),
        (b"  one  ", "  one  "),
        ("é{{ 'ß' }}\n".encode(), "é{{ 'ß' }}"),
    ],
)
def test_one_line_break_at_the_end_is_no_part_of_a_prompt(project: Path, content: bytes, text: str) -> None:
    put(project, "a.md", content)
    plan = load(project, step("a.md")).plan
    assert plan is not None
    assert plan.steps[0].value == text
    assert plan.files["a.md"].encode() == content, "the snapshot has every byte"


def test_the_snapshot_has_the_plan_first_and_each_file_once(project: Path) -> None:
    put(project, "b.md", "bee")
    put(project, "../prompts/a.md", "ay")
    names = ["b.md", "../prompts/a.md", "./b.md", "prompts/../b.md", "../plans/b.md", "../prompts//a.md"]
    loaded = load(project, "".join(map(step, names, range(len(names)))))
    assert loaded.plan is not None
    files = list(loaded.plan.files.items())
    assert files[0][0] == "p.yml"
    # A file is known by its way from the plan's folder: the one by the folder's own name is another way.
    assert files[1:] == [("b.md", "bee"), ("../prompts/a.md", "ay"), ("../plans/b.md", "bee")]
    assert loaded.plan.sha256 == digest(loaded.plan.files.values())


def test_another_prompt_is_another_plan(project: Path) -> None:
    file = put(project, "a.md", "one")
    first = load(project, step("a.md")).plan
    file.write_text("two")
    second = load(project, step("a.md")).plan
    assert first is not None
    assert second is not None
    assert first.id != second.id
    assert load(project, step("a.md")).plan == second


def test_a_plan_from_text_names_files_from_the_root(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(project, "prompts/a.md", "hello")
    monkeypatch.chdir(project / "plans")
    assert load_plan(HEAD + step("plans/prompts/a.md")).steps[0].value == "hello"
    with pytest.raises(InvalidPlanError, match=r"no file 'prompts/a\.md' .* \(relative to the project root\)"):
        load_plan(HEAD + step("prompts/a.md"))


def test_a_plan_is_read_from_wherever_one_stands(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(project, "p.yml", HEAD + step("prompts/a.md"))
    put(project, "prompts/a.md", "hello {{ nobody }}")
    for folder, name, shown in (
        (project, "plans/p.yml", "plans/prompts/a.md"),
        (project / "plans", "p.yml", "prompts/a.md"),
        (project / "plans" / "prompts", "../p.yml", "a.md"),
        (project.parent, "./project/plans/p.yml", "project/plans/prompts/a.md"),
    ):
        monkeypatch.chdir(folder)
        with pytest.raises(InvalidPlanError) as caught:
            load_plan(name)
        (problem,) = caught.value.problems
        assert os.path.normpath(os.path.join(os.path.dirname(name), "prompts/a.md")) == problem.file
        assert problem.file.endswith(shown)
        assert (problem.line, problem.column) == (1, 10)


# the snapshot


def test_from_a_snapshot_nothing_is_read_from_disk(project: Path) -> None:
    file = put(project, "a.md", "\ufeffone\r\n")
    plan = load(project, step("a.md")).plan
    assert plan is not None
    file.write_text("two")
    name, text = next(iter(plan.files.items()))
    again = load_document(text.encode(), name, path=None, root=str(project), beside=InSnapshot(plan.files)).plan
    assert again is not None
    assert again.steps[0].value == "one"
    assert (again.files, again.sha256) == (plan.files, plan.sha256)


def test_a_snapshot_without_the_file_is_told(project: Path) -> None:
    put(project, "plans/a.md", "on disk")
    text = HEAD + step("a.md")
    loaded = load_document(text.encode(), "p.yml", path=None, root=str(project), beside=InSnapshot({"p.yml": text}))
    assert loaded.plan is None
    assert said(loaded) == ["p.yml:4:27: the run keeps no file 'a.md' [prompt-file]"]


# what is refused


@pytest.mark.parametrize(
    "name",
    [
        "../../secret.md",
        "../plans/../../secret.md",
        "prompts/../../../secret.md",
        "../../project/../secret.md",
        "../../../../../../../../../../etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "~/secret.md",
        "C:\\secret.md",
        "C:secret.md",
        "..\\..\\secret.md",
        "file:///etc/passwd",
        "out.md",
        "around.md",
        "out/secret.md",
        "loop.md",
        "../.git/config",
        "../.planrunner/a.md",
        "git/config",
        ".",
        "..",
        "prompts",
        "prompts/",
        "prompts/.",
        "pipe.md",
        "socket.md",
        "zero.md",
        "stdin.md",
        "p.yml",
        "a.md/b.md",
        "a.md/",
        "a\0.md",
        "a\n.md",
        "a\x1b[31m.md",
        "x" * 300,
        "x/" * 300 + "x",
        "x" * 10_000,
        "gone.md",
    ],
)
def test_what_no_prompt_can_be_is_told_at_its_name(project: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = project / "plans"
    put(project, "a.md", "a prompt")
    put(project, "p.yml", "x")
    for folder in (".git", ".planrunner"):
        put(project, f"../{folder}/config", "[core]")
        put(project, f"../{folder}/a.md", "private")
    (plans / "out.md").symlink_to(project.parent / "secret.md")
    (plans / "around.md").symlink_to("../../secret.md")
    (plans / "out").symlink_to(project.parent)
    (plans / "git").symlink_to(project / ".git")
    (plans / "loop.md").symlink_to("loop.md")
    (plans / "zero.md").symlink_to("/dev/zero")
    (plans / "stdin.md").symlink_to("/dev/stdin")
    os.mkfifo(plans / "pipe.md")
    monkeypatch.chdir(plans)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.md")
        loaded = load_document(
            f"{HEAD}  - {{id: a, task: {{file: {_quoted(name)}}}}}\n".encode(), "p.yml", path="p.yml", root=str(project)
        )
    assert loaded.plan is None
    (problem,) = loaded.problems
    assert (problem.file, problem.line, problem.column, problem.code) == ("p.yml", 4, 26, "prompt-file")
    assert len(problem.message) < 700
    assert problem.message.isprintable()
    assert "secret" not in problem.message.replace("secret.md", "")


def _quoted(name: str) -> str:
    return '"' + "".join(f"\\x{ord(c):02x}" if c < " " or c in '"\\' else c for c in name) + '"'


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(project: Path) -> None:
    put(project, "a.md", "closed").chmod(0)
    assert said(load(project, step("a.md"))) == [
        "plans/p.yml:4:27: 'plans/a.md' can't be read: Permission denied [prompt-file]"
    ]


def test_links_inside_the_project_are_followed(project: Path) -> None:
    put(project, "../shared/tone.md", "Be kind.")
    (project / "plans" / "tone.md").symlink_to("../shared/tone.md")
    (project / "plans" / "shared").symlink_to(project / "shared")
    plan = load(project, step("tone.md", 1) + step("shared/tone.md", 2)).plan
    assert plan is not None
    assert [step.value for step in plan.steps] == ["Be kind.", "Be kind."]


def test_a_plan_outside_of_its_root_has_no_prompt_files(project: Path) -> None:
    put(project, "a.md", "beside the plan")
    text = (HEAD + step("a.md")).encode()
    other = project / "other"
    other.mkdir()
    loaded = load_document(text, "p.yml", path=str(project / "plans" / "p.yml"), root=str(other))
    assert [problem.code for problem in loaded.problems] == ["prompt-file"]
    assert "it leaves the project root" in loaded.problems[0].message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "'plans/a.md' is empty: write the prompt into it"),
        (b"\xef\xbb\xbf \r\n\t\n", "'plans/a.md' is empty: write the prompt into it"),
        (b"one\ntwo\xff", "plans/a.md:2:4: the byte 0xff is not UTF-8: save the file as UTF-8"),
        ("é".encode("utf-16"), "plans/a.md:1:1: UTF-16 text is not UTF-8: save the file as UTF-8"),
        ("é".encode("utf-16-le"), "plans/a.md:1:1: the byte 0xe9 is not UTF-8: save the file as UTF-8"),
        ("ab".encode("utf-16-le"), "plans/a.md:1:2: the character \\x00 can't stand in a plan as it is: remove it"),
        (b"\r\na\x1b[31m", "plans/a.md:2:2: the character \\x1b can't stand in a plan as it is: remove it"),
        (b"x" * (MAX_PROMPT + 1), "'plans/a.md' is larger than 512 KiB: shorten the prompt"),
    ],
)
def test_what_is_no_text_is_told_at_its_name(project: Path, content: bytes, message: str) -> None:
    put(project, "a.md", content)
    assert said(load(project, step("a.md"))) == [f"plans/p.yml:4:27: {message} [prompt-file]"]


def test_the_largest_prompt_is_read_and_looked_at(project: Path) -> None:
    end = "\n{{ nobody }}"
    put(project, "a.md", "x" * (MAX_PROMPT - len(end)) + end)
    (line,) = said(load(project, step("a.md")))
    assert line.startswith("plans/a.md:2:4: nothing is called 'nobody' here")


def test_so_many_prompt_files_and_no_more(project: Path) -> None:
    for number in range(MAX_PROMPTS + 1):
        put(project, f"{number}.md", "read")
    steps = [step(f"{number}.md", number) for number in range(MAX_PROMPTS + 1)]
    assert load(project, "".join(steps[:-1])).plan is not None
    (line,) = said(load(project, "".join(steps)))
    assert line.startswith(f"plans/p.yml:{MAX_PROMPTS + 4}:")
    assert line.endswith(
        "a plan and its sub-plans may have at most 1,000 prompt files and 4 MiB in them: split the plan [prompt-file]"
    )


def test_so_many_bytes_in_them_and_no_more(project: Path) -> None:
    full = MAX_TOGETHER // MAX_PROMPT
    for number in range(full + 1):
        put(project, f"{number}.md", "x" * MAX_PROMPT)
    steps = [step(f"{number}.md", number) for number in range(full + 1)]
    assert load(project, "".join(steps[:-1])).plan is not None
    (line,) = said(load(project, "".join(steps)))
    assert line.endswith(
        "a plan and its sub-plans may have at most 1,000 prompt files and 4 MiB in them: split the plan [prompt-file]"
    )


# where problems are told


def test_one_file_is_looked_at_for_each_place_and_told_of_once(project: Path) -> None:
    put(project, "a.md", "{{ inputs.no }} {{ nobody }} {{ steps.s1.output }}")
    lines = said(load(project, "".join(step("a.md", number) for number in range(4))))
    assert [line.partition(" ")[0] for line in lines] == [
        "plans/a.md:1:4:",
        "plans/a.md:1:20:",
        "plans/a.md:1:33:",
        "plans/a.md:1:33:",
    ]
    assert "(as task of the step 's0')" in lines[1]
    assert "comes after 's0'" in lines[2], "right for s2 and s3, and not for the two others"
    assert "'s1' reads itself" in lines[3]


def test_a_name_that_only_one_use_has_is_told_with_the_other(project: Path) -> None:
    put(project, "a.md", "{{ photo }}")
    lines = said(
        load(
            project,
            "  - {id: a, foreach: {in: '[1]', as: photo}, task: {file: a.md}}\n"
            "  - {id: b, task: hello, agent: {instructions: {file: a.md}}}\n"
            "agents: {x: {instructions: {file: a.md}}}\n",
        )
    )
    (line,) = [line for line in lines if "not-supported" not in line]
    assert line.startswith("plans/a.md:1:4: nothing is called 'photo' here")
    assert "instructions of" in line


def test_problems_of_the_plan_do_not_hide_those_of_its_prompts(project: Path) -> None:
    put(project, "a.md", "\n\n   {{ nobody }}")
    loaded = load(project, "  - {id: s, task: {file: a.md}, agent: gone}\n  - {id: s, task: {file: gone.md}}\n")
    assert [(problem.file, problem.line, problem.code) for problem in loaded.problems] == [
        ("plans/a.md", 3, "unknown-name"),
        ("plans/p.yml", 4, "unknown-agent"),
        ("plans/p.yml", 5, "duplicate-id"),
        ("plans/p.yml", 5, "prompt-file"),
    ]


_LINES = st.lists(st.text(st.sampled_from("aé𝄞 \t{}%#'\"|>:-"), max_size=6), min_size=1, max_size=6)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(_LINES, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["", "\ufeff"]))
def test_every_character_of_a_prompt_is_found_in_its_file(lines: list[str], ending: str, mark: str) -> None:
    source = parse_text((mark + ending.join(lines)).encode(), "p.md")
    assert isinstance(source.root, ScalarNode)
    for offset, character in enumerate(source.root.text):
        line, column = place(source, source.root, offset)
        found = source.lines[line - 1]
        assert found[column - 1] == character if character != "\n" else column == len(found) + 1
