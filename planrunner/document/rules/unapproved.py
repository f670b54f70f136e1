"""What nobody can take back is done only after a person has said yes."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.approval import Approvals, path_to
from planrunner.document.effects import Call, calls
from planrunner.document.problem import Problem
from planrunner.document.tree import text_of
from planrunner.document.view import Document, StepView
from planrunner.plan import UnapprovedCall


def check(document: Document) -> Iterator[Problem]:
    """Every call of an irreversible tool to which some path leads without an approval that counts."""
    approvals = Approvals(document)
    told: set[int] = set()
    for call in _unapproved(document, approvals):
        if id(call.tool) not in told:  # an agent's list serves many tasks
            told.add(id(call.tool))
            yield document.problem(call.tool, "unapproved", _message(call, approvals))
    for step in document.steps:
        gate = approvals.seems_to_pass(step) if step.verb == "plan" else None
        found = None if gate is None else next(_open_inside(document, step, approvals), None)
        if gate is not None and found is not None:
            yield document.problem(step.node.entries["plan"].value, "unapproved", _not_from_outside(gate, *found))


def unapproved_calls(document: Document) -> tuple[UnapprovedCall, ...]:
    """The same, for those who know of more hooks than the file does."""
    approvals = Approvals(document)
    found = _unapproved(document, approvals)
    return tuple(
        UnapprovedCall(
            step=call.step.name,
            names=approvals.names(call),
            guards=approvals.code_guards(call),
            where=f"{document.source.name}:{call.tool.line}:{call.tool.column}",
        )
        for call in found
    )


def approves_inside(document: Document) -> bool:
    """Whether the hooks of a plan have every call approved that its sub-plans leave open."""
    approvals = Approvals(document)
    plans = (plan for subplan in document.subplans.values() for plan in subplan.walk_plans())
    return all(approvals.counts_inside(call) for plan in plans for call in plan.unapproved)


def _open_inside(document: Document, step: StepView, approvals: Approvals) -> Iterator[tuple[UnapprovedCall, str]]:
    """The calls that are made inside of a `plan` step without approval, and the way to each through the steps."""
    plan = document.subplans.get(text_of(step.node.get("plan")) or "")
    heap = [] if plan is None else [(plan, step.name)]
    known: set[int] = set()
    while heap:
        plan, way = heap.pop()
        known.add(id(plan))
        yield from ((call, f"{way}/{call.step}") for call in plan.unapproved if not approvals.counts_inside(call))
        inner = ((plan.subplans[each.value], f"{way}/{each.id}") for each in plan.walk() if each.verb == "plan")
        heap += [each for each in inner if id(each[0]) not in known]


def _not_from_outside(gate: str, call: UnapprovedCall, way: str) -> str:
    tool = call.names[0]
    return (
        f"{tool!r}, which nobody can take back, is called on the path {way} ({call.where}), and {gate!r} does not count"
        " for it: a gate approves calls of its own plan alone; put the gate into that plan, or let a person approve"
        f" each call from here: add {{use: clarify_on_tool_calls, with: {{tools: [{tool}]}}}} to hooks.before_tool_call"
    )


def _unapproved(document: Document, approvals: Approvals) -> Iterator[Call]:
    if document.first_unread() is not None or not document.has_few_hooks:
        return  # such a plan is refused as it is, and is more than anybody would look at
    for call in calls(document):
        if approvals.is_grave(call) and not _is_at_the_end(call) and not approvals.counts(call):
            yield call


def _is_at_the_end(call: Call) -> bool:
    """Under `finally` such a tool is refused altogether, by another rule."""
    return call.step.path[0] == "finally"


def _message(call: Call, approvals: Approvals) -> str:
    tool = str(call.tool.value)
    by = f"the agent of {call.step.name!r} may call {tool!r}" if call.by_agent else f"{call.step.name!r} calls {tool!r}"
    why = approvals.why_not(call)
    reason = "" if why is None else f"; {why}"
    return (
        f"{by}, which nobody can take back, without approval on the path {path_to(call)}{reason}; let a person approve "
        f"each call: add {{use: clarify_on_tool_calls, with: {{tools: [{tool}]}}}} to hooks.before_tool_call"
        + ("" if call.by_agent or "needs" in (why or "") else ", or a user_verification step before it")
    )
