"""How problems and runs are told: to people, to programs, and while they happen."""

from __future__ import annotations

PROBLEMS: dict[str, str] = {
    "text": "planrunner.render.text:problems",
    "json": "planrunner.render.json:problems",
}
"""Format of `validate` → its reporter, `(checked: Sequence[Checked], style: Style) -> str`."""

RECORDS: dict[str, str] = {
    "text": "planrunner.render.text:record",
    "json": "planrunner.render.json:record",
}
"""Format of `runs show` → its reporter, `(plan_run: PlanRun, style: Style) -> str`."""

LISTS: dict[str, str] = {
    "text": "planrunner.render.text:runs",
    "json": "planrunner.render.json:runs",
}
"""Format of `runs list` → its reporter, `(summaries: Sequence[RunSummary], style: Style) -> str`."""
