"""The limits of a run, held against what it has spent: before each call, so that nothing is begun beyond them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any, Final, NamedTuple

from planrunner.errors import LimitExceededError
from planrunner.plan import Limits
from planrunner.run_state import RunState

NAMES: Final = ("usd", "tokens", "llm_calls", "tool_calls", "duration")
_NONE: Final = (None,) * len(NAMES)
_each: Final = attrgetter(*NAMES)


class Budget(NamedTuple):
    """The limits of one plan: of the run's own (`path` is empty), or of the sub-plan that the step at `path` runs.

    fixed  those of the policy, which hold for the whole run and are raised by nobody
    """

    path: str
    limits: Limits
    fixed: bool = False


def has_limits(limits: Limits) -> bool:
    """Whether there is any."""
    return _each(limits) != _NONE


def check_limits(budgets: Iterable[Budget], run: RunState, call: str, now: float, *, begun: bool = False) -> None:
    """LimitExceededError when a call that is about to be made is not allowed any more.

    call   `llm_calls` or `tool_calls`: what it would add one to. These are counted exactly; `usd`, `tokens` and
           `duration` are held against the sum so far, for nobody knows what a call will cost.
    begun  the call is made once more, for nobody knows how it ended, or it asked a person; it is counted already
    """
    for budget in budgets:
        for name, limit, spent, told in _spent(budget, run, call, now):
            if spent < limit or (begun and name == call):
                continue
            if budget.fixed:
                raise LimitExceededError(
                    f"the policy's limit of {told} is reached (limits.{name}); who keeps the policy can raise it"
                )
            if budget.path:
                raise LimitExceededError(
                    f"the limit of {told} of the plan at {budget.path} is reached (limits.{name}); "
                    "to go beyond it, raise it in that plan and start a new run"
                )
            raise LimitExceededError(
                f"the run's limit of {told} is reached (limits.{name}); to go on beyond it: "
                f"planrunner resume {run.id} --retry --limit {name}=HIGHER"
            )


def _spent(budget: Budget, run: RunState, call: str, now: float) -> Iterator[tuple[str, float, float, str]]:
    """Of each limit that stands in the way of this call: its name, the limit, what is spent, and the limit in words."""
    usage: Mapping[str, Any] = run.spent[budget.path] if budget.path else run.usage
    as_written = budget.path or budget.fixed or not run.raised_limits
    limits = budget.limits if as_written else replace(budget.limits, **run.raised_limits)
    if limits.usd is not None and call == "llm_calls":
        yield "usd", limits.usd, usage["usd"], _count(limits.usd, "US dollar", ",.12g")
    if limits.tokens is not None and call == "llm_calls":
        yield (
            "tokens",
            limits.tokens,
            usage["prompt_tokens"] + usage["completion_tokens"],
            _count(limits.tokens, "token"),
        )
    if limits.llm_calls is not None and call == "llm_calls":
        yield "llm_calls", limits.llm_calls, usage["llm_calls"], _count(limits.llm_calls, "LLM call")
    if limits.tool_calls is not None and call == "tool_calls":
        yield "tool_calls", limits.tool_calls, usage["tool_calls"], _count(limits.tool_calls, "tool call")
    if limits.duration is not None:
        before = run.decisions[f"{budget.path}!limits"]["duration"] if budget.path else 0.0
        yield "duration", limits.duration, run.in_flight.passed(now) - before, f"{limits.duration:,.12g} s of work"


def _count(number: float, what: str, form: str = ",") -> str:
    """`1 call`, `2 calls`."""
    return f"{number:{form}} {what}{'' if number == 1 else 's'}"
