"""For programs: problems, lists and records as JSON, indented, UTF-8.

What could steer a terminal is written as an escape of JSON: to a program it is the same value, to a terminal only text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from planrunner.render.checked import Report
from planrunner.render.words import Style
from planrunner.termsafe import term_safe
from planrunner.times import utc

if TYPE_CHECKING:
    from planrunner.events import Event
    from planrunner.journal.base import RunSummary
    from planrunner.plan_run import PlanRun
    from planrunner.tools.base import Tool


_NOT_PLAIN = re.compile("[^\x00-\x7e]")


def text(value: Any) -> str:
    """A JSON value as a document of its own."""
    return safe(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)) + "\n"


def safe(document: str) -> str:
    """A JSON document with control, bidi and other unseen characters as `\\u` escapes; they stand in strings only."""
    return _NOT_PLAIN.sub(_escaped, document)


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    if term_safe(char) == char:
        return char
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]


def problems(report: Report, _style: Style) -> str:
    """`{files, passed_over, problems: [{file, line, column, code, message, level}]}`."""
    found = [asdict(problem) for file in report.files for problem in file.problems]
    return text({"files": len(report.files), "passed_over": report.passed_over, "problems": found})


def record(plan_run: PlanRun, _style: Style) -> str:
    """The PlanRun record."""
    return safe(plan_run.model_dump_json(indent=2)) + "\n"


def runs(summaries: Sequence[RunSummary], _style: Style) -> str:
    """A list of `{id, end_user_id, plan, state, created_at, updated_at}`, newest first, times in UTC."""
    return text([_summary(summary) for summary in summaries])


def events(happened: Sequence[Event], _style: Style) -> str:
    """A list of `{kind, key, at, body}`, times in UTC."""
    return text([event._asdict() | {"at": utc(event.at)} for event in happened])


def tools(found: Mapping[str, Tool | str], _style: Style) -> str:
    """A list of tools as `tool` tells them; `{id, unusable}` for one that can't be used."""
    return text(
        [{"id": name, "unusable": each} if isinstance(each, str) else _tool(each) for name, each in found.items()]
    )


def tool(shown: Tool, _style: Style) -> str:
    """`{id, name, description, effect, args_schema, output_schema}`."""
    return text(_tool(shown))


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "id": tool.id,
        "name": tool.name,
        "description": tool.description,
        "effect": tool.effect or "write",
        "args_schema": dict(tool.args_schema),
        "output_schema": None if tool.output_schema is None else dict(tool.output_schema),
    }


def _summary(summary: RunSummary) -> dict[str, Any]:
    return {
        "id": summary.id,
        "end_user_id": summary.end_user_id,
        "plan": {"name": summary.plan_name, "sha256": summary.plan_sha256},
        "state": summary.state,
        "created_at": utc(summary.created_at),
        "updated_at": utc(summary.updated_at),
    }
