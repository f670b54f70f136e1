"""Hooks that decide about tool calls, as far as a file and a policy tell which calls they are for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import Any, Final

from planrunner.document.effects import IRREVERSIBLE, Call
from planrunner.document.rules.scope import where
from planrunner.document.tree import ListNode, MapNode, Node, plain, text_of
from planrunner.document.view import Document, StepView
from planrunner.plan import HookEntry
from planrunner.scripted import names_of

_POINT: Final = "before_tool_call"
_STEPS: Final = "before_step_execution"
_ALLOWS: Final = "allow_tool_calls"
_FOR_ALL: Final = "clarify_on_all_tool_calls"
_SPEAKERS: Final = ("clarify_on_tool_calls", _FOR_ALL, "deny_tool_calls")
_WILD: Final = re.compile(r"[*?\[]")
_NUMBERS: Final = (*"0123456789", "10", "98765432109876543210")
"""For each number of an item or round in a path: a glob that matches them all was meant for all."""


class Globs:
    """Globs of which any may match; without any, everything is meant."""

    def __init__(self, globs: Iterable[str]) -> None:
        self.all: Final = tuple(globs)
        self._wild: Final = tuple(glob for glob in self.all if _WILD.search(glob))
        self._names: Final = frozenset(self.all).difference(self._wild)

    def match(self, names: Iterable[str]) -> bool:
        """Whether any of the names is meant."""
        if not self.all or not self._names.isdisjoint(names):
            return True
        return any(fnmatchcase(name, glob) for glob in self._wild for name in names)


@dataclass(frozen=True, slots=True)
class Guard:
    """A binding before tool calls.

    use    the hook
    tools  what the hook itself is about
    when   what makes it fire for some of the calls only, in words; None: it fires for all that match
    place  where it stands in the file; None for one of a policy
    """

    use: str
    tools: Globs
    tool: Globs
    step: Globs
    effect: Globs
    when: str | None
    place: str | None

    def is_about(self, names: Iterable[str]) -> bool:
        """Whether it is for this tool."""
        return self.tools.match(names) and self.tool.match(names) and self.effect.match((IRREVERSIBLE,))

    @property
    def always(self) -> bool:
        """Whether it fires before every call of a tool it is for, wherever that is made."""
        return self.when is None and not self.step.all

    def surely_fires(self, call: Call) -> bool:
        """Whether it fires before every call that is made there of a tool it is for, whatever the args and the item."""
        return self.when is None and _surely_meant(self.step, call.step)

    def may_fire(self, call: Call) -> bool:
        """Whether it can fire before a call that is made there of a tool it is for."""
        return _may_be_meant(self.step, call.step)


class Guards:
    """The guards of a plan: its own list, and that of the policy it is held against.

    Where there are too many of its own, none is looked at: such a plan is refused.
    """

    def __init__(self, document: Document) -> None:
        self._own = tuple(_of_nodes(document, _POINT))
        self._policy = tuple(tuple(_of_entries(entries, _POINT)) for entries in document.policy.lists)
        hooks = (*_of_nodes(document, _STEPS), *_of_entries(document.policy.hooks, _STEPS))
        self._skipping = tuple(guard for guard in hooks if guard.use == "skip_step")
        self._approving = document.policy.approving_hooks
        self._about: dict[tuple[str, ...], tuple[tuple[Guard, ...], ...]] = {}

    def approve(self, call: Call, names: tuple[str, ...]) -> bool:
        """Whether one of them surely asks a person before the call, or denies it."""
        if any(_speaks(guards, call) for guards in self._lists(names)):
            return True
        return any(name in self._approving for name in self.code(call, names))

    def approve_anywhere(self, names: tuple[str, ...]) -> bool:
        """Whether one of them surely asks before every call of this tool, in sub-plans too."""
        for guards in self._lists(names):
            speakers = takewhile(lambda guard: guard.use != _ALLOWS, guards)
            if any(guard.use in _SPEAKERS and guard.always for guard in speakers):
                return True
        every = (guard for guards in self._lists(names) for guard in guards)
        return any(guard.use in self._approving and guard.always for guard in every)

    def code(self, call: Call, names: tuple[str, ...]) -> tuple[str, ...]:
        """The functions that surely fire before the call."""
        every = (guard for guards in self._lists(names) for guard in guards)
        return tuple(guard.use for guard in every if ":" in guard.use and guard.surely_fires(call))

    def _lists(self, names: tuple[str, ...]) -> tuple[tuple[Guard, ...], ...]:
        """Of each list the guards that are about this tool; the plan's own list is the last."""
        known = self._about.get(names)
        if known is None:
            lists = (*self._policy, self._own)
            known = tuple(tuple(guard for guard in guards if guard.is_about(names)) for guards in lists)
            self._about[names] = known
        return known

    def why_not(self, call: Call, names: tuple[str, ...]) -> str | None:
        """What stands in the way of the plan's first guard that asks about this tool; None when none does."""
        for guard in self._lists(names)[-1]:
            if guard.use in (_ALLOWS, *_SPEAKERS) and guard.may_fire(call):
                if guard.use == _ALLOWS:
                    return f"the {_ALLOWS} at {guard.place} stands first and may let it pass"
                if guard.when is not None:
                    return f"the {guard.use} at {guard.place} asks only where its {guard.when} holds"
            if guard.use in _SPEAKERS and not guard.surely_fires(call):
                return f"the {guard.use} at {guard.place} is not for every call of {call.step.name!r} (match.step)"
        return None

    def may_skip(self, step: StepView) -> bool:
        """Whether a hook may leave this step out."""
        return any(_may_be_meant(guard.step, step) for guard in self._skipping)


def _speaks(guards: Iterable[Guard], call: Call) -> bool:
    """Whether the first of a list that speaks about the call surely asks, or denies it."""
    for guard in guards:
        if guard.use == _ALLOWS and guard.may_fire(call):
            return False
        if guard.use in _SPEAKERS and guard.surely_fires(call):
            return True
    return False


def _of_nodes(document: Document, point: str) -> Iterator[Guard]:
    listed = document.table("hooks").get(point) if document.has_few_hooks else None
    for node in listed.items if isinstance(listed, ListNode) else ():
        if isinstance(node, MapNode) and (use := text_of(node.get("use"))) is not None:
            when = "when" if "when" in node.entries else None
            yield _guard(use, _map(node.get("with")), _map(node.get("match")), when, where(node))


def _of_entries(entries: Iterable[HookEntry], point: str) -> Iterator[Guard]:
    for entry in entries:
        if entry.point == point:
            yield _guard(entry.use, entry.with_, entry.match, None if entry.when is None else "when", None)


def _map(node: Node | None) -> Mapping[str, Any]:
    return plain(node) if isinstance(node, MapNode) else {}


def _guard(use: str, with_: Mapping[str, Any], match: Mapping[str, Any], when: str | None, place: str | None) -> Guard:
    tools = Globs(()) if use == _FOR_ALL or ":" in use else _globs(with_.get("tools"))
    tool, step, effect = (_globs(match.get(key)) for key in ("tool", "step", "effect"))
    return Guard(use, tools, tool, step, effect, "match.args" if match.get("args") else when, place)


def _globs(value: Any) -> Globs:
    if value is None:
        return Globs(())
    return Globs(map(str, value) if isinstance(value, list) else (str(value),))


def _surely_meant(globs: Globs, step: StepView) -> bool:
    """Whether the globs match the step in every item and round, as a run matches them: by its id, or by its path."""
    if globs.match((step.name,)):
        return True
    marked = "/".join(reversed(list(_marked(step))))
    paths = dict.fromkeys(marked.replace("\1", number) for number in _NUMBERS)
    return all(globs.match(tuple(names_of(path))) for path in paths)


def _marked(step: StepView) -> Iterator[str]:
    """The parts of its path from the inside out, with a mark for each number."""
    current: StepView | None = step
    inner: str | None = None
    while current is not None:
        item = "[\1]" if "foreach" in current.node.entries else ""
        # Steps that handle an error stand beside the rounds of what failed, not in one of them.
        in_round = "(\1)" if "repeat" in current.node.entries and inner != "on_error" else ""
        yield f"{current.name}{item}{in_round}"
        inner = current.within.role
        current = current.within.owner


def _may_be_meant(globs: Globs, step: StepView) -> bool:
    """Whether any of the globs can match the step in any item or round."""
    if globs.match((step.name,)):
        return True
    marked = "/".join(reversed(list(_marked(step))))
    if globs.match(tuple(names_of(marked.replace("\1", "0")))):
        return True
    fixed, loops, _ = marked.partition("\1")
    literal = (_WILD.split(glob, maxsplit=1)[0] for glob in globs.all)
    return bool(loops) and any(begins.startswith(fixed) or fixed.startswith(begins) for begins in literal)
