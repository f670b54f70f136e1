"""Test files: what is read from them, and every mistake at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from planrunner.testing.case import Plans, Suite, read_suite
from tests.testing.conftest import Read, whole

PLAN = """
tools: {find: {effect: read}, pay: {}}
agents: {clerk: {tools: [find]}}
steps:
  - {id: triage, task: Sort, agent: clerk}
  - {id: decide, clarify: {type: input, guidance: What?}}
  - {id: paid, tool: pay}
"""


def problems(suite: Suite) -> list[str]:
    return [f"{problem.file}:{problem}" for wrong in suite.wrong for problem in wrong.problems]


def test_a_test_file_is_read_whole(read: Read) -> None:
    suite = read(
        PLAN,
        whole(
            """
            - name: first
              x-note: free
              inputs: {a: "{{ 7*7 }}"}
              context: {end_user_id: null, additional_data: {b: 1}, agent_system_context_extension: [Be brief.]}
              tools: {find: [{returns: 1, when_args: {q: 1}}, {raise: timeout, message: slow}], paid: {returns: null}}
              replies: {triage: [hello, {output: {a: 1}}, {tool_calls: [{tool: find, args: {q: 1}}]}]}
              answers: {decide: [{never: true}, x], paid/pay: yes}
              expect:
                x-why: free
                state: COMPLETE
                output: {equals: "{{ x }}"}
                steps: {triage: COMPLETE}
                that: "true"
            - name: second
            """,
            "given: {inputs: {a: 1, b: 2}, x-more: free}\n",
        ),
    )
    assert problems(suite) == []
    first, second = suite.cases
    assert (suite.file, first.name, first.line, second.name, second.line) == ("p.test.yml", "first", 5, "second", 18)
    assert (first.inputs, second.inputs) == ({"b": 2, "a": "{{ 7*7 }}"}, {"a": 1, "b": 2})
    assert first.context["agent_system_context_extension"] == ["Be brief."]
    assert first.script["tools"]["find"][1] == {"raise": "timeout", "message": "slow"}
    assert first.script["replies"]["triage"][2] == {"tool_calls": [{"tool": "find", "args": {"q": 1}}]}
    assert first.script["answers"] == {"decide": [{"never": True}, "x"], "paid/pay": "yes"}
    assert list(first.expect) == ["state", "output", "steps", "that"]
    assert first.expect["output"].value == {"equals": "{{ x }}"}
    assert second.script == {"tools": {}, "replies": {}, "answers": {}}


WRONG_FILES = [
    ("", "1:1: the file is empty: a test begins with planrunner_test: 1 [empty]"),
    ("# nothing\n", "1:1: the file is empty: a test begins with planrunner_test: 1 [empty]"),
    ("- 1\n", "1:1: the test file must be a map, found a list [wrong-type]"),
    (
        "planrunner: 1\nname: p\n",
        "1:1: this is a plan and no test: tests of it begin with planrunner_test: 1 and stand in a file such as "
        "p.test.test.yml [unknown-key]",
    ),
    (
        "planrunner_script: 1\ntools: {}\n",
        "1:1: this is a script and no test: a test begins with planrunner_test: 1; its cases script what "
        "they need [unknown-key]",
    ),
    (
        "planrunner_test: 2\nplan: ./p.yml\ncases: [{name: a}]\n",
        "1:18: 'planrunner_test' must be 1, the only format there is, found the number 2 [wrong-value]",
    ),
    (
        "planrunner_test: 1\ncases: [{name: a}]\n",
        "1:1: the test file has no 'plan' (the plan that is tested, a path relative to this file): add it "
        "[missing-key]",
    ),
    (
        "planrunner_test: 1\nplan: ./p.yml\n",
        "1:1: the test file has no 'cases' (the cases, each a run of its own): add it [missing-key]",
    ),
    (
        "planrunner_test: 1\nplan: ./p.yml\ncases: []\n",
        "3:8: 'cases' is an empty list: it needs at least 1 item [empty]",
    ),
    ("planrunner_test: 1\nplan: 7\ncases: [{name: a}]\n", "2:7: 'plan' must be text, found the number 7 [wrong-type]"),
    (
        "planrunner_test: 1\nplan: ./p.yml\ncases:\n\t- name: a\n",
        "4:1: a tab can't indent in YAML: use spaces [tab-indent]",
    ),
    (
        "planrunner_test: 1\nplan: ./p.yml\ncases: [{name: a, inputs: {x: {{ y }}}}]\n",
        "3:31: a value that begins with {{ must stand in quotes, YAML reads the brace as a map: "
        'write "{{ … }}" [unquoted-template]',
    ),
]

WRONG_CASES = [
    ("{}", "4:5: an entry of 'cases' has no 'name' (what the case shows; told when it fails): add it [missing-key]"),
    ("{name: ''}", "4:12: 'name' must be text, found an empty text [empty]"),
    ("{name: a, inptus: {}}", "4:15: unknown key 'inptus'; did you mean 'inputs'? [unknown-key]"),
    ("{name: a, inputs: [1]}", "4:23: 'inputs' must be a map, found a list [wrong-type]"),
    (
        "{name: a, context: {user: x}}",
        "4:25: unknown key 'user': known here are end_user_id, additional_data, planner_system_context_extension and "
        "agent_system_context_extension, and keys that begin with x- [unknown-key]",
    ),
    ("{name: a, tools: {find: {return: 1}}}", "4:30: unknown key 'return'; did you mean 'returns'? [unknown-key]"),
    (
        "{name: a, tools: {fnd: {returns: 1}}}",
        "4:23: the plan has no step and no tool 'fnd'; did you mean 'find'? [unknown-tool]",
    ),
    ("{name: a, replies: {triag: x}}", "4:25: the plan has no step 'triag'; did you mean 'triage'? [unknown-step]"),
    (
        "{name: a, answers: {x: 1}}",
        "4:25: the plan has no step 'x'; its steps are triage, decide and paid [unknown-step]",
    ),
    ("{name: a, answers: {paid/pya: 1}}", "4:25: the plan names no tool 'pya'; did you mean 'pay'? [unknown-step]"),
    (
        "{name: a, expect: {output: 1, stepss: {}}}",
        "4:35: unknown key 'stepss'; did you mean 'steps'? [unknown-key]",
    ),
    (
        "{name: a, expect: {state: DONE}}",
        "4:31: 'state' must be COMPLETE, FAILED, NEED_CLARIFICATION or NOT_STARTED, found the text 'DONE' "
        "[wrong-value]",
    ),
    (
        "{name: a, expect: {state: COMPLETE, error: {kind: timeout}}}",
        "4:31: a run with an error is FAILED, or NOT_STARTED when it is refused: leave 'state' or 'error' out "
        "[at-odds]",
    ),
    (
        "{name: a, expect: {steps: {pai: FAILED}}}",
        "4:32: the plan has no step 'pai'; did you mean 'paid'? [unknown-step]",
    ),
    (
        "{name: a, expect: {steps: {paid: failed}}}",
        "4:38: 'paid' must be COMPLETE, SKIPPED, FAILED, NEED_CLARIFICATION, IN_PROGRESS or NOT_STARTED, found the "
        "text 'failed'; did you mean 'FAILED'? [wrong-value]",
    ),
    (
        "{name: a, expect: {tool_calls: [fnd]}}",
        "4:37: the plan names no tool 'fnd'; did you mean 'find'? [unknown-tool]",
    ),
    (
        "{name: a, expect: {tool_calls: [{tool: py}]}}",
        "4:44: the plan names no tool 'py'; did you mean 'pay'? [unknown-tool]",
    ),
    (
        "{name: a, expect: {tool_calls: pay}}",
        "4:36: 'tool_calls' must be a list, found the text 'pay'; write [pay] [wrong-type]",
    ),
    (
        "{name: a, expect: {never: [buy]}}",
        "4:32: the plan names no tool 'buy'; its tools are find and pay [unknown-tool]",
    ),
    (
        "{name: a, expect: {asked: [{id: decid}]}}",
        "4:37: the plan has no step 'decid'; did you mean 'decide'? [unknown-step]",
    ),
    (
        "{name: a, expect: {asked: [decid]}}",
        "4:32: the plan has no step 'decid'; did you mean 'decide'? [unknown-step]",
    ),
    (
        "{name: a, expect: {error: {kind: timeuot}}}",
        "4:38: 'kind' must be transient, rate_limited, timeout, tool_soft_error, tool_error, schema_error, "
        "template_error, model_error, rejected, limit_exceeded, exhausted, hook_error, plan_error, exit or cancelled, "
        "found the text 'timeuot'; did you mean 'timeout'? [wrong-value]",
    ),
    (
        "{name: a, expect: {error: {step: py}}}",
        "4:38: the plan has no step 'py'; its steps are triage, decide and paid [unknown-step]",
    ),
    (
        '{name: a, expect: {that: "{{ inputs.a }}"}}',
        "4:31: this is an expression already: write it without braces [template-syntax]",
    ),
    ('{name: a, expect: {that: ["1 ="]}}', "4:34: "),
    (
        '{name: a, expect: {that: "input.a == 1"}}',
        "4:31: nothing is called 'input' here; did you mean 'inputs'? [unknown-name]",
    ),
    (
        '{name: a, expect: {that: "1 == steps.tirage.output"}}',
        "4:36: the plan has no step 'tirage'; did you mean 'triage'? [unknown-step]",
    ),
    (
        """{name: a, expect: {that: "'x' in prompts.decid[0]"}}""",
        "4:38: the plan has no step 'decid'; did you mean 'decide'? [unknown-step]",
    ),
]


@pytest.mark.parametrize(("text", "problem"), WRONG_FILES)
def test_a_wrong_file_is_told_once_and_at_its_place(read: Read, text: str, problem: str) -> None:
    suite = read(PLAN, text)
    assert problems(suite) == [f"p.test.yml:{problem}"]
    assert not suite.cases


@pytest.mark.parametrize(("case", "problem"), WRONG_CASES)
def test_a_wrong_case_is_told_once_and_at_its_place(read: Read, case: str, problem: str) -> None:
    (told,) = problems(read(PLAN, whole(f"- {case}")))
    assert told.startswith(f"p.test.yml:{problem}")


def test_what_is_wrong_for_all_is_told_where_it_is_given(read: Read) -> None:
    given = "given: {tools: {fnd: {returns: 1}}, expect: {never: [py], that: inputs}}\n"
    assert problems(read(PLAN, whole("- {name: a}\n- {name: a}", given))) == [
        "p.test.yml:3:17: the plan has no step and no tool 'fnd'; did you mean 'find'? [unknown-tool]",
        "p.test.yml:3:54: the plan names no tool 'py'; did you mean 'pay'? [unknown-tool]",
        "p.test.yml:6:12: the case at line 5 has this name too: give each its own [duplicate-name]",
    ]


def test_all_mistakes_of_a_file_are_told_at_once(read: Read) -> None:
    cases = "\n".join(f"- {case}" for case, _ in WRONG_CASES)
    assert len(problems(read(PLAN, whole(cases)))) >= len(WRONG_CASES)


def test_a_plan_that_is_not_there_is_told_at_its_name(tmp_path: Path) -> None:
    text = b"planrunner_test: 1\nplan: ../plans/none.yml\ncases: [{name: a}]\n"
    suite = read_suite(text, "x.test.yml", str(tmp_path / "tests"), Plans())
    missing = tmp_path / "plans" / "none.yml"
    assert problems(suite) == [f"x.test.yml:2:7: there is no file {missing}: 'plan' is a path from this file [no-plan]"]
    folder = read_suite(text.replace(b"../plans/none.yml", b"."), "x.test.yml", str(tmp_path), Plans())
    assert problems(folder)[0].startswith(f"x.test.yml:2:7: {tmp_path} is a folder; name the plan file in it")
    nul = read_suite(text.replace(b"../plans/none.yml", b'"a\\0b"'), "x.test.yml", str(tmp_path), Plans())
    assert problems(nul)[0].endswith("[no-plan]")


def test_what_is_wrong_with_the_plan_is_told_of_the_plan(read: Read, tmp_path: Path) -> None:
    suite = read("steps: [{id: a, tol: log}, {id: b, tool: nobody_knows}]", whole("- {name: a}"))
    (wrong,) = suite.wrong
    assert wrong.file == str(tmp_path / "p.yml")
    assert [problem.code for problem in wrong.problems] == ["unknown-key", "unknown-tool"]
    assert wrong.lines[2].startswith("steps:")


def test_a_plan_is_read_once_for_all_its_tests(read: Read, tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("planrunner: 1\nname: p\nsteps: [{id: a, set: 1}]\n", "utf-8")
    plans, text = Plans(), whole("- {name: a}").encode()
    first, second = (read_suite(text, name, str(tmp_path), plans) for name in ("1.test.yml", "2.test.yml"))
    assert first.plan is not None
    assert first.plan is second.plan


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"{" * 20_000, b"a: &a [*a, *a]", b"\0", "planrunner_test: 1\ncases: {".encode("utf-16")]
)
def test_hostile_files_are_problems_and_nothing_worse(tmp_path: Path, text: bytes) -> None:
    suite = read_suite(text, "x.test.yml", str(tmp_path), Plans())
    assert problems(suite)
    assert not suite.cases
