"""Script files: what they hold, and how their mistakes are told."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from planrunner.document.script import Script, load_script
from planrunner.errors import EXIT_USAGE, UsageError


def read(folder: Path, text: str) -> Script:
    path = folder / "a.script.yml"
    path.write_text(dedent(text), encoding="utf-8")
    return load_script(path)


def test_a_script_is_read_whole(tmp_path: Path) -> None:
    script = read(
        tmp_path,
        """\
        planrunner_script: 1
        x-note: free
        tools:
          crm.search: {returns: []}
          pay: [{raise: tool_soft_error, message: busy}, {when_args: {n: 1}, returns: null}]
        replies:
          triage: ["{{ 7*7 }}", {output: {a: 1}}, {tool_calls: [{tool: crm.search, args: {q: x}}, {tool: pay}]}]
          letter/write: [{raise: timeout}]
          looks: the same for every item
        answers: {decide: reject, other: {never: true}}
        """,
    )
    first, second = script.tools["pay"]
    assert first == {"raise": "tool_soft_error", "message": "busy"}
    assert second == {"when_args": {"n": 1}, "returns": None}
    assert script.replies["triage"][0] == "{{ 7*7 }}"
    assert script.replies["letter/write"] == [{"raise": "timeout"}]
    assert script.replies["looks"] == "the same for every item"
    assert not script.strict
    assert script.answers == {"decide": "reject", "other": {"never": True}}


def test_nothing_is_required_but_the_format(tmp_path: Path) -> None:
    assert read(tmp_path, "planrunner_script: 1\n") == Script({}, {}, {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the file is empty: a script begins with planrunner_script: 1 [empty]"),
        ("- 1\n", "1:1: the script must be a map, found a list [wrong-type]"),
        (
            "planrunner: 1\nname: p\n",
            "1:1: this is a plan and no script: a script begins with planrunner_script: 1 [unknown-key]",
        ),
        (
            "planrunner_test: 1\nplan: ./p.yml\n",
            "1:1: this is a plan test and no script: planrunner test runs it; a script begins with "
            "planrunner_script: 1, and has tools, replies and answers as a case has them [unknown-key]",
        ),
        ("tools: {}\n", "1:1: the script has no 'planrunner_script' (the format: 1): add it [missing-key]"),
        (
            "planrunner_script: 2\n",
            "1:20: 'planrunner_script' must be 1, the only format there is, found the number 2 [wrong-value]",
        ),
        (
            "planrunner_script: true\n",
            "1:20: 'planrunner_script' must be 1, the only format there is, found true [wrong-value]",
        ),
        ("planrunner_script: 1\ntool: {}\n", "2:1: unknown key 'tool'; did you mean 'tools'? [unknown-key]"),
        (
            "planrunner_script: 1\nreplies: []\n",
            "2:10: 'replies' must be a map of step → the model's replies, found an empty list [wrong-type]",
        ),
        (
            "planrunner_script: 1\nanswers: 3\n",
            "2:10: 'answers' must be a map of step → what a person answers, found the number 3 [wrong-type]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [3]}\n",
            "2:15: an entry of 'a' must be a text, {output: …}, {tool_calls: […]}, or {raise: KIND, message: …}, "
            "found the number 3 [wrong-type]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{}]}\n",
            "2:15: an entry of 'a' needs one of the keys 'output', 'tool_calls' or 'raise' [missing-key]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{output: 1, raise: timeout}]}\n",
            "2:16: unknown key 'output': known here are raise and message, and keys that begin with x- [unknown-key]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{toolcalls: []}]}\n",
            "2:16: unknown key 'toolcalls'; did you mean 'tool_calls'? [unknown-key]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{tool_calls: [{tool: x, arg: {}}]}]}\n",
            "2:39: unknown key 'arg'; did you mean 'args'? [unknown-key]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{tool_calls: [{args: {}}]}]}\n",
            "2:29: an entry of 'tool_calls' has no 'tool' (the tool, by its name in the plan): add it [missing-key]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{tool_calls: [{tool: 3}]}]}\n",
            "2:36: 'tool' must be text, found the number 3 [wrong-type]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: {raise: tool_error}}\n",
            "2:22: 'raise' must be transient, rate_limited, timeout or model_error, found the text 'tool_error'; "
            "did you mean 'model_error'? [wrong-value]",
        ),
        (
            "planrunner_script: 1\ntools: {a: {raise: tool_eror}}\n",
            "2:20: 'raise' must be tool_soft_error, tool_error, transient, rate_limited, timeout or schema_error, "
            "found the text 'tool_eror'; did you mean 'tool_error'? [wrong-value]",
        ),
        (
            "planrunner_script: 1\ntools: {a: {return: 1}}\n",
            "2:13: unknown key 'return'; did you mean 'returns'? [unknown-key]",
        ),
        (
            "planrunner_script: 1\ntools: {a: {returns: 1, message: x}}\n",
            "2:25: unknown key 'message': known here are returns and when_args, and keys that begin with x- "
            "[unknown-key]",
        ),
        (
            "planrunner_script: 1\ntools: {a: [{returns: 1, when_args: [1]}]}\n",
            "2:37: 'when_args' must be a map, found a list [wrong-type]",
        ),
        ("planrunner_script: 1\nplanrunner_script: 1\n", "2:1: "),
        ("planrunner_script: 1\nreplies: {a: [{output: .nan}]}\n", "2:24: "),
        ("planrunner_script: 1\nreplies: {a: [ {{ x }} ]}\n", "2:16: "),
    ],
)
def test_a_mistake_is_told_once_and_at_its_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == EXIT_USAGE
    head, *told = str(caught.value).splitlines()
    assert head == f"the script {tmp_path / 'a.script.yml'} is not valid:"
    assert len(told) == 1
    assert told[0].startswith(f"  {tmp_path / 'a.script.yml'}:{problem}")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, "planrunner_script: 3\ntools: {a: 1}\nreplies: {b: 2}\n")
    assert [line.rpartition("[")[2] for line in str(caught.value).splitlines()[1:]] == [
        "wrong-value]",
        "wrong-type]",
        "wrong-type]",
    ]


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the script .*none\.yml does not exist"):
        load_script(tmp_path / "none.yml")
    with pytest.raises(UsageError, match="can't be read: Is a directory"):
        load_script(tmp_path)
