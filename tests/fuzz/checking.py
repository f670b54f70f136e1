"""Checks one input in full, as `planrunner validate` would, and makes sure of all that is promised for every input."""

from __future__ import annotations

import gc
import json
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from planrunner.document.beside import InSnapshot
from planrunner.document.load import load_document
from planrunner.document.loaded import Loaded
from planrunner.document.script import load_script
from planrunner.errors import UsageError
from planrunner.plan import Handed, HookEntry, ModelAlias
from planrunner.policy import Policy
from planrunner.policy_file import read_policy_file
from planrunner.registry import load
from planrunner.render import PROBLEMS
from planrunner.render.checked import Checked, Report, as_checked
from planrunner.render.words import Style
from planrunner.settings import Settings, load_settings
from planrunner.testing.case import Plans, read_suite

SECOND: Final = 1.0
KINDS: Final = ("plan", "prompt", "test", "script", "policy", "settings")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_POLICY: Final = Policy(
    approve=("pay",),
    deny=("csv*",),
    models=("openai/*",),
    hooks=(HookEntry(point="before_tool_call", use="clarify_on_tool_calls", with_={"tools": ["c"]}),),
    approving_hooks=("m:f",),
    imports=("m",),
)
_SETTINGS: Final = Settings("memory", models={"x": ModelAlias(model=("openai/x",))}, policy=_POLICY)
_HANDED: Final = Handed(tools={"pay": {"type": "object"}, "calculator": {}}, models=("x",), hooks=("deny_tool_calls",))
_INNER: Final = (
    b"planrunner: 1\nname: q\ninputs: {a: {type: string}}\nsteps: [{id: a, tool: csv_reader, args: {path: x}}]\n"
)
_PROMPT: Final = "Read {{ inputs.a }} and {{ steps.a.output.b }}\n"
_AROUND: Final = b"planrunner: 1\nname: p\ninputs: {a: {type: string}}\nsteps: [{id: a, task: {file: p.md}}]\n"


def check(kind: str, text: bytes) -> None:
    """Hold an input of this kind to what is promised. AssertionError, or whatever the checker raised."""
    gc.disable()  # looking through what hypothesis keeps may take longer than a second
    begun = time.process_time()
    _CHECKS[kind](text)
    used = time.process_time() - begun
    gc.enable()
    assert used < SECOND, f"{used:.1f} s"


def _plan(text: bytes) -> None:
    snapshot = {"p.md": _PROMPT, "q.yml": _INNER.decode()}
    variant = sum(text[-64:]) % 8
    handed = _HANDED if variant == 0 else None
    settings = _SETTINGS if variant % 2 else None
    _held(
        load_document(
            text, "f.yml", path=None, root="/r", beside=InSnapshot(snapshot), handed=handed, settings=settings
        )
    )


def _prompt(text: bytes) -> None:
    """A prompt beside a plan; a snapshot holds texts, so what is none of UTF-8 is read from disk alone."""
    folder = _folder()
    (folder / "p.md").write_bytes(text)
    _held(load_document(_AROUND, "f.yml", path=str(folder / "f.yml"), root=str(folder)))


def _held(loaded: Loaded) -> None:
    files = {source.name: source.lines for source in (loaded.source, *loaded.prompts, *loaded.subplans)}
    assert loaded.plan is not None or loaded.problems
    _told(as_checked(loaded), files, len(loaded.source.text) % 4 == 0)


def _told(checked: Checked, files: Mapping[str, list[str]], by_all: bool = True) -> None:
    """Every problem has its place and its words, and every reporter tells of it without steering a terminal."""
    for problem in checked.problems:
        lines = files[problem.file]
        assert 1 <= problem.line <= len(lines) + 1, problem
        width = len(lines[problem.line - 1]) if problem.line <= len(lines) else 0
        assert 1 <= problem.column <= width + 2, problem
        assert problem.message.strip(), problem
    report = Report((checked,), root="/r")
    for name, reference in PROBLEMS.items() if by_all else [("text", PROBLEMS["text"])]:
        said = load(reference)(report, Style())
        if name in ("json", "sarif"):
            json.loads(said)
        else:
            assert not _CONTROL.search(said), (name, said)
        said.encode("utf-8")


def _test(text: bytes) -> None:
    suite = read_suite(text, "f.test.yml", str(_project()), Plans())
    for wrong in suite.wrong:
        _told(wrong, {wrong.file: list(wrong.lines), **{name: list(lines) for name, lines in wrong.prompts.items()}})


def _script(text: bytes) -> None:
    file = _folder() / "s.yml"
    file.write_bytes(text)
    _raises(lambda: load_script(file))


def _policy(text: bytes) -> None:
    file = _folder() / "policy.toml"
    file.write_bytes(text)
    _raises(lambda: read_policy_file(file))


def _settings(text: bytes) -> None:
    folder = _folder()
    (folder / "planrunner.toml").write_bytes(text)
    _raises(lambda: load_settings(folder, environ={}))


def _raises(read: Callable[[], object]) -> None:
    """Nothing but an error for the user, and one that says something."""
    said = "read"
    try:
        read()
    except UsageError as error:
        said = str(error).strip()
    assert said


@cache
def _folder() -> Path:
    """A folder in memory, where there is one: a file is written for each input."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="planrunner-fuzz-", dir=memory if memory.is_dir() else None))


@cache
def _project() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="project-", dir=_folder()))
    (folder / "q.yml").write_bytes(_INNER)
    (folder / "p.md").write_text(_PROMPT)
    return folder


_CHECKS: Final = {
    "plan": _plan,
    "prompt": _prompt,
    "test": _test,
    "script": _script,
    "policy": _policy,
    "settings": _settings,
}
