"""For programs that follow a run: one JSON object per line, the events as they happen and the record at the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planrunner.render.json import safe
from planrunner.times import utc

if TYPE_CHECKING:
    from planrunner.events import Event
    from planrunner.plan_run import PlanRun


def event(happened: Event) -> str:
    """`{"kind", "key", "at", "body"}`; `at` in UTC."""
    return _line({"kind": happened.kind, "key": happened.key, "at": utc(happened.at), "body": happened.body})


def record(plan_run: PlanRun) -> str:
    """`{"kind": "record", "record": …}`, always the last line."""
    return _line({"kind": "record", "record": plan_run.model_dump(mode="json")})


def _line(value: dict[str, Any]) -> str:
    return safe(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))) + "\n"
