"""The types of what steps give: the output of each, as far as the plan tells."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from planrunner.document.rules.scope import is_always
from planrunner.document.rules.wrong_args import builtin_of
from planrunner.document.schema_types import of_schema
from planrunner.document.source import ListNode, MapNode, plain
from planrunner.document.tree import text_of
from planrunner.document.types import (
    ANY,
    NO_CASE,
    NO_OUTPUT,
    SKIPPED,
    TEXT,
    Type,
    gap,
    list_of,
    made,
    one_of,
    union,
)
from planrunner.document.view import Document, StepList, StepView
from planrunner.registry import load
from planrunner.tools.builtin import BUILTIN

if TYPE_CHECKING:
    from planrunner.document.typed import Types

_CONFIRMED: Final = ("user_verification", "value_confirmation", "action")


class Outputs:
    """The outputs of one plan's steps. What is asked for while it is being worked out is ANY."""

    def __init__(self, document: Document, types: Types) -> None:
        self._document = document
        self._types = types
        self._known: dict[tuple[StepView, bool], Type] = {}
        self._of_tools: dict[str, Type] = {}

    def of(self, step: StepView) -> Type:
        """What is read of the step when it has ended."""
        return self._once(step, False)

    def of_round(self, step: StepView) -> Type:
        """What its verb gives: of one item, in one round."""
        return self._once(step, True)

    def _once(self, step: StepView, round_only: bool) -> Type:
        key = (step, round_only)
        if key not in self._known:
            self._known[key] = ANY
            self._known[key] = self._of_verb(step) if round_only else self._whole(step)
        return self._known[key]

    def _whole(self, step: StepView) -> Type:
        """From the inside out: verb, `on_error`, `foreach`, `when`."""
        one = union(self.of_round(step), *self._handled(step))
        if "foreach" in step.node.entries:
            one = list_of(partial(_itself, one))
        return union(one, gap(step.name, SKIPPED)) if is_skippable(step) else one

    def _handled(self, step: StepView) -> Iterator[Type]:
        handlers = step.node.get("on_error")
        lists = {each.path[:-1]: each for each in step.lists}
        for number, handler in enumerate(handlers.items if isinstance(handlers, ListNode) else ()):
            path = (*step.path, "on_error", number)
            if path in lists:
                yield union(*self.last(lists[path], gap(step.name, NO_OUTPUT)))
            elif isinstance(handler, MapNode) and "output" in handler.entries:
                yield self._types.of_node(handler.get("output"), (*path, "output"))
            else:
                yield ANY

    def last(self, steps: StepList, nothing: Type) -> Iterator[Type]:
        """The outputs of which one is that of the last step that ran; `nothing` when it may be that none did."""
        for step in reversed(steps.steps):
            if step.verb != "exit":
                yield self.of(step) if not is_skippable(step) else _without_gap(self.of(step), step)
            if step.node.get("when") is None:
                return
        yield nothing

    def _of_verb(self, step: StepView) -> Type:
        work = _VERBS.get(step.verb or "")
        return ANY if work is None else work(self, step)

    def _task(self, step: StepView) -> Type:
        from planrunner.document.typed import declared

        return declared(step.node.get("returns")) if "returns" in step.node.entries else TEXT

    def _tool(self, step: StepView) -> Type:
        name = text_of(step.node.get("tool"))
        if name is None or self._document.handed is not None or not self._document.tells("tools"):
            return ANY
        if name not in self._of_tools:
            self._of_tools[name] = self._of_tool(name)
        return self._of_tools[name]

    def _of_tool(self, name: str) -> Type:
        entry = self._document.table("tools").get(name)
        own = entry.get("output_schema") if isinstance(entry, MapNode) else None
        if own is not None:
            return of_schema(plain(own))
        builtin = builtin_of(name, entry)
        return of_schema(load(BUILTIN[builtin]).output_schema, builtin=True) if builtin else ANY

    def _clarify(self, step: StepView) -> Type:
        from planrunner.document.typed import declared

        asked = step.node.get("clarify")
        if not isinstance(asked, MapNode):
            return ANY
        kind = text_of(asked.get("type"))
        if kind in _CONFIRMED:
            return one_of((True,))
        if kind == "multiple_choice":
            answer = self._types.of_node(asked.get("options"), (*step.path, "clarify", "options")).item()
        else:
            answer = (
                declared(asked.get("fields")) if "fields" in asked.entries else of_schema(plain(asked.get("schema")))
            )
        late = asked.get("on_timeout")
        if isinstance(late, MapNode):
            return union(
                answer, self._types.of_node(late.get("answer"), (*step.path, "clarify", "on_timeout", "answer"))
            )
        return answer

    def _plan(self, step: StepView) -> Type:
        final = self._document.finals.get(text_of(step.node.get("plan")) or "")
        return ANY if final is None else final()

    def _set(self, step: StepView) -> Type:
        return self._types.of_node(step.node.get("set"), (*step.path, "set"))

    def _group(self, step: StepView) -> Type:
        inner = [each for steps in step.lists if steps.role == "group" for each in steps.steps]
        return made({each.name: partial(self.of, each) for each in inner})

    def _switch(self, step: StepView) -> Type:
        cases = [each for each in step.lists if each.role == "case"]
        node = step.node.get("switch")
        written = node.items if isinstance(node, ListNode) else []
        if not cases or len(cases) != len(written):
            return ANY
        nothing = gap(step.name, NO_CASE)
        found = [each for steps in cases for each in self.last(steps, nothing)]
        last = written[-1]
        has_else = isinstance(last, MapNode) and ("when" not in last.entries or is_always(last.get("when"), True))
        return union(*found) if has_else else union(*found, nothing)


def _itself(told: Type) -> Type:
    return told


def is_skippable(step: StepView) -> bool:
    """Whether the step may be passed over by its own `when`."""
    return "when" in step.node.entries and not is_always(step.node.get("when"), True)


def _without_gap(whole: Type, step: StepView) -> Type:
    """Where the step counts only if it ran."""
    return Type(tuple(shape for shape in whole.shapes if shape.gap is None or shape.gap.step != step.name))


_VERBS: Final = {
    "task": Outputs._task,
    "tool": Outputs._tool,
    "clarify": Outputs._clarify,
    "plan": Outputs._plan,
    "set": Outputs._set,
    "steps": Outputs._group,
    "switch": Outputs._switch,
}
