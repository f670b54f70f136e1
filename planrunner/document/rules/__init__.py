"""What must hold of a plan beyond its shape: one rule per file, named like its code.

Beside it lies the page of the code, `CODE.md`, of which `document.facts` tells. Codes whose page lies here alone are
found on the way: by the reader of YAML, and by the walk over the shape.
"""

from __future__ import annotations

from typing import Final

RULES: Final[dict[str, str]] = {
    "duplicate-id": "planrunner.document.rules.duplicate_id:check",
    "reserved-name": "planrunner.document.rules.reserved_name:check",
    "unknown-agent": "planrunner.document.rules.unknown_agent:check",
    "unknown-model": "planrunner.document.rules.unknown_model:check",
    "unknown-tool": "planrunner.document.rules.unknown_tool:check",
    "lowered-effect": "planrunner.document.rules.lowered_effect:check",
    "wrong-args": "planrunner.document.rules.wrong_args:check",
    "wrong-inputs": "planrunner.document.rules.wrong_inputs:check",
    "wrong-answer": "planrunner.document.rules.wrong_answer:check",
    "subplan-context": "planrunner.document.rules.subplan_context:check",
    "unknown-need": "planrunner.document.rules.unknown_need:check",
    "needs-cycle": "planrunner.document.rules.needs_cycle:check",
    "template-syntax": "planrunner.document.rules.template_syntax:check",
    "foreign-template": "planrunner.document.rules.foreign_template:check",
    "unknown-name": "planrunner.document.rules.unknown_name:check",
    "unknown-input": "planrunner.document.rules.unknown_input:check",
    "unknown-context": "planrunner.document.rules.unknown_context:check",
    "unknown-step": "planrunner.document.rules.unknown_step:check",
    "not-ended": "planrunner.document.rules.not_ended:check",
    "unknown-field": "planrunner.document.rules.unknown_field:check",
    "not-in-enum": "planrunner.document.rules.not_in_enum:check",
    "may-be-null": "planrunner.document.rules.may_be_null:check",
    "not-boolean": "planrunner.document.rules.not_boolean:check",
    "not-a-list": "planrunner.document.rules.not_a_list:check",
    "idle-default": "planrunner.document.rules.idle_default:check",
    "secret-not-here": "planrunner.document.rules.secret_not_here:check",
    "unreachable": "planrunner.document.rules.unreachable:check",
    "endless-repeat": "planrunner.document.rules.endless_repeat:check",
    "fixed-key": "planrunner.document.rules.fixed_key:check",
    "jumped-gate": "planrunner.document.rules.jumped_gate:check",
    "too-many-hooks": "planrunner.document.rules.too_many_hooks:check",
    "unapproved": "planrunner.document.rules.unapproved:check",
    "not-in-finally": "planrunner.document.rules.not_in_finally:check",
    "policy": "planrunner.document.rules.policy:check",
    "unknown-hook": "planrunner.document.rules.unknown_hook:check",
    "misplaced-hook": "planrunner.document.rules.misplaced_hook:check",
    "wrong-settings": "planrunner.document.rules.wrong_settings:check",
    "matches-nothing": "planrunner.document.rules.matches_nothing:check",
    "key-in-plan": "planrunner.document.rules.key_in_plan:check",
    "bad-schema": "planrunner.document.rules.bad_schema:check",
    "unused": "planrunner.document.rules.unused:check",
    "not-supported": "planrunner.document.rules.not_supported:check",
}
"""Code → the rule: `check(document) -> Iterable[Problem]`."""
