"""What nobody can take back is done only after a person has said yes."""

from __future__ import annotations

from collections.abc import Iterator

from planrunner.document.approval import Approvals, path_to
from planrunner.document.effects import Call, calls
from planrunner.document.problem import Problem
from planrunner.document.view import Document
from planrunner.plan import UnapprovedCall


def check(document: Document) -> Iterator[Problem]:
    """Every call of an irreversible tool to which some path leads without an approval that counts."""
    approvals = Approvals(document)
    told: set[int] = set()
    for call in _unapproved(document, approvals):
        if id(call.tool) not in told:  # an agent's list serves many tasks
            told.add(id(call.tool))
            yield document.problem(call.tool, "unapproved", _message(call, approvals))


def unapproved_calls(document: Document) -> tuple[UnapprovedCall, ...]:
    """The same, for those who know of more hooks than the file does."""
    approvals = Approvals(document)
    found = _unapproved(document, approvals)
    return tuple(UnapprovedCall(call.step.name, approvals.names(call), approvals.code_guards(call)) for call in found)


def approves_inside(document: Document) -> bool:
    """Whether the hooks of a plan have every call approved that its sub-plans leave open."""
    approvals = Approvals(document)
    plans = (plan for subplan in document.subplans.values() for plan in subplan.walk_plans())
    return all(approvals.counts_inside(call) for plan in plans for call in plan.unapproved)


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
