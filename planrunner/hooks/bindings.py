"""From hooks as people name them, in Python or in a plan, to bindings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from planrunner.clarification_handler import ClarificationHandler
from planrunner.errors import UsageError
from planrunner.hooks import BUILTIN, RENDERED
from planrunner.hooks.base import POINTS, SECONDS, Binding, Matcher
from planrunner.hooks.deny_tool_calls import make_for_policy
from planrunner.plan import HookEntry, Plan
from planrunner.policy import Policy
from planrunner.registry import load

if TYPE_CHECKING:
    from planrunner.execution_hooks import ExecutionHooks

HANDLER = "clarification_handler"

PLANS = 1
"""The list of the plan's own bindings; 0 is the Runner's."""
POLICY = -3
"""The first of the policy's three lists."""


def of_runner(hooks: ExecutionHooks | None) -> Iterator[Binding]:
    """The bindings of a Python caller."""
    for point in POINTS:
        for hook in _listed(getattr(hooks, point, None)):
            yield _binding(point, getattr(hook, "__name__", repr(hook)), hook)


def of_policy(policy: Policy, load_code: Callable[[str], Any]) -> Iterator[Binding]:
    """The bindings of a policy, which stand before all others. UsageError when code that it names can't be had.

    Each list has a number of its own, the same whatever the others hold: firings are recorded under it.
    """
    denied, approved, hooks = policy.lists
    for entry in denied:
        deny = make_for_policy(entry.with_["tools"])
        yield replace(_binding(entry.point, "policy: deny", deny, inline=True, lists=POLICY), by_id=True)
    for entry in approved:
        yield replace(_of_entry(entry, load_code, POLICY + 1), name="policy: approve", by_id=True)
    for entry in hooks:
        yield _of_entry(entry, load_code, POLICY + 2)


def of_plan(plan: Plan, load_code: Callable[[str], Any], own_list: int = PLANS) -> Iterator[Binding]:
    """The bindings of a plan. `load_code` gives what a `module:function` names; UsageError when it can't.

    own_list  the number of the list in which they stand: one more for each plan around this one
    """
    for entry in plan.hooks:
        if entry.point in POINTS:
            yield _of_entry(entry, load_code, own_list)


def handler_of_plan(plan: Plan, load_code: Callable[[str], Any]) -> ClarificationHandler | None:
    """The plan's own `clarification_handler`: a ClarificationHandler, its class, or a function that makes one.

    UsageError when `use` names none of them.
    """
    for entry in plan.hooks:
        if entry.point == HANDLER:
            named = load_code(entry.use)
            handler = named if isinstance(named, ClarificationHandler) else _made(entry, named)
            if not isinstance(handler, ClarificationHandler):
                raise UsageError(f"{entry.use} at {HANDLER} must give a ClarificationHandler")
            return handler
    return None


def _made(entry: HookEntry, make: Callable[..., Any]) -> Any:
    try:
        return make(**entry.with_)
    except Exception as error:
        raise UsageError(f"{entry.use} at {entry.point} can't be made from its `with`: {error}") from None


def _of_entry(entry: HookEntry, load_code: Callable[[str], Any], own_list: int) -> Binding:
    make = BUILTIN.get(entry.use)
    with_ = dict(entry.with_)
    if make is None:
        hook = load_code(entry.use)
    else:
        # What a built-in is made with is fixed; what it tells people is rendered at each firing.
        own = {name: with_.pop(name) for name in list(with_) if name not in RENDERED}
        try:
            hook = load(make)(**own)
        except Exception as error:  # a pattern that is none, a setting that it does not have
            raise UsageError(f"the hook {entry.use} at {entry.point} can't be made from its `with`: {error}") from None
    return _binding(
        entry.point,
        entry.use,
        hook,
        matcher=Matcher(**{name: _globs(value) for name, value in entry.match.items()}),
        when=entry.when,
        with_=with_,
        timeout=SECONDS if entry.timeout is None else entry.timeout,
        tolerant=entry.on_error == "log",
        inline=make is not None,
        lists=own_list,
    )


def _binding(point: str, name: str, hook: Callable[..., Any], **more: Any) -> Binding:
    verdict = getattr(hook, "verdict", None)
    tools = getattr(hook, "tools", ()) if verdict else ()
    return Binding(point=point, name=name, hook=hook, verdict=verdict, tools=tools, **more)


def _globs(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _globs(inner) for name, inner in value.items()}
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _listed(hooks: Any) -> Iterable[Any]:
    if hooks is None:
        return ()
    return hooks if isinstance(hooks, (list, tuple)) else (hooks,)
