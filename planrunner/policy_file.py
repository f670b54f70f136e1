"""Reads a policy: the table `[policy]` of the project file, or a TOML file of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from planrunner.errors import SchemaError, UsageError
from planrunner.hooks import BUILTIN
from planrunner.hooks.base import AFTER_PLAN_RUN, AFTER_STEP, AFTER_TOOL_CALL, POINTS
from planrunner.json_schema import compile_schema
from planrunner.jsonsafe import to_json_safe
from planrunner.plan import HookEntry, Limits
from planrunner.policy import Policy
from planrunner.registry import hint
from planrunner.schema_words import shown
from planrunner.template import find_problems
from planrunner.times import seconds

_REFERENCE: Final = r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$"
_DURATION: Final = {"type": ["string", "number"], "pattern": "^[0-9]+(ms|s|m|h|d)$", "minimum": 0}
_GLOBS: Final = {"type": "array", "items": {"type": "string", "minLength": 1}}
_GLOB_OR_GLOBS: Final = {"type": ["string", "array"], "items": {"type": "string"}}
_COUNT: Final = {"type": "integer", "minimum": 1}


def _closed(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False, "required": list(required)}


_BINDING: Final = _closed(
    {
        "use": {"type": "string", "minLength": 1},
        "with": {"type": "object"},
        "match": _closed(
            {"tool": _GLOB_OR_GLOBS, "step": _GLOB_OR_GLOBS, "effect": _GLOB_OR_GLOBS, "args": {"type": "object"}}
        ),
        "when": {"type": "string", "minLength": 1},
        "timeout": _DURATION,
        "on_error": {"enum": ["fail", "log"]},
    },
    "use",
)
_SCHEMA: Final = _closed(
    {
        "approve": _GLOBS,
        "deny": _GLOBS,
        "models": _GLOBS,
        "limits": _closed(
            {
                "usd": {"type": "number", "minimum": 0},
                "tokens": _COUNT,
                "llm_calls": _COUNT,
                "tool_calls": _COUNT,
                "duration": _DURATION,
            }
        ),
        "hooks": _closed({point: {"type": "array", "items": _BINDING} for point in POINTS}),
        "approving_hooks": {"type": "array", "items": {"type": "string", "pattern": _REFERENCE}},
        "imports": _GLOBS,
    }
)


def read_policy_file(path: str | Path) -> Policy:
    """The policy in a file. UsageError when it can't be read, or says something that a policy can't say."""
    import tomllib

    try:
        with open(path, "rb") as file:
            table = tomllib.load(file)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else f"it is not valid TOML: {error}"
        raise UsageError(f"the policy {path} can't be read: {words}") from None
    return policy_of(table, f"the policy {path}", Path(path).parent)


def policy_of(table: Any, where: str, root: str | Path) -> Policy:
    """The policy that a table says. UsageError names every key that does not fit.

    where  begins the message
    root   the folder in which the modules of its hooks are looked for
    """
    try:
        safe = to_json_safe(table, where)
    except SchemaError as error:
        raise UsageError(str(error)) from None
    if not isinstance(safe, dict):
        raise UsageError(f'{where} must be a table, such as {{deny = ["pay"]}}, and is {shown(safe)}')
    problems = [str(problem) for problem in compile_schema(_SCHEMA).problems(safe)]
    hooks = () if problems else tuple(_hooks(safe.get("hooks", {})))
    problems += [wrong for entry in hooks for wrong in _what_is_wrong(entry)]
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise UsageError(
            f"{where} says what a policy can't say:{lines}\nits keys are {', '.join(_SCHEMA['properties'])}"
        )
    return Policy(
        approve=tuple(safe.get("approve", ())),
        deny=tuple(safe.get("deny", ())),
        models=_tuple(safe.get("models")),
        limits=_limits(safe.get("limits", {})),
        hooks=hooks,
        approving_hooks=tuple(safe.get("approving_hooks", ())),
        imports=_tuple(safe.get("imports")),
        root=str(Path(root).absolute()),
    )


def _tuple(globs: list[str] | None) -> tuple[str, ...] | None:
    return None if globs is None else tuple(globs)


def _limits(table: Mapping[str, Any]) -> Limits:
    return Limits(**{**table, **({"duration": seconds(table["duration"])} if "duration" in table else {})})


def _hooks(table: Mapping[str, Any]) -> Iterator[HookEntry]:
    for point in POINTS:
        for entry in table.get(point, ()):
            yield HookEntry(
                point=point,
                use=entry["use"],
                with_=entry.get("with", {}),
                match=entry.get("match", {}),
                when=entry.get("when"),
                timeout=seconds(entry["timeout"]) if "timeout" in entry else None,
                on_error=entry.get("on_error", "fail"),
            )


def _what_is_wrong(entry: HookEntry) -> Iterator[str]:
    """What no schema can tell of a binding."""
    at = f"hooks.{entry.point}: {entry.use}"
    if ":" not in entry.use and entry.use not in BUILTIN:
        known = hint(entry.use, BUILTIN) or f"; the built-in ones are {', '.join(BUILTIN)}"
        yield f"{at}: there is no built-in hook {entry.use!r}{known}"
    if entry.on_error == "log" and entry.point not in (AFTER_TOOL_CALL, AFTER_STEP, AFTER_PLAN_RUN):
        yield f"{at}: on_error must be fail, for a guard that errs fails the call"
    for problem in find_problems(entry.when, bare=True) if entry.when else ():
        yield f"{at}: when: {problem.message}"
