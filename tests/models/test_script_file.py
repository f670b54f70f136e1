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
        answers: {decide: reject, other: {never: true}}
        """,
    )
    first, second = script.tools["pay"]
    assert first == {"raise": "tool_soft_error", "message": "busy"}
    assert second == {"when_args": {"n": 1}, "returns": None}
    assert script.replies["triage"][0] == "{{ 7*7 }}"
    assert script.replies["letter/write"] == [{"raise": "timeout"}]
    assert script.answers == {"decide": "reject", "other": {"never": True}}


def test_nothing_is_required_but_the_format(tmp_path: Path) -> None:
    assert read(tmp_path, "planrunner_script: 1\n") == Script({}, {}, {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: a script is a map that begins with planrunner_script: 1 [wrong-type]"),
        ("- 1\n", "1:1: a script is a map that begins with planrunner_script: 1 [wrong-type]"),
        ("tools: {}\n", "1:1: a script begins with planrunner_script: 1 [missing-key]"),
        ("planrunner_script: 2\n", "1:20: planrunner_script must be 1, the only format there is [version]"),
        ("planrunner_script: true\n", "1:20: planrunner_script must be 1, the only format there is [version]"),
        ("planrunner_script: 1\ntool: {}\n", "2:1: a script has no key 'tool'; did you mean 'tools'? [unknown-key]"),
        ("planrunner_script: 1\nreplies: []\n", "2:10: `replies` must be a map [wrong-type]"),
        ("planrunner_script: 1\nanswers: 3\n", "2:10: `answers` must be a map [wrong-type]"),
        ("planrunner_script: 1\nreplies: {a: hi}\n", "2:14: the replies of a step must be a list [wrong-type]"),
        (
            "planrunner_script: 1\nreplies: {a: [3]}\n",
            "2:15: a reply that is not a text must be a map with output or tool_calls or raise [wrong-type]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{}]}\n",
            "2:15: a reply that is not a text must have exactly one of the keys "
            "output, tool_calls, raise [missing-key]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{output: 1, raise: timeout}]}\n",
            "2:15: a reply that is not a text must have exactly one of the keys "
            "output, tool_calls, raise [too-many-keys]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{outptu: 1}]}\n",
            "2:16: a reply that is not a text has no key 'outptu'; did you mean 'output'? [unknown-key]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{tool_calls: [{tool: x, arg: {}}]}]}\n",
            "2:39: a tool call has no key 'arg'; did you mean 'args'? [unknown-key]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{tool_calls: [{args: {}}]}]}\n",
            "2:29: a tool call must have the key 'tool' [missing-key]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{tool_calls: [{tool: 3}]}]}\n",
            "2:36: `tool` must be a text [wrong-type]",
        ),
        (
            "planrunner_script: 1\nreplies: {a: [{raise: tool_error}]}\n",
            "2:23: 'tool_error' can't be raised here; "
            "expected one of transient, rate_limited, timeout, model_error [unknown-kind]",
        ),
        (
            "planrunner_script: 1\ntools: {a: {raise: tool_eror}}\n",
            "2:20: 'tool_eror' can't be raised here; did you mean 'tool_error'? [unknown-kind]",
        ),
        (
            "planrunner_script: 1\ntools: {a: {return: 1}}\n",
            "2:13: the answer of a tool has no key 'return'; did you mean 'returns'? [unknown-key]",
        ),
        (
            "planrunner_script: 1\ntools: {a: {returns: 1, message: x}}\n",
            "2:25: the answer of a tool has no key 'message'; expected returns, raise, when_args [unknown-key]",
        ),
        (
            "planrunner_script: 1\ntools: {a: [{returns: 1, when_args: [1]}]}\n",
            "2:37: `when_args` must be a map [wrong-type]",
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
        "version]",
        "wrong-type]",
        "wrong-type]",
    ]


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the script .*none\.yml does not exist"):
        load_script(tmp_path / "none.yml")
    with pytest.raises(UsageError, match="can't be read: Is a directory"):
        load_script(tmp_path)
