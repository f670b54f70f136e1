"""The JSON Schema of the PlanRun record, for programs that read records."""

from __future__ import annotations

from typing import Any

_LEFT_OUT_WHEN_ABSENT = {"Output": ("summary",), "StepRecord": ("items", "steps")}


def record_schema() -> dict[str, Any]:
    """JSON Schema 2020-12. A record has all of its keys, so all but a few are required."""
    from planrunner.plan_run import PlanRun

    schema = PlanRun.model_json_schema()
    for name, shape in (("", schema), *schema["$defs"].items()):
        _tidy(shape, _LEFT_OUT_WHEN_ABSENT.get(name, ()))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A planrunner record", **schema}


def _tidy(shape: dict[str, Any], may_lack: tuple[str, ...]) -> None:
    """Take away what only repeats the name of a key, and the defaults of keys that are never absent."""
    shape.pop("title", None)
    if "properties" not in shape:
        return
    for each in shape["properties"].values():
        each.pop("title", None)
        each.pop("default", None)
    shape["required"] = [name for name in shape["properties"] if name not in may_lack]
