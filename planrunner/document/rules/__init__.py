"""What must hold of a plan beyond its shape: one rule per file, named like its code."""

from __future__ import annotations

from typing import Final

RULES: Final[dict[str, str]] = {
    "duplicate-id": "planrunner.document.rules.duplicate_id:check",
    "reserved-name": "planrunner.document.rules.reserved_name:check",
    "unknown-agent": "planrunner.document.rules.unknown_agent:check",
    "unknown-tool": "planrunner.document.rules.unknown_tool:check",
    "lowered-effect": "planrunner.document.rules.lowered_effect:check",
    "wrong-args": "planrunner.document.rules.wrong_args:check",
    "wrong-inputs": "planrunner.document.rules.wrong_inputs:check",
    "subplan-context": "planrunner.document.rules.subplan_context:check",
    "unknown-need": "planrunner.document.rules.unknown_need:check",
    "needs-cycle": "planrunner.document.rules.needs_cycle:check",
    "template-syntax": "planrunner.document.rules.template_syntax:check",
    "unknown-name": "planrunner.document.rules.unknown_name:check",
    "unknown-input": "planrunner.document.rules.unknown_input:check",
    "unknown-context": "planrunner.document.rules.unknown_context:check",
    "unknown-step": "planrunner.document.rules.unknown_step:check",
    "not-ended": "planrunner.document.rules.not_ended:check",
    "unknown-hook": "planrunner.document.rules.unknown_hook:check",
    "matches-nothing": "planrunner.document.rules.matches_nothing:check",
    "bad-schema": "planrunner.document.rules.bad_schema:check",
    "not-supported": "planrunner.document.rules.not_supported:check",
}
"""Code → the rule: `check(document) -> Iterable[Problem]`."""
