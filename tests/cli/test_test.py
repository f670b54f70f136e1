"""`planrunner test`: reports on standard output, talk on standard error, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.commands import NO_MODEL, start, write
from tests.cli.conftest import Cli

CASES = """
planrunner_test: 1
plan: ./sums.yml
cases:
  - name: one and one
    inputs: {a: 1}
    expect: {output: nobody gets 2}
  - name: two and one
    inputs: {a: 2}
    expect:
      output: nobody gets 4
  - name: it needs a number
  - name: Three and one
    inputs: {a: 3}
"""
FAILED = """\
sums.test.yml:7: failed: two and one
  line 10: output: expected "nobody gets 4", got "nobody gets 3"
sums.test.yml:11: failed: it needs a number
  line 11: state: expected COMPLETE, got NOT_STARTED
      it was refused: the inputs do not fit the plan 'sums':
        a: is missing
      it takes: a, who
"""


@pytest.fixture
def cases(here: Path, sums: str) -> str:
    """A test file with two cases that pass and two that do not."""
    return write(here / "sums.test.yml", CASES)


def test_what_passes_needs_no_words(cli: Cli, cases: str) -> None:
    told = cli("test", cases, "-k", "ONE and")
    assert (told.code, told.out, told.err) == (0, "", "1 case: 1 passed\n")
    assert cli("test", cases, "-k", "one and one", "-q").err == ""


def test_what_fails_is_told_with_its_place_its_name_and_what_differs(cli: Cli, cases: str) -> None:
    told = cli("test", cases)
    assert (told.code, told.out, told.err) == (1, FAILED, "4 cases: 2 passed, 2 failed\n")


def test_verbose_lists_what_passes_too(cli: Cli, cases: str) -> None:
    told = cli("test", cases, "-v", "-k", "one")
    first, *_ = told.out.splitlines()
    assert first.startswith("sums.test.yml:4: passed: one and one  0.0")
    assert "sums.test.yml:7: failed: two and one" in told.out


def test_x_stops_at_the_first_that_does_not_pass(cli: Cli, cases: str) -> None:
    told = cli("test", cases, "-x")
    assert (told.code, told.err) == (1, "2 cases: 1 passed, 1 failed\n")
    assert told.out == FAILED.partition("sums.test.yml:11")[0]


def test_what_lacks_an_answer_is_an_error_that_says_what_to_add(cli: Cli, here: Path) -> None:
    write(here / "a.yml", "planrunner: 1\nname: a\nsteps: [{id: a, tool: weather, args: {city: Oslo}}]\n")
    told = cli("test", write(here / "a.test.yml", "planrunner_test: 1\nplan: a.yml\ncases: [{name: one}]\n"))
    assert (told.code, told.err) == (1, "1 case: 1 error\n")
    assert told.out == (
        'a.test.yml:3: error: one\n  a calls weather with the args {"city":"Oslo"}, and no answer is scripted. Add '
        "under `tools`:\n        weather: {returns: null}\n"
    )


def test_folders_give_their_tests_and_wrong_files_hide_no_others(cli: Cli, here: Path, cases: str) -> None:
    (here / "more").mkdir()
    write(here / "more" / "wrong.test.yml", "planrunner_test: 1\nplan: ../sums.yml\ncases: [{nam: a}]\n")
    write(here / "more" / "other.yml", "steps: []\n")
    write(here / "sums.script.yml", "planrunner_script: 1\n")
    told = cli("test", ".", "./sums.test.yml")
    assert told.code == 1
    assert told.out == FAILED.replace("sums.test", "./sums.test") + (
        "./more/wrong.test.yml:3:10: error: unknown key 'nam'; did you mean 'name'? [unknown-key]\n"
        "    3 | cases: [{nam: a}]\n"
        "      |          ^\n"
    )
    assert told.err == "4 cases: 2 passed, 2 failed; 1 file can't be used\n"
    assert cli("test", "more", ".", "-x").err == "0 cases: none was carried; 1 file can't be used\n"


def test_a_broken_plan_is_told_once_however_many_tests_it_has(cli: Cli, here: Path) -> None:
    write(here / "p.yml", "planrunner: 1\nname: p\nsteps: [{id: a, sett: 1}]\n")
    for name in ("1.test.yml", "2.test.yml"):
        write(here / name, "planrunner_test: 1\nplan: p.yml\ncases: [{name: a}]\n")
    told = cli("test", ".")
    assert told.code == 1
    assert told.out.startswith("p.yml:3:17: error: ")
    assert told.out.count("error:") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("test",), "Missing argument 'PATH...'"),
        (("test", "empty"), "there is no plan test in empty: a plan test is a YAML file with `planrunner_test: 1`"),
        (("test", "sums.test.yml", "-k", "zzz"), "no case has 'zzz' in its name"),
        (("test", "sums.test.yml", "--format", "xml"), "'xml' is not one of text, json, junit"),
        (("test", "sums.test.yml", "--fail-first"), "there is no flag '--fail-first'"),
        (("tset",), "there is no command 'tset'; did you mean 'test'?"),
    ],
)
def test_wrong_usage(cli: Cli, here: Path, cases: str, words: tuple[str, ...], told: str) -> None:
    (here / "empty").mkdir()
    result = cli(*words)
    assert (result.code, result.out) == (2, "")
    assert told in result.err


def test_files_that_are_no_tests(cli: Cli, here: Path, sums: str) -> None:
    plan, missing = cli("test", sums), cli("test", "none.test.yml")
    assert (plan.code, missing.code) == (1, 1)
    assert "this is a plan and no test" in plan.out
    assert "sums.test.yml" in plan.out
    assert missing.out.startswith("none.test.yml:1:1: error: the test none.test.yml does not exist in ")
    tested = cli("validate", write(here / "a.test.yml", "planrunner_test: 1\n"))
    assert "this is a plan test and no plan: run it with planrunner test a.test.yml [not-a-plan]" in tested.out


def test_json(cli: Cli, here: Path, cases: str) -> None:
    write(here / "wrong.test.yml", "planrunner_test: 1\nplan: ./sums.yml\ncases: [{nam: a}]\n")
    told = cli("test", ".", "--format", "json")
    assert told.code == 1
    report = json.loads(told.out)
    assert [(case["name"], case["state"], case["line"]) for case in report["cases"]] == [
        ("one and one", "passed", 4),
        ("two and one", "failed", 7),
        ("it needs a number", "failed", 11),
        ("Three and one", "passed", 12),
    ]
    assert report["cases"][1]["differences"] == [
        {"at": "output", "message": 'expected "nobody gets 4", got "nobody gets 3"', "line": 10}
    ]
    assert all(case["file"] == "./sums.test.yml" and 0 < case["seconds"] < 60 for case in report["cases"])
    assert [(each["file"], each["code"]) for each in report["problems"]] == [("./wrong.test.yml", "unknown-key")]


def test_junit(cli: Cli, here: Path, cases: str) -> None:
    """Every element has the attributes that the schema of JUnit's reports gives it, and no others."""
    write(here / "a.yml", "planrunner: 1\nname: a\nsteps: [{id: a, clarify: {type: input, guidance: 'A?'}}]\n")
    write(here / "wrong.test.yml", "planrunner_test: 1\nplan: ./sums.yml\ncases: [{nam: a}]\n")
    hostile = '"\\e[31m<&\\"> \\uFFFE ]]> \\u202E"'
    write(here / "a.test.yml", f"planrunner_test: 1\nplan: ./a.yml\ncases: [{{name: {hostile}}}]\n")
    told = cli("test", ".", "--format", "junit")
    assert told.code == 1
    assert "\x1b" not in told.out
    root = ElementTree.fromstring(told.out)
    assert (root.tag, root.attrib["tests"], root.attrib["failures"]) == ("testsuites", "6", "2")
    assert [suite.attrib["name"] for suite in root] == ["./a.test.yml", "./sums.test.yml", "./wrong.test.yml"]
    for suite in root:
        assert suite.attrib.keys() - {"time"} == {"name", "tests", "failures", "errors", "skipped"}
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase")) == len(suite)
        for tag in ("failure", "error"):
            assert int(suite.attrib[f"{tag}s"]) == len(suite.findall(f"testcase/{tag}"))
        for case in suite:
            assert case.attrib.keys() - {"time"} == {"name", "classname"}
            assert {each.tag for each in case} <= {"failure", "error"}
            assert all(each.attrib.keys() == {"message"} and each.text for each in case)
    (odd,) = root.findall("testsuite[@name='./a.test.yml']/testcase")
    assert odd.attrib["name"] == '\\x1b[31m<&"> \\ufffe ]]> \\u202e'
    (failure,) = root.findall("testsuite/testcase[@name='two and one']/failure")
    assert failure.attrib["message"] == 'line 10: output: expected "nobody gets 4", got "nobody gets 3"'
    assert (failure.text or "").startswith("./sums.test.yml:7\nline 10: output:")
    (error,) = root.findall("testsuite[@name='./wrong.test.yml']/testcase/error")
    assert error.attrib == {"message": "1 error"}
    assert "3:10: error: unknown key 'nam'; did you mean 'name'? [unknown-key]" in (error.text or "")


def test_text_of_others_steers_no_terminal(cli: Cli, here: Path) -> None:
    write(here / "a.yml", 'planrunner: 1\nname: a\nsteps: [{id: a, set: "\\e[2J\\u202E"}]\n')
    cases = 'planrunner_test: 1\nplan: ./a.yml\ncases: [{name: "\\e[2J", expect: {output: "\\e]0;x"}}]\n'
    told = cli("test", write(here / "a.test.yml", cases))
    assert told.code == 1
    assert not {"\x1b", "\u202e"} & set(told.out + told.err)
    assert "failed: \\x1b[2J" in told.out


def test_what_hooks_print_does_not_mix_with_the_report(cli: Cli, here: Path) -> None:
    (here / "loud.py").write_text("def shout(*args):\n    print('LOUD')\n", "utf-8")
    write(
        here / "a.yml",
        'planrunner: 1\nname: a\nhooks: {before_plan_run: [{use: "loud:shout"}]}\nsteps: [{id: a, set: 1}]\n',
    )
    file = write(here / "a.test.yml", "planrunner_test: 1\nplan: ./a.yml\ncases: [{name: one}]\n")
    told = cli("test", file, "--format", "json")
    assert json.loads(told.out)["cases"][0]["state"] == "passed"
    assert "LOUD\n" in told.err
    assert cli("test", file, "-q").err == ""


SLOW = """
import time

def wait(*args):
    print("waiting", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
@pytest.mark.parametrize("form", ["text", "json", "junit"])
def test_an_interrupted_test_says_how_far_it_came(
    here: Path, sums: str, number: signal.Signals, code: int, word: str, form: str
) -> None:
    (here / "slow.py").write_text(SLOW, "utf-8")
    write(
        here / "b.yml",
        'planrunner: 1\nname: b\nhooks: {before_plan_run: [{use: "slow:wait"}]}\nsteps: [{id: a, set: 1}]\n',
    )
    write(here / "a.test.yml", CASES)
    write(here / "b.test.yml", "planrunner_test: 1\nplan: ./b.yml\ncases: [{name: one}]\n")
    running = start("test", ".", "--format", form, cwd=here)
    assert running.stderr is not None
    assert running.stderr.readline() == b"waiting\n"
    running.send_signal(number)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, err.decode()) == (code, f"{word}\nuntil then: 4 cases: 2 passed, 2 failed\n")
    assert out.decode() == (FAILED.replace("sums.test", "./a.test") if form == "text" else "")


def test_many_cases_are_fast(here: Path, sums: str) -> None:
    """Not a timed test of a machine: a thousand cases that took a minute would be a defect on any."""
    listed = "".join(
        f"  - {{name: c{n}, inputs: {{a: {n}}}, expect: {{output: nobody gets {n + 1}}}}}\n" for n in range(1000)
    )
    write(here / "many.test.yml", f"planrunner_test: 1\nplan: ./sums.yml\ncases:\n{listed}")
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "planrunner", "test", "many.test.yml"], cwd=here, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"1,000 cases: 1,000 passed\n")
    assert time.monotonic() - begun < 60


def test_nothing_is_stored(cli: Cli, here: Path, cases: str) -> None:
    before = {path.name for path in here.iterdir()}
    cli("test", cases)
    assert {path.name for path in here.iterdir()} == before
    assert NO_MODEL.lstrip("\n") == (here / "sums.yml").read_text("utf-8")
