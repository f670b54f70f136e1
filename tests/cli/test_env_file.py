"""--env-file: read only when named, strict, and never over what is set already."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planrunner.cli.env_file import env_file, use_env_file
from planrunner.errors import UsageError


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=value", "value"),
        ("export KEY=value", "value"),
        ("  KEY = value  ", "value"),
        ("KEY=", ""),
        ("KEY= # nothing", ""),
        ("KEY=a b # a comment", "a b"),
        ("KEY=a#b", "a#b"),
        ("KEY=a=b", "a=b"),
        ("KEY='a # $b \\n'", "a # $b \\n"),
        ("KEY='a' # a comment", "a"),
        ('KEY="a # b"', "a # b"),
        ('KEY="a\\nb\\t\\"c\\" \\\\ \\$"', 'a\nb\t"c" \\ $'),
        ("KEY=$HOME ${HOME} `id` $(id)", "$HOME ${HOME} `id` $(id)"),
        ("KEY=Ådne", "Ådne"),
    ],
)
def test_a_line(line: str, value: str) -> None:
    assert env_file("x.env", f"# first\n\n{line}\n") == {"KEY": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("KEY", "x.env:1: expected NAME=VALUE"),
        ("A=1\n1KEY=2", "x.env:2: expected NAME=VALUE"),
        ("A B=1", "x.env:1: expected NAME=VALUE"),
        ("A=1\n\nA=2", "x.env:3: A is set twice"),
        ("A='x", "x.env:1: the quotes do not enclose the whole value"),
        ("A='x'y", "x.env:1: the quotes do not enclose the whole value"),
        ('A="x', "x.env:1: the quotes do not enclose the whole value"),
        ("A=x\0y", "x.env:1: a value can't hold a NUL character"),
    ],
)
def test_a_wrong_line_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        env_file("x.env", text)
    assert str(raised.value).startswith(message)


def test_what_is_set_already_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PR_TEST_SET", "environment")
    monkeypatch.delenv("PR_TEST_UNSET", raising=False)
    file = tmp_path / "x.env"
    file.write_text("\ufeffPR_TEST_SET=file\nPR_TEST_UNSET=file\n", "utf-8")
    use_env_file(str(file))
    told = os.environ["PR_TEST_SET"], os.environ.pop("PR_TEST_UNSET")
    assert told == ("environment", "file")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the env file .*/none.env does not exist"):
        use_env_file(str(tmp_path / "none.env"))
