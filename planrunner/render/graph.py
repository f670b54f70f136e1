"""A plan as a tree, for people: what is done in which order, for whom it waits, what happens when something fails.

A sub-plan stands below the tree of the plan that names it, once, however often it is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planrunner.plan import Plan, Step
from planrunner.render.plan_words import caught, does, instead, marks, short, title_of, waits
from planrunner.render.words import Style


@dataclass(frozen=True, slots=True)
class _Branch:
    """A line of the tree, those that explain it, and what stands inside."""

    line: str
    more: tuple[str, ...] = ()
    inner: tuple[_Branch, ...] = ()


def text(plan: Plan, style: Style) -> str:
    """The tree of the plan, and of each plan that it runs."""
    trees = ["\n".join((style(title_of(plan), "bold"), *_drawn(_plan(plan, style))))]
    for name, subplan in subplans(plan):
        head = style(f"plan {short(name)}", "bold")
        trees.append("\n".join((f"{head}  {title_of(subplan)}", *_drawn(_plan(subplan, style)))))
    return "\n\n".join(trees) + "\n"


def subplans(plan: Plan) -> list[tuple[str, Plan]]:
    """Every plan that runs inside of this one, each once, with the name under which it is met first."""
    found: dict[str, tuple[str, Plan]] = {}
    waiting = list(plan.subplans.items())
    while waiting:
        name, subplan = waiting.pop(0)
        if subplan.sha256 not in found:
            found[subplan.sha256] = (name, subplan)
            waiting += subplan.subplans.items()
    return list(found.values())


def _plan(plan: Plan, style: Style) -> tuple[_Branch, ...]:
    steps = _list(plan.steps, plan, style)
    if not plan.finally_:
        return steps
    return (*steps, _Branch(style("finally", "cyan"), (), _list(plan.finally_, plan, style)))


def _list(steps: Sequence[Step], plan: Plan, style: Style) -> tuple[_Branch, ...]:
    return tuple(_step(step, plan, style) for step in steps)


def _step(step: Step, plan: Plan, style: Style) -> _Branch:
    about = f"  {style(f'# {short(step.description)}', 'dim')}" if step.description else ""
    more = [style(mark, "yellow") for mark in (*waits(step), *marks(step))]
    inner = [*_list(step.steps, plan, style), *_cases(step, plan, style)]
    for handler in step.on_error:
        if handler.steps:
            inner.append(_Branch(style(caught(handler), "red"), (), _list(handler.steps, plan, style)))
        else:
            more.append(style(f"{caught(handler)}: {instead(handler)}", "red"))
    return _Branch(f"{style(step.id, 'bold')}  {does(step, plan)}{about}", tuple(more), tuple(inner))


def _cases(step: Step, plan: Plan, style: Style) -> Iterator[_Branch]:
    for case in step.cases:
        head = "else" if case.when is None else f"when {short(case.when)}"
        yield _Branch(style(head, "yellow"), (), _list(case.steps, plan, style))


def _drawn(branches: Sequence[_Branch], indent: str = "") -> Iterator[str]:
    for place, branch in enumerate(branches):
        last = place == len(branches) - 1
        yield f"{indent}{'└─ ' if last else '├─ '}{branch.line}"
        below = indent + ("   " if last else "│  ")
        for line in branch.more:
            yield f"{below}{'│' if branch.inner else ' '}    {line}"
        yield from _drawn(branch.inner, below)
