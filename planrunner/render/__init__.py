"""How problems and runs are told: to people, to programs, and while they happen."""

from __future__ import annotations

PROBLEMS: dict[str, str] = {
    "text": "planrunner.render.text:problems",
    "json": "planrunner.render.json:problems",
    "github": "planrunner.render.github:problems",
    "sarif": "planrunner.render.sarif:problems",
    "junit": "planrunner.render.junit:problems",
}
"""Format of `validate` → its reporter, `(report: Report, style: Style) -> str`."""

GRAPHS: dict[str, str] = {
    "text": "planrunner.render.graph:text",
    "mermaid": "planrunner.render.mermaid:mermaid",
    "dot": "planrunner.render.dot:dot",
}
"""Format of `graph` → its reporter, `(plan: Plan, style: Style) -> str`."""

CASES: dict[str, str] = {
    "text": "planrunner.render.cases:text",
    "json": "planrunner.render.cases:json",
    "junit": "planrunner.render.cases:junit",
}
"""Format of `test` → its reporter, `(report: Report, style: Style, verbose: bool) -> str`."""

RECORDS: dict[str, str] = {
    "text": "planrunner.render.text:record",
    "json": "planrunner.render.json:record",
}
"""Format of `runs show` → its reporter, `(plan_run: PlanRun, style: Style) -> str`."""

EVENTS: dict[str, str] = {
    "text": "planrunner.render.text:events",
    "json": "planrunner.render.json:events",
}
"""Format of `runs show --events` → its reporter, `(events: Sequence[Event], style: Style) -> str`."""

PROMPTS: dict[str, str] = {
    "text": "planrunner.render.prompts:text",
    "json": "planrunner.render.prompts:json",
}
"""Format of `runs show --prompts` → its reporter, `(prompts: Sequence[SentPrompt], style: Style) -> str`."""

LISTS: dict[str, str] = {
    "text": "planrunner.render.text:runs",
    "json": "planrunner.render.json:runs",
}
"""Format of `runs list` → its reporter, `(summaries: Sequence[RunSummary], style: Style) -> str`."""

TOOLS: dict[str, str] = {
    "text": "planrunner.render.text:tools",
    "json": "planrunner.render.json:tools",
}
"""Format of `tools list` → its reporter, `(tools: Mapping[str, Tool | str], style: Style) -> str`; a text tells why a
tool can't be used."""

TOOL: dict[str, str] = {
    "text": "planrunner.render.text:tool",
    "json": "planrunner.render.json:tool",
}
"""Format of `tools show` → its reporter, `(tool: Tool, style: Style) -> str`."""

CHECK: dict[str, str] = {
    "text": "planrunner.render.checks:text",
    "json": "planrunner.render.checks:json_one",
    "markdown": "planrunner.render.checks:markdown",
}
"""Format of `explain CODE` → its reporter, `(told: Facts, style: Style) -> str`."""

CHECKS: dict[str, str] = {
    "text": "planrunner.render.checks:text_list",
    "json": "planrunner.render.checks:json_list",
    "markdown": "planrunner.render.checks:markdown_page",
}
"""Format of `explain` → its reporter, `(groups: Mapping[str, Sequence[Facts]], style: Style) -> str`."""
