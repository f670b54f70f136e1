"""Hooks: code that stands around a run, its steps and its tool calls.

`base` has the points and what a binding is, `firing` the order and the error policy (only there), `bindings` how plans
and Python callers name hooks, `view` what a hook sees of the run, and the other files one built-in hook each.
"""

from typing import Any

BUILTIN: dict[str, str] = {
    "allow_tool_calls": "planrunner.hooks.allow_tool_calls:make",
    "clarify_on_all_tool_calls": "planrunner.hooks.clarify_on_tool_calls:make_for_all",
    "clarify_on_tool_calls": "planrunner.hooks.clarify_on_tool_calls:make",
    "deny_tool_calls": "planrunner.hooks.deny_tool_calls:make",
    "fail": "planrunner.hooks.fail:make",
    "log_step_outputs": "planrunner.hooks.log_step_outputs:make",
    "redact": "planrunner.hooks.redact:make",
    "skip_step": "planrunner.hooks.skip_step:make",
}
"""Name in `use` → the function that makes the hook from its `with`. Imported when a plan uses it."""

LOOSENING: frozenset[str] = frozenset({"allow_tool_calls", "redact", "skip_step"})
"""Those that let calls pass unasked, hide values or leave steps out: a plan written by a planner may not bind them."""

_GLOBS: dict[str, Any] = {"type": ["array", "string"], "items": {"type": "string"}, "minItems": 1}
_TEXTS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_ROLE: dict[str, Any] = {"type": "object", "properties": {"role": {"type": "string"}}, "required": ["role"]}
_ASKING: dict[str, Any] = {"guidance": {"type": "string"}, "to": {"anyOf": [{"const": "end_user"}, _ROLE]}}


def _taking(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


SETTINGS: dict[str, dict[str, Any]] = {
    "allow_tool_calls": _taking(("tools",), tools=_GLOBS),
    "clarify_on_all_tool_calls": _taking(**_ASKING),
    "clarify_on_tool_calls": _taking(("tools",), tools=_GLOBS, **_ASKING),
    "deny_tool_calls": _taking(("tools",), tools=_GLOBS),
    "fail": _taking(message={"type": "string"}),
    "log_step_outputs": _taking(),
    "redact": _taking(patterns=_TEXTS, fields=_TEXTS),
    "skip_step": _taking(),
}
"""Name in `use` → JSON Schema of its `with`."""

RENDERED: tuple[str, ...] = ("guidance", "message")
"""The settings that tell people something: templates, rendered at each firing. The others are fixed."""

_CALLS = ("before_tool_call",)

FIRES_AT: dict[str, tuple[str, ...]] = {
    "allow_tool_calls": _CALLS,
    "clarify_on_all_tool_calls": _CALLS,
    "clarify_on_tool_calls": _CALLS,
    "deny_tool_calls": _CALLS,
    "log_step_outputs": ("after_step_execution",),
    "redact": ("before_tool_call", "after_tool_call"),
    "skip_step": ("before_step_execution",),
}
"""Name in `use` → the points at which it has something to do; one that is not listed has at all of them."""
