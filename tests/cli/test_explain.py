"""`planrunner explain`: what a check is for, what breaks it, and the mend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planrunner.document.facts import CODES, facts
from tests.cli.conftest import Cli

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("code", CODES)
def test_every_check_is_told(cli: Cli, code: str) -> None:
    told, known = cli("explain", code), facts(code)
    assert known is not None
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"{code} ({known.level}): {known.name}\n\n{known.why}\n\n    ")
    assert f"[{code}]" in told.out
    assert f"\n{known.advice}\n\n    " in told.out


def test_what_is_shown_is_what_validate_prints(cli: Cli, here: Path) -> None:
    known = facts("unknown-step")
    assert known is not None
    assert known.broken.file is not None
    (here / "plan.yml").write_bytes(known.broken.file)
    printed = cli("validate", "plan.yml").out
    assert "".join(f"    {line}\n" for line in printed.splitlines()) in cli("explain", "unknown-step").out


def test_the_code_may_be_given_with_its_brackets(cli: Cli) -> None:
    assert cli("explain", "[unused]").out == cli("explain", "unused").out


def test_without_a_code_all_are_listed(cli: Cli) -> None:
    told = cli("explain")
    assert (told.code, told.err) == (0, "planrunner explain CODE tells of one\n")
    assert [line.split()[0] for line in told.out.splitlines() if line.startswith("  ")] == list(CODES)
    assert cli("explain", "-q").err == ""


def test_as_json(cli: Cli) -> None:
    told = json.loads(cli("explain", "unused", "--format", "json").out)
    assert list(told) == ["code", "name", "level", "why", "broken", "advice", "mended", "problems"]
    assert [(each["code"], each["line"]) for each in told["problems"]] == [("unused", 5)]
    assert [each["code"] for each in json.loads(cli("explain", "--format", "json").out)] == list(CODES)


def test_the_page_of_the_docs_is_fresh(cli: Cli) -> None:
    printed = cli("explain", "--format", "markdown").out
    page = (PROJECT / "docs" / "reference" / "checks.md").read_text("utf-8")
    assert printed == page, "planrunner explain --format markdown > docs/reference/checks.md"
    assert cli("explain", "unused", "--format", "markdown").out.rstrip("\n") in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("unkown-step",), "error: there is no check 'unkown-step'; did you mean 'unknown-step'? (planrunner explain"),
        (("zzz",), "error: there is no check 'zzz' (planrunner explain lists them all)\n"),
        (("",), "error: there is no check '' (planrunner explain lists them all)\n"),
        (("unused", "tag"), "error: Got unexpected extra argument (tag)"),
        (("unused", "--format", "xml"), "'xml' is not one of text, json, markdown"),
    ],
)
def test_wrong_words(cli: Cli, words: tuple[str, ...], message: str) -> None:
    told = cli("explain", *words)
    assert (told.code, told.out) == (2, "")
    assert message in told.err
