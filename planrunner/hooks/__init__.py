"""Hooks: code that stands around a run, its steps and its tool calls.

`base` has the points and what a binding is, `firing` the order and the error policy (only there), `bindings` how plans
and Python callers name hooks, `view` what a hook sees of the run, and the other files one built-in hook each.
"""

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
