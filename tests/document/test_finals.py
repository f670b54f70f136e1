"""What a sub-plan gives is known around it, and what it is given fits its inputs; what is open stays silent."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from planrunner.document.load import load_document

HEAD = "planrunner: 1\nname: {name}\n"
ONE = "  - {id: only, set: {total: 1, word: x}}\n"


def told(folder: Path, inner: str, *steps: str, more: str = "", name: str = "./inner.yml") -> list[str]:
    """Line, column, message and code of what is wrong in a plan that runs the inner one; not what is wrong in that."""
    (folder / "planrunner.toml").touch()
    (folder / "inner.yml").write_text(HEAD.format(name="inner") + inner)
    child = f"  - {{id: child, plan: {name!r}{more}}}\n"
    text = HEAD.format(name="outer") + "steps:\n" + child + "".join(f"  - {step}\n" for step in steps)
    path = folder / "outer.yml"
    loaded = load_document(text.encode(), "outer.yml", path=str(path), root=str(folder))
    return [str(problem) for problem in loaded.problems if problem.file == "outer.yml"]


@pytest.mark.parametrize(
    "inner",
    [
        f"returns: {{total: {{type: number}}, word: {{enum: [x, y]}}}}\nsteps:\n{ONE}",
        f"steps:\n{ONE}output: {{total: 1, word: '{{{{ steps.only.output.word }}}}'}}\n",
        f"steps:\n{ONE}output: '{{{{ steps.only.output }}}}'\n",
        f"steps:\n{ONE}",
        "steps:\n  - {id: end, exit: {state: COMPLETE, output: {total: 1, word: x}}}\n",
        "inputs: {a: {type: boolean, default: true}}\nsteps:\n"
        f"  - {{id: end, when: inputs.a, exit: {{state: COMPLETE, output: {{total: 1, word: x}}}}}}\n{ONE}",
        f"inputs: {{a: {{type: boolean, default: true}}}}\nsteps:\n{ONE}  - {{id: not, when: inputs.a, exit: "
        "{state: FAILED}}\n",
    ],
    ids=["returns", "output", "output of a step", "last step", "exit", "exit or last step", "exit as failed"],
)
def test_a_field_that_the_sub_plan_does_not_give_is_found_at_its_place(tmp_path: Path, inner: str) -> None:
    step = '{id: read, set: "{{ steps.child.output.total }} {{ steps.child.output.wrd }}"}'
    wanted = "5:75: 'steps.child.output' has no field 'wrd'; did you mean 'word'? [unknown-field]"
    assert told(tmp_path, inner, step) == [wanted]


def test_a_value_that_the_sub_plan_never_gives_is_found(tmp_path: Path) -> None:
    inner = f"returns: {{word: {{enum: [x, y]}}}}\nsteps:\n{ONE}output: {{word: x}}\n"
    found = told(tmp_path, inner, "{id: read, when: steps.child.output.word == 'z', set: 1}")
    assert found == ["""5:49: 'steps.child.output.word' is never "z"; it is one of "x" or "y" [not-in-enum]"""]


def test_items_of_foreach_are_what_the_sub_plan_gives(tmp_path: Path) -> None:
    step = '{id: read, set: "{{ steps.child.output[0].wrd }}"}'
    found = told(tmp_path, f"steps:\n{ONE}", step, more=", foreach: {in: '[1, 2]'}")
    assert [each.split("; ")[0] for each in found] == ["5:47: 'steps.child.output[0]' has no field 'wrd'"]


def test_plans_within_plans_are_looked_through(tmp_path: Path) -> None:
    (tmp_path / "core.yml").write_text(HEAD.format(name="core") + f"steps:\n{ONE}")
    inner = "steps:\n  - {id: c, plan: ./core.yml}\noutput: {of_core: '{{ steps.c.output }}'}\n"
    found = told(tmp_path, inner, '{id: read, set: "{{ steps.child.output.of_core.wrd }}"}')
    assert [each.split("; ")[0] for each in found] == ["5:52: 'steps.child.output.of_core' has no field 'wrd'"]


def test_a_plan_of_a_package_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "letters_of_ours" / "plans"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("raise SystemExit('never imported')")
    (package / "short.yml").write_text(HEAD.format(name="short") + f"inputs: {{n: {{type: number}}}}\nsteps:\n{ONE}")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")])
    step = '{id: read, set: "{{ steps.child.output.wrd }}"}'
    more = """, inputs: {n: "{{ 'x' ~ 1 }}"}"""
    found = told(tmp_path, f"steps:\n{ONE}", step, name="letters_of_ours:plans/short.yml", more=more)
    assert [each.rpartition("[")[2] for each in found] == ["wrong-inputs]", "unknown-field]"]


@pytest.mark.parametrize(
    "inner",
    [
        f"tools: {{any: {{}}}}\nsteps:\n{ONE}  - {{id: last, tool: any}}\n",
        f"inputs: {{a: {{type: object}}}}\nsteps:\n{ONE}output: '{{{{ inputs.a }}}}'\n",
        f"inputs: {{a: {{type: boolean}}}}\nsteps:\n  - {{id: end, when: inputs.a, exit: {{state: COMPLETE}}}}\n{ONE}",
        f"hooks: {{before_step_execution: [{{use: skip_step}}]}}\nsteps:\n  - {{id: a, set: {{wrd: 1}}}}\n{ONE}",
        "steps:\n  - {id: not: valid}\n",
    ],
    ids=["tool of unknown output", "open object", "exit without output", "steps that are skipped", "not valid"],
)
def test_what_the_sub_plan_leaves_open_is_no_mistake(tmp_path: Path, inner: str) -> None:
    found = told(tmp_path, inner, '{id: read, set: "{{ steps.child.output.wrd.a }}"}')
    assert [each for each in found if not each.startswith("4:")] == []


MAYBE = "inputs: {a: {type: boolean}}\nsteps:\n  - {id: x, when: inputs.a, set: {deep: {b: 1}}}\n"


def test_what_a_skipped_step_of_the_sub_plan_gives_may_be_null_and_can_be_guarded(tmp_path: Path) -> None:
    inner = f"{MAYBE}output: {{of_x: '{{{{ steps.x.output }}}}'}}\n"
    read = "{{ steps.child.output.of_x.deep.b }}"
    x = '{id: x, when: "1 == 2", set: 1}'  # of the same name, and another
    doubted = told(tmp_path, inner, x, f'{{id: read, when: steps.x.state == "COMPLETE", set: "{read}"}}', more=INPUTS)
    assert [each.partition(":")[2].split(":")[0] for each in doubted if "may-be-null" in each] == ["60"]
    assert "in the plan that it comes from its step may be skipped" in doubted[0]
    guarded = f'{{id: read, when: steps.child.output.of_x != null, set: "{read}"}}'
    assert told(tmp_path, inner, guarded, more=INPUTS) == []


INPUTS = ", inputs: {a: true}"


def test_a_plan_of_which_every_step_may_be_skipped_may_give_null(tmp_path: Path) -> None:
    (found,) = told(tmp_path, MAYBE, '{id: read, set: "{{ steps.child.output.deep }}"}', more=INPUTS)
    assert "because every step of the plan that it comes from may be skipped" in found


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("{n: \"{{ 'a' ~ 1 }}\"}", "the inputs of the plan './inner.yml': n: must be a number, and this gives text"),
        ('{n: 1, rows: [{m: "{{ 1 - 1 }}"}]}', "the inputs of the plan './inner.yml': rows[0].m: must be text, and"),
        ("{n: x}", "the inputs of the plan './inner.yml': n: "),
        ("{}", "the plan './inner.yml' needs the input 'n': add it"),
        ("{n: 1, m: 1}", "the plan './inner.yml' has no input 'm'"),
    ],
)
def test_inputs_that_do_not_fit_are_found(tmp_path: Path, given: str, wanted: str) -> None:
    rows = "{type: array, default: [], items: {type: object, properties: {m: {type: string}}}}"
    inner = f"inputs: {{n: {{type: number}}, rows: {rows}}}\nsteps:\n{ONE}"
    (found,) = told(tmp_path, inner, more=f", inputs: {given}")
    assert found.endswith("[wrong-inputs]")
    assert wanted in found


def test_inputs_that_may_fit_are_let_be(tmp_path: Path) -> None:
    inner = f"inputs: {{n: {{type: number}}, k: {{enum: [a, b]}}, o: {{type: object}}}}\nsteps:\n{ONE}"
    given = """{n: "{{ run.id | int(0) }}", k: "{{ 'a' if true else 'c' }}", o: "{{ {'x': 1} }}"}"""
    assert told(tmp_path, inner, more=f", inputs: {given}") == []


def test_long_chains_of_plans_and_steps_end_without_a_fault(tmp_path: Path) -> None:
    chain = "".join(f"  - {{id: s{n}, set: '{{{{ steps.s{n - 1}.output }}}}'}}\n" for n in range(1, 39))
    for level in range(18, 0, -1):
        first = f"  - {{id: s0, plan: ./p{level + 1}.yml}}\n" if level < 18 else "  - {id: s0, set: {a: 1}}\n"
        (tmp_path / f"p{level}.yml").write_text(HEAD.format(name=f"p{level}") + "steps:\n" + first + chain)
    found = told(tmp_path, "steps:\n  - {id: c, plan: ./p1.yml}\n", '{id: read, set: "{{ steps.child.output.b }}"}')
    assert found == []  # too far away to be known
