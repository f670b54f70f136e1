"""For programs: problems, lists and records as JSON, indented, UTF-8."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from planrunner.render.checked import Checked
from planrunner.render.words import Style
from planrunner.times import utc

if TYPE_CHECKING:
    from planrunner.journal.base import RunSummary
    from planrunner.plan_run import PlanRun


def text(value: Any) -> str:
    """A JSON value as a document of its own."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def problems(checked: Sequence[Checked], _style: Style) -> str:
    """`{files, problems: [{file, line, column, code, message, level}]}`."""
    return text({"files": len(checked), "problems": [asdict(problem) for file in checked for problem in file.problems]})


def record(plan_run: PlanRun, _style: Style) -> str:
    """The PlanRun record."""
    return plan_run.model_dump_json(indent=2) + "\n"


def runs(summaries: Sequence[RunSummary], _style: Style) -> str:
    """A list of `{id, end_user_id, plan, state, created_at, updated_at}`, newest first, times in UTC."""
    return text([_summary(summary) for summary in summaries])


def _summary(summary: RunSummary) -> dict[str, Any]:
    return {
        "id": summary.id,
        "end_user_id": summary.end_user_id,
        "plan": {"name": summary.plan_name, "sha256": summary.plan_sha256},
        "state": summary.state,
        "created_at": utc(summary.created_at),
        "updated_at": utc(summary.updated_at),
    }
