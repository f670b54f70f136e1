"""The planner: an LLM writes a plan out of the tools at hand. What it writes is only text until it has been checked."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from planrunner.agents.prompts import planner_again_prompt
from planrunner.errors import PlannerError
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

    Raises PlannerError with the try that had the fewest problems when ROUNDS of them all had some.
    """
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}, {"role": "user", "content": query}]
    tries: list[_Try] = []
    for _ in range(ROUNDS):
        reply = await ask(messages)
        text = plan_in(reply.text or "")
        problems = tuple(check(text))
        if not problems:
            return text
        tries.append(_Try(text, problems))
        _log.info("plan %d of the planner has %d problems", len(tries), len(problems))
        messages.append({"role": "assistant", "content": reply.text or "(nothing)"})
        messages.append({"role": "user", "content": planner_again_prompt(_told(tries[-1]))})
    best = min(reversed(tries), key=lambda each: len(each.problems))
    raise PlannerError(_no_plan(best), best.text, best.problems)


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


def _no_plan(best: _Try) -> str:
    lines = "".join(f"\n  {problem.file}:{problem}" for problem in best.problems)
    count = len(best.problems)
    what = f"the best one has {count} problem{'s' if count > 1 else ''}"
    return f"the planner wrote no valid plan in {ROUNDS} rounds, {what}:{lines}"
