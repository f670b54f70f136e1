"""A binding in `hooks` is for something: one whose tool or step does not exist guards nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import islice
from typing import Final

from planrunner.document.problem import Problem
from planrunner.document.rules.scope import texts
from planrunner.document.source import MapNode, Node
from planrunner.document.tree import text_of
from planrunner.document.view import Document
from planrunner.document.words import near
from planrunner.plan import Plan
from planrunner.template import is_template
from planrunner.tools.builtin import BUILTIN

_LISTED: Final = 12


def check(document: Document) -> Iterator[Problem]:
    """Every glob of `match.tool`, `match.step` and `with.tools` that no name of the plan meets."""
    plans = [text_of(step.node.get("plan")) for step in document.steps if step.verb == "plan"]
    if not document.bindings or not document.has_few_hooks or any(plan not in document.subplans for plan in plans):
        return  # what stands in a plan that is not valid nobody knows yet
    inside = [plan for subplan in document.subplans.values() for plan in subplan.walk_plans()]
    tools = dict.fromkeys((*_tools(document), *_tools_inside(inside)))
    steps = dict.fromkeys((*document.by_id, *(step.id for plan in inside for step in plan.walk())))
    for binding in document.bindings:
        match, settings = binding.get("match"), binding.get("with")
        if isinstance(match, MapNode):
            yield from _unmet(document, match.get("tool"), tools, "tool")
            if not any("/" in str(glob.value) for glob in texts(match.get("step"))):
                yield from _unmet(document, match.get("step"), steps, "step")
        if isinstance(settings, MapNode) and (text_of(binding.get("use")) or "").endswith("_tool_calls"):
            yield from _unmet(document, settings.get("tools"), tools, "tool")


def _unmet(document: Document, node: Node | None, names: Collection[str], what: str) -> Iterator[Problem]:
    for glob in texts(node):
        name = str(glob.value)
        if not is_template(name) and name not in names and not any(fnmatchcase(each, name) for each in names):
            advice = near(name, names) or f"; name one of: {_listed(names)}"
            message = f"no {what} of this plan is meant by {glob.value!r}, so the hook would never fire{advice}"
            yield document.problem(glob, "matches-nothing", message)


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{', '.join(islice(names, _LISTED))}{more}" if names else "none"


def _tools(document: Document) -> Iterator[str]:
    """Every name and origin of a tool that the plan can call."""
    for name, entry in document.table("tools").entries.items():
        yield name
        if isinstance(entry.value, MapNode) and (use := text_of(entry.value.get("use"))):
            yield use
    for step in document.steps:
        if step.verb == "tool" and (called := text_of(step.node.get("tool"))):
            yield called
        yield from _of_agent(step.node.get("agent"))
    for entry in document.table("agents").entries.values():
        yield from _of_agent(entry.value)
    yield from BUILTIN


def _tools_inside(plans: Iterable[Plan]) -> Iterator[str]:
    """The same for sub-plans, to whose calls the hooks of the plan apply as well."""
    for plan in plans:
        for name, entry in plan.tools.items():
            yield from (name, entry.use or name)
        agents = (*plan.agents.values(), *(plan.agent_of(step) for step in plan.walk() if step.verb == "task"))
        yield from (name for agent in agents for name in agent.tools)
        yield from (step.tool_id for step in plan.walk() if step.tool_id is not None)


def _of_agent(node: Node | None) -> Iterator[str]:
    if isinstance(node, MapNode):
        yield from (str(glob.value) for glob in texts(node.get("tools")))
