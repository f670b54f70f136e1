"""The verbs of the plan language, one file each."""

VERBS: dict[str, str] = {
    "tool": "planrunner.steps.tool:KIND",
    "task": "planrunner.steps.task:KIND",
    "clarify": "planrunner.steps.clarify:KIND",
    "plan": "planrunner.steps.subplan:KIND",
    "switch": "planrunner.steps.switch:KIND",
    "steps": "planrunner.steps.group:KIND",
    "set": "planrunner.steps.set:KIND",
    "exit": "planrunner.steps.exit:KIND",
}
"""Verb → where its StepKind stands. Imported when a plan uses it."""
