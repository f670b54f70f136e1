"""The published schema in an editor: a real session with yaml-language-server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from planrunner.cli.plans import Projects, read_plan
from planrunner.document.schema import kind
from planrunner.steps import VERBS
from tests.conftest import PROJECT
from tests.editors.language_server import LanguageServer
from tests.npm import from_npm

MODELINE = "# yaml-language-server: $schema=../schemas/plan.schema.json\n"
HEAD = f"{MODELINE}planrunner: 1\nname: new\n"
EXAMPLES = sorted(file for file in (PROJECT / "plans").glob("*.yml") if "\nplanrunner: 1\n" in file.read_text("utf-8"))
CASES = PROJECT / "tests" / "plans"
SAID_BY_BOTH = {"unknown-key", "wrong-type", "wrong-value"}

_names = count()


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    script = from_npm("yaml-language-server/bin/yaml-language-server")
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node to run yaml-language-server")
    settings = {"yaml": {"schemaStore": {"enable": False}, "validate": True, "hover": True, "completion": True}}
    running = LanguageServer([node, str(script), "--stdio"], PROJECT, settings)
    yield running
    running.close()


class Typed:
    """A plan that somebody is writing; `|` in its text is the cursor. It is never saved."""

    def __init__(self, server: LanguageServer, text: str) -> None:
        before, _, after = (HEAD + text).partition("|")
        self._server = server
        self._file = PROJECT / "plans" / f"typed-{next(_names)}.yml"
        self._line, self._column = before.count("\n"), len(before.rpartition("\n")[2])
        self.diagnostics = [_told(each) for each in server.open(self._file, before + after)]

    def completions(self) -> dict[str, dict[str, Any]]:
        return {item["label"]: item for item in self._server.complete(self._file, self._line, self._column)}

    def hover(self) -> str:
        return self._server.hover(self._file, self._line, self._column)


def _told(diagnostic: dict[str, Any]) -> tuple[int, int, str]:
    """Line below HEAD and column, both from 1, and the message."""
    start = diagnostic["range"]["start"]
    return start["line"] + 1 - HEAD.count("\n"), start["character"] + 1, diagnostic["message"]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_examples_are_without_a_mark(server: LanguageServer, file: Path) -> None:
    assert file.read_text("utf-8").startswith(MODELINE), "say which schema it has, for those who open it"
    assert server.open(file) == []


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


def opened(server: LanguageServer, files: list[Path]) -> dict[str, list[dict[str, Any]]]:
    """The marks in each of these files, which are looked at as if they stood in `plans/`."""
    shown = {file.name: PROJECT / "plans" / f"{file.parent.name}-{file.name}" for file in files}
    for file in files:
        server.show(shown[file.name], MODELINE + file.read_text("utf-8"))
    return {name: server.marks(file) for name, file in shown.items()}


def test_no_valid_plan_is_marked(server: LanguageServer) -> None:
    marked = opened(server, sorted(CASES.glob("ok/*.yml")))
    assert marked
    assert {name: marks for name, marks in marked.items() if marks} == {}


def test_what_is_wrong_is_marked_where_our_checker_tells_it(server: LanguageServer) -> None:
    told = {file: read_plan(str(file), Projects()).checked.problems for file in sorted(CASES.glob("err/*.yml"))}
    ours = {file: {(p.line, p.column) for p in found if p.code in SAID_BY_BOTH} for file, found in told.items()}
    wrong = [file for file, places in ours.items() if places]
    assert sum(map(len, ours.values())) > 50
    marked = opened(server, wrong)
    for file in wrong:
        starts = [mark["range"]["start"] for mark in marked[file.name]]
        assert ours[file] <= {(start["line"], start["character"] + 1) for start in starts}, file.name


@pytest.mark.parametrize(
    "text",
    [
        "steps:\n  - |\n",
        "steps:\n  - id: a\n    |\n",
        "steps:\n  - id: a\n    ta|\n",
        "steps:\n  - id: a\n    set: 1\n  - id: b\n    |\n",
        "steps:\n  - id: a\n    steps:\n      - id: b\n        |\n",
        "steps:\n  - {id: a, set: 1}\nfinally:\n  - id: b\n    |\n",
    ],
)
def test_a_new_step_is_offered_every_verb(server: LanguageServer, text: str) -> None:
    offered = Typed(server, text).completions()
    assert set(VERBS) <= set(offered)
    for verb in VERBS:
        assert offered[verb]["documentation"] == kind(verb).schema["description"]
        assert offered[verb]["insertText"].startswith(f"{verb}:")
    assert not {"args", "agent", "retry"} & set(offered), "keys that go with one verb"


def test_a_step_with_a_verb_is_offered_the_keys_that_go_with_it(server: LanguageServer) -> None:
    offered = Typed(server, "steps:\n  - id: a\n    tool: weather\n    |\n").completions()
    assert {"args", "when", "needs", "retry", "timeout"} <= set(offered)
    assert not {"agent", "task", "set"} & set(offered)


def test_a_list_of_values_is_offered(server: LanguageServer) -> None:
    offered = Typed(server, "steps: [{id: a, set: 1}]\ntools:\n  pay:\n    effect: |\n").completions()
    assert set(offered) == {"read", "write", "irreversible"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("st|eps:\n  - {id: a, set: 1}\n", "What is done."),
        ("steps:\n  - id: a\n    ta|sk: hello\n", "An LLM works on this task"),
        ("steps:\n  - id: a\n    set: 1\n    wh|en: inputs.x\n", "Run only if this is true, else the step is SKIPPED."),
        ("steps:\n  - {id: a, clarify: {type: input, guid|ance: Why?}}\n", "What the person is told."),
        ("steps:\n  - {id: a, set: 1}\nagents:\n  writer: {max_tu|rns: 3}\n", "So many replies without an end"),
    ],
)
def test_hover_tells_what_a_key_is_for(server: LanguageServer, text: str, said: str) -> None:
    assert said in Typed(server, text).hover()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("stepz: 1\nsteps:\n  - {id: a, set: 1}\n", (1, 1, "Property stepz is not allowed.")),
        ("steps:\n  - id: a\n    tool: x\n    promt: y\n", (4, 5, "Property promt is not allowed.")),
        ("steps:\n  - id: a\n    taks: x\n", (3, 5, "Property taks is not allowed.")),
        ("steps:\n  - {id: a, set: 1}\nagents: {w: {tool: []}}\n", (3, 14, "Property tool is not allowed.")),
    ],
)
def test_an_unknown_key_is_marked_at_its_place(server: LanguageServer, text: str, place: tuple[int, int, str]) -> None:
    assert place in Typed(server, text).diagnostics


def test_a_step_without_a_verb_is_told_all_of_them(server: LanguageServer) -> None:
    assert Typed(server, "steps:\n  - id: a\n").diagnostics == [
        (2, 5, f"a step needs one verb: {', '.join(VERBS)}"),
    ]


def test_a_wrong_value_is_told_in_our_words(server: LanguageServer) -> None:
    typed = Typed(server, "steps:\n  - id: Look up\n    tool: x\n    timeout: soon\n")
    assert typed.diagnostics == [
        (2, 9, "expected a name (small letters, digits and _, a letter first)"),
        (4, 14, "expected a duration such as 250ms, 30s, 5m, 2h or 2d, or a number of seconds"),
    ]
