"""Script files: what models, tools and people answer when a plan is run with `--script FILE`.

The shapes of `tools`, `replies` and `answers` stand here for plan tests too, which answer in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from planrunner.document.problem import Problem, in_order
from planrunner.document.shape import check_shape
from planrunner.document.shapes import Schema, closed, ref, text
from planrunner.document.source import MAX_BYTES, MapNode, Source, parse, plain
from planrunner.errors import UsageError
from planrunner.models.scripted import REPLY_KINDS
from planrunner.plan import NOTHING
from planrunner.tools.scripted import TOOL_KINDS


@dataclass(frozen=True, slots=True)
class Script:
    """The answers of a script file; every value in it is data, none a template.

    tools    tool name or step path → an answer, or a list of answers (see ScriptedTools)
    replies  step path → a reply of the model, or a list of replies (see ScriptedModel)
    answers  what people answer, by what asks (see ScriptedAnswers)
    strict   nothing real is called, and nobody asked: what the script lacks ends the carrying with a NotScriptedError
    """

    tools: Mapping[str, Any] = field(default=NOTHING, repr=False)
    replies: Mapping[str, Any] = field(default=NOTHING, repr=False)
    answers: Mapping[str, Any] = field(default=NOTHING, repr=False)
    strict: bool = False


def load_script(path: str | Path) -> Script:
    """Read a script file. UsageError when it can't be read or is no script; it lists every problem with its place."""
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"the script {path} does not exist") from None
    except OSError as error:
        raise UsageError(f"the script {path} can't be read: {error.strerror or error}") from None
    source = parse(content, str(path))
    found = list(source.problems)
    if other := _no_script(source):
        found = other
    elif source.root is not None:
        found += check_shape(source.root, _schema(), source.name, "the script").problems
    elif not found:
        found = [Problem(source.name, 1, 1, "empty", "the file is empty: a script begins with planrunner_script: 1")]
    if found:
        lines = "".join(f"\n  {problem.file}:{problem}" for problem in in_order(found))
        raise UsageError(f"the script {path} is not valid:{lines}")
    said = plain(source.root)
    return Script(*(said.get(part, {}) for part in PARTS))


_NO_SCRIPTS: Final = {
    "planrunner": "this is a plan and no script: a script begins with planrunner_script: 1",
    "planrunner_test": "this is a plan test and no script: planrunner test runs it; a script begins with "
    "planrunner_script: 1, and has tools, replies and answers as a case has them",
}
"""The first key of our other files → what to do with one."""


def _no_script(source: Source) -> list[Problem]:
    """What is told of a file that is one of our others; nothing of any other file."""
    root = source.root
    if not isinstance(root, MapNode) or "planrunner_script" in root.entries:
        return []
    marks = _NO_SCRIPTS.keys() & root.entries.keys()
    return [source.problem(root.key(mark), "unknown-key", _NO_SCRIPTS[mark]) for mark in marks]


DATA: Final[Schema] = {"x-place": "data"}
"""A value that is taken as it is, whatever braces stand in it."""

_MAP: Final[Schema] = {"type": "object", **DATA}
_WHEN_ARGS: Final[Schema] = {**_MAP, "description": "Only for calls whose args hold at least these values."}


def _either(choices: Schema, **beside: Schema) -> Schema:
    """A map with one of these keys; `message` goes with `raise` alone."""
    shape: Schema = {**closed({**choices, **beside}), "anyOf": [{"required": [key]} for key in choices]}
    for key, choice in choices.items():
        more = {"message": text("What the error says.")} if key == "raise" else {}
        then = closed({key: choice, **more, **beside}, key)
        shape = {"type": "object", "if": {"required": [key]}, "then": then, "else": shape}
    return shape


def _one_or_more(shape: Schema) -> Schema:
    return {"if": {"type": "array"}, "then": {"type": "array", "items": shape}, "else": shape}


def _kind(kinds: tuple[str, ...]) -> Schema:
    return {"enum": list(kinds), "description": "The kind of error that is raised."}


_TOOL_ANSWER: Final[Schema] = {
    **_either(
        {"returns": {"description": "What the call gives.", **DATA}, "raise": _kind(TOOL_KINDS)}, when_args=_WHEN_ARGS
    ),
    "x-expected": "{returns: …}, or {raise: KIND, message: …}",
}
_CALL: Final[Schema] = closed(
    {"tool": text("The tool, by its name in the plan."), "args": {**_MAP, "description": "Its arguments."}}, "tool"
)
_REPLY: Final[Schema] = {
    "if": {"type": "string"},
    "then": {"description": "The text of the reply."},
    "else": _either(
        {
            "output": {"description": "The object that the model answers.", **DATA},
            "tool_calls": {
                "type": "array",
                "items": ref("script_tool_call"),
                "description": "The tools that the model calls.",
            },
            "raise": _kind(REPLY_KINDS),
        }
    ),
    "x-expected": "a text, {output: …}, {tool_calls: […]}, or {raise: KIND, message: …}",
}

DEFS: Final[dict[str, Schema]] = {
    "script_answer": _TOOL_ANSWER,
    "script_reply": _REPLY,
    "script_tool_call": _CALL,
}
"""The shapes that PARTS refers to; they stand in `$defs`."""

PARTS: Final[dict[str, Schema]] = {
    "tools": {
        **_MAP,
        "additionalProperties": _one_or_more(ref("script_answer")),
        "x-expected": "a map of tool or step → what a call gives",
        "description": "Tool, or path of a step → what a call gives: {returns: …} or {raise: KIND, message: …}, with "
        "when_args for some calls only. In a list each serves one call.",
    },
    "replies": {
        **_MAP,
        "additionalProperties": _one_or_more(ref("script_reply")),
        "x-expected": "a map of step → the model's replies",
        "description": "Path of a step → the replies of its model: a text, {output: …}, {tool_calls: […]} or "
        "{raise: KIND, message: …}. In a list each serves one turn.",
    },
    "answers": {
        **_MAP,
        "additionalProperties": DATA,
        "x-expected": "a map of step → what a person answers",
        "description": "Path of a step that asks, or STEP/TOOL for what a hook asks about a call → the answer; "
        "{never: true}: nobody answers. In a list each serves one asking.",
    },
}
"""What a script answers with, in the order of Script's fields."""


@cache
def _schema() -> Schema:
    version = {"const": 1, "x-expected": "1, the only format there is", "description": "The format: 1."}
    return {**closed({"planrunner_script": version, **PARTS}, "planrunner_script"), "$defs": DEFS}
