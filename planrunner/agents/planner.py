"""The planner: an LLM writes a plan out of the tools at hand. What it writes is only text until it has been checked."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from planrunner.agents.prompts import planner_again_prompt
from planrunner.errors import PlannerError, StepError
from planrunner.models.base import Reply

if TYPE_CHECKING:
    from planrunner.document.problem import Problem

ROUNDS: Final = 3
"""How often a plan is written; each time but the first with the problems of the one before."""

_TOLD: Final = 20
_LONGEST_LINE: Final = 200
_FENCED = re.compile(r"^```[^\n`]*\n(.*?)(?:^```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_BEGINS = re.compile(r"^planrunner[ \t]*:", re.MULTILINE)
_log = logging.getLogger("planrunner")

Ask = Callable[[Sequence[Mapping[str, Any]]], Awaitable[Reply]]
"""Gives the model's reply to these messages. Raises the model's StepError."""
Check = Callable[[str], Sequence["Problem"]]
"""What is wrong with the text of a plan; nothing: it can be used."""


@dataclass(frozen=True, slots=True)
class _Try:
    text: str
    problems: tuple[Problem, ...]


async def write(ask: Ask, system: str, query: str, check: Check) -> str:
    """The text of a plan that `check` has nothing against.

    Raises PlannerError with the best try when ROUNDS of them all had problems, or when the model fails after the first;
    when it fails before, its own StepError.
    """
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}, {"role": "user", "content": query}]
    tries: list[_Try] = []
    _log.info("a plan is being written")
    while len(tries) < ROUNDS:
        try:
            reply = await ask(messages)
        except StepError as error:
            if not tries:
                raise
            raise _no_plan(tries, f"the planner wrote no valid plan, and then its model failed: {error}") from error
        text = plan_in(reply.text or "")
        problems = tuple(check(text))
        if not problems:
            return text
        tries.append(_Try(text, problems))
        _log.info("try %d of %d has problems: %d", len(tries), ROUNDS, len(problems))
        messages.append({"role": "assistant", "content": reply.text or "(nothing)"})
        messages.append({"role": "user", "content": planner_again_prompt(_told(tries[-1]))})
    raise _no_plan(tries, f"the planner wrote no valid plan in {ROUNDS} rounds")


def plan_in(reply: str) -> str:
    """The plan in a reply: what stands in its fence, or all of it. Words around a fence are dropped."""
    text = reply.replace("\r\n", "\n")
    fenced = [match[1] for match in _FENCED.finditer(text)]
    plan = next((each for each in (*fenced, text) if _BEGINS.search(each)), fenced[0] if fenced else text)
    return plan.strip("\n") + "\n"


def _told(rejected: _Try) -> list[dict[str, Any]]:
    lines = rejected.text.split("\n")
    return [
        {
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
            "source": lines[problem.line - 1][:_LONGEST_LINE] if problem.line <= len(lines) else "",
        }
        for problem in rejected.problems[:_TOLD]
    ]


def _no_plan(tries: Sequence[_Try], reason: str) -> PlannerError:
    best = min(reversed(tries), key=lambda each: len(each.problems))
    return PlannerError(reason, best.text, best.problems)
