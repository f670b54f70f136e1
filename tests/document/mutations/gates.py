"""A gate left out: a person is asked no more before a call that nobody can take back.

Right line: that of each such call, where the tool is named by the step, or by the agent that may call it.

Two ways. `opened`: of a plan in which one thing alone asks before the call, this is taken out, or asks nobody any more.
`unguarded`: a plan that asks nobody, with a tool declared irreversible: the plan `guarded` without its guard. As few
plans have an irreversible tool, the tools that are called are declared so in both, one by one.

Equivalent, and left out: what another question or guard in the plan may approve, or what the one that is taken out did
not surely approve; tools that are called under `finally`, where such are refused altogether; agents that no task names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import yaml

from tests.document.mutations.corpus import Plan
from tests.document.mutations.dropped import references, span
from tests.document.mutations.reading import Key, Mutant, changed, line_of, read

_ASKING: Final = ("user_verification", "value_confirmation", "multiple_choice")
_GUARDING: Final = ("clarify_on_tool_calls", "clarify_on_all_tool_calls", "deny_tool_calls", "allow_tool_calls")


def mutants(plan: Plan) -> Iterator[Mutant]:
    """All of the plan, in the three ways."""
    keys = read(plan.text)
    approving = list(_approving(keys))
    for tool in _called(keys):
        text = _declared(plan, keys, tool)
        if text is not None and len(approving) == 1 and _surely(keys, approving[0], tool):
            yield from _opened(replace(plan, text=text), tool)
        elif text is not None and not approving and not any(key.path == ("hooks",) for key in keys):
            yield Mutant(plan, f"unguarded {tool}", text, _lines(text, tool))


def guarded(plan: Plan, tool: str) -> str | None:
    """The plan with the tool declared irreversible, and a hook that has each call approved."""
    raised = _declared(plan, read(plan.text), tool)
    hook = f"{{use: clarify_on_tool_calls, with: {{tools: [{tool}]}}}}"
    return None if raised is None else f"{raised}\nhooks: {{before_tool_call: [{hook}]}}\n"


def _approving(keys: list[Key]) -> Iterator[Key]:
    """The steps and bindings that ask a person, or speak about a call."""
    for key in keys:
        if not isinstance(key.value, yaml.ScalarNode):
            continue
        if key.role == "clarify" and key.word == "type" and key.value.value in _ASKING:
            yield _item(keys, key.path[:-2])
        elif key.role == "binding" and key.word == "use" and (key.value.value in _GUARDING or ":" in key.value.value):
            yield _item(keys, key.path[:-1])


def _item(keys: list[Key], path: tuple[str | int, ...]) -> Key:
    return next(key for key in keys if key.path == path)


def _calls(keys: list[Key]) -> Iterator[Key]:
    """Where a tool is named that may be called: by a step, or by an agent that a task names or holds."""
    named = {str(key.value.value) for key in keys if key.role == "step" and key.path[-1] == "agent"}
    for key in keys:
        if not isinstance(key.value, yaml.ScalarNode) or key.path[0] == "finally":
            continue
        of_agent = key.role == "agent" and key.path[-2] == "tools"
        if (key.role, key.path[-1]) == ("step", "tool") or (
            of_agent and {key.path[0], key.path[1]} & {"steps", *named}
        ):
            yield key


def _called(keys: list[Key]) -> list[str]:
    """The tools that are called, but not under `finally`."""
    at_the_end = {str(key.value.value) for key in keys if key.path[0] == "finally" and key.path[-1] == "tool"}
    return sorted({str(key.value.value) for key in _calls(keys)} - at_the_end)


def _surely(keys: list[Key], approving: Key, tool: str) -> bool:
    """Whether it asks before each call of the tool: a hook that names it, or a step above in a list without `needs`."""
    below = [key for key in keys if key.path[: len(approving.path)] == approving.path]
    fields = {str(key.path[-1]) for key in below if len(key.path) == len(approving.path) + 1}
    if approving.path[0] == "hooks":
        return not fields & {"when", "match"} and tool in _texts(below)
    loops = any(key.role == "step" and key.path[-1] in ("needs", "foreach", "repeat") for key in keys)
    asked = next(key.value.value for key in below if key.path == (*approving.path, "clarify", "type"))
    if len(approving.path) > 2 or loops or asked == "multiple_choice" or fields & {"when", "on_error"}:
        return False
    calls = [key for key in _calls(keys) if key.value.value == tool]
    return all(key.role == "step" and int(key.path[1]) > int(approving.path[1]) for key in calls)


def _texts(keys: list[Key]) -> set[str]:
    return {str(key.value.value) for key in keys if key.key is None}


def _lines(text: str, tool: str) -> tuple[frozenset[int], ...]:
    calls = [key for key in _calls(read(text)) if key.value.value == tool]
    return tuple(frozenset((line_of(text, key.value.start_mark.index),)) for key in calls)


def _opened(plan: Plan, tool: str) -> Iterator[Mutant]:
    keys = read(plan.text)
    for text in _without(plan, keys, next(_approving(keys))):
        yield Mutant(plan, f"opened {tool}", text, _lines(text, tool))


def _without(plan: Plan, keys: list[Key], approving: Key) -> Iterator[str]:
    whole = _item(keys, approving.path[:-1])
    if len(whole.value.value) > 1:
        start, end = span(plan.text, whole.value, int(approving.path[-1]))
        ids = {str(key.value.value) for key in keys if key.path == (*approving.path, "id")}
        if not any(True for _ in references(plan.text, keys, ids)):
            yield changed(plan.text, start, end, "")
    clarify = next((key for key in keys if key.path == (*approving.path, "clarify")), None)
    if clarify is not None and clarify.key is not None:
        yield changed(plan.text, clarify.key.start_mark.index, _end(plan.text, clarify.value), "set: true")
    else:
        yield changed(plan.text, approving.value.start_mark.index, _end(plan.text, approving.value), _IDLE)


_IDLE: Final = "{use: fail, when: 1 == 2}"
"""A binding that asks nobody."""


def _end(text: str, node: yaml.Node) -> int:
    """Where a value ends, without the line break and the indent that follow a block."""
    end = node.end_mark.index
    return len(text[:end].rstrip()) if text[:end].rstrip() != text[:end] else end


def _declared(plan: Plan, keys: list[Key], tool: str) -> str | None:
    """The plan with the tool declared irreversible; None where its declaration has an odd form."""
    effect = next((key for key in keys if key.path == ("tools", tool, "effect")), None)
    if effect is not None:
        return changed(plan.text, effect.value.start_mark.index, effect.value.end_mark.index, "irreversible")
    entry = next((key for key in keys if key.path == ("tools", tool)), None)
    tools = next((key for key in keys if key.path == ("tools",)), None)
    if entry is not None:
        start = entry.value.start_mark.index
        if plan.text[start] == "{":
            return changed(plan.text, start + 1, start + 1, "effect: irreversible, ").replace(", }", "}")
        return changed(plan.text, start, start, f"effect: irreversible\n{' ' * entry.value.start_mark.column}")
    if tools is not None:
        start = tools.value.start_mark.index
        more = f"{tool}: {{effect: irreversible}}"
        if plan.text[start] == "{":
            return changed(plan.text, start + 1, start + 1, more + ", ")
        return changed(plan.text, start, start, more + "\n" + " " * tools.value.start_mark.column)
    return f"{plan.text}\ntools: {{{tool}: {{effect: irreversible}}}}\n"
