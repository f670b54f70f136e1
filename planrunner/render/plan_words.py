"""What a step does, in words that every picture of a plan uses. All text is on one line and safe for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from planrunner.jsonsafe import dumps
from planrunner.plan import MISSING, Agent, ErrorHandler, HookEntry, Plan, Step
from planrunner.render.words import clip, count
from planrunner.termsafe import term_safe

COLUMNS: Final = 72
_GATES: Final = ("user_verification", "value_confirmation")
_ALLOW: Final = "allow_tool_calls"
_DENY: Final = "deny_tool_calls"
_DECIDE: Final = (_ALLOW, _DENY, "clarify_on_tool_calls", "clarify_on_all_tool_calls")
_STEP_WORDS: Final = {"steps": "group", "switch": "switch", "set": "set"}


def short(text: str, columns: int = COLUMNS) -> str:
    """The text in one line, cut where it is too long."""
    return clip(term_safe(" ".join(text.split())), columns)


def title_of(plan: Plan) -> str:
    """Name, version and description."""
    named = f"{plan.name} {plan.version}" if plan.version else plan.name
    return short(f"{named}: {plan.description}" if plan.description else named, 2 * COLUMNS)


def does(step: Step, plan: Plan) -> str:
    """What the verb does: `tool refund (irreversible), needs approval`."""
    if step.verb == "tool":
        return _tool(plan, step, step.value)
    if step.verb == "task":
        return _task(plan, step, plan.agent_of(step))
    if step.verb == "clarify":
        return _clarify(step.value)
    if step.verb == "plan":
        return f"plan {short(step.value)}"
    if step.verb == "exit":
        return f"exit {step.value['state']}"
    return _STEP_WORDS[step.verb]


def waits(step: Step) -> Iterator[str]:
    """For what it waits, where it says so; a picture has arrows for that."""
    if step.needs is not None:
        yield f"needs {', '.join(step.needs)}" if step.needs else "needs nothing: starts at once"


def marks(step: Step) -> Iterator[str]:
    """What stands around the verb, from the outside in; `waits` comes before it, and `caught` after it."""
    if step.when is not None:
        yield f"when {short(step.when)}"
    if step.foreach is not None:
        each = step.foreach
        at_once = f", {each.max_concurrent} at once" if each.max_concurrent > 1 else ""
        yield f"for each {each.as_} in {short(each.in_)}{at_once}"
    if step.repeat is not None:
        again = step.repeat
        apart = f", {again.delay:g}s apart" if again.delay else ""
        yield f"repeat until {short(again.until)}, {count(again.max, 'round')} at most{apart}"


def caught(handler: ErrorHandler) -> str:
    """For which errors a handler is."""
    return "on error" if handler.match is None else f"on error {', '.join(handler.match)}"


def instead(handler: ErrorHandler) -> str:
    """The output that a handler without steps puts in the step's place."""
    value = None if handler.output is MISSING else handler.output
    return f"output {short(value if isinstance(value, str) else dumps(value))}"


def _tool(plan: Plan, step: Step, name: str) -> str:
    entry = plan.tools.get(name)
    effect = f" ({entry.effect})" if entry is not None and entry.effect else ""
    verdict = _verdict(plan, step, name)
    return f"tool {term_safe(name)}{effect}{f', {verdict}' if verdict else ''}"


def _task(plan: Plan, step: Step, agent: Agent) -> str:
    who = f"agent {agent.name}" if agent.name else "an agent" if "agent" in step.options else "the default model"
    tools = []
    for name in agent.tools:
        verdict = _verdict(plan, step, name)
        tools.append(f"{term_safe(name)} ({verdict})" if verdict else term_safe(name))
    asks = ", may ask the end user" if agent.ask else ""
    return f"task for {who}{', with ' if tools else ''}{', '.join(tools)}{asks}"


def _clarify(question: Mapping[str, Any]) -> str:
    to = question.get("to", "end_user")
    whom = "the end user" if isinstance(to, str) else f"the role {short(to['role'])}"
    gate = ", a no fails the step" if question["type"] in _GATES else ""
    return f"ask {whom}: {question['type']}{gate}{_deadline(question)}"


def _deadline(question: Mapping[str, Any]) -> str:
    if "timeout" not in question:
        return ""
    then = question.get("on_timeout", "fail")
    told = "fails" if isinstance(then, str) else short(dumps(then["answer"]))
    return f", after {question['timeout']}: {told}"


def _verdict(plan: Plan, step: Step, tool: str) -> str | None:
    """What the plan's own hooks say to calls of this tool in this step; None: nothing, or that they may be made.

    The first hook that decides speaks; after one that does so only at times, the next may speak too.
    """
    told, allowed_at_times = [], False
    for entry in plan.hooks:
        if entry.point == "before_tool_call" and entry.use in _DECIDE and _fits(entry, plan, step, tool):
            always = _is_sure(entry, step)
            if entry.use != _ALLOW:
                word = "denied" if entry.use == _DENY else "needs approval"
                told.append(word if always and not allowed_at_times else f"{word} at times")
            allowed_at_times |= entry.use == _ALLOW
            if always:
                break
    return ", ".join(told) or None


def _is_sure(entry: HookEntry, step: Step) -> bool:
    """Whether it speaks at every call. What effect a tool has may be known in a run only."""
    always = entry.when is None and not entry.match.keys() & {"args", "effect"}
    return always and _meets(entry.match.get("step"), (step.id, step.path))


def _fits(entry: HookEntry, plan: Plan, step: Step, tool: str) -> bool:
    """Whether it may speak at a call: a glob may also mean single items and rounds of a step."""
    known = plan.tools.get(tool)
    names = (tool,) if known is None or known.use is None else (tool, known.use)
    wanted = (entry.with_.get("tools"), entry.match.get("tool"))
    looped = (f"{step.path}[0]", step.path.replace("/", "[0]/"), f"{step.path.replace('/', '[0]/')}[0]")
    places = (step.id, step.path, *looped)
    return all(_meets(globs, names) for globs in wanted) and _meets(entry.match.get("step"), places)


def _meets(globs: Any, names: Iterable[str]) -> bool:
    if globs is None:
        return True
    every = map(str, globs if isinstance(globs, list) else [globs])
    return any(fnmatchcase(name, glob) for glob in every for name in names)
