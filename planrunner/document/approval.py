"""The proof that a person says yes before a call that nobody can take back, as far as the file tells.

Three things count: a hook that asks before the call (`guards`); for the call of a `tool` step also a gate, a step that
fails unless a person says yes, which surely ended before it; or a choice, whose answer the `when` of the step demands.
A gate or choice approves one call, so it must be asked anew for each item and round in which the call is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from planrunner.document.effects import Call, Tools
from planrunner.document.guards import Guards
from planrunner.document.rules.scope import is_always
from planrunner.document.tree import ListNode, MapNode, Node, plain, text_of
from planrunner.document.view import Document, StepList, StepView
from planrunner.plan import UnapprovedCall
from planrunner.template.outcomes import demanded

_GATES: Final = ("user_verification", "value_confirmation")
_OUTPUT: Final = ("steps", "output")
_LOOKED_AT: Final = 32
"""So many gates above a call, and steps of the way to it, are looked at in each list: the nearest."""
_SHOWN: Final = 3
"""So many steps of each list are shown of the way to a call."""


class Place(NamedTuple):
    """A step that stands around a call, or makes it, in the same iteration as the call.

    whens  the conditions under which the call is made there, `when` of the step and of its case
    """

    step: StepView
    whens: tuple[str, ...]


class Approvals:
    """Who approves what in one plan."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._tools = Tools(document)
        self._guards = Guards(document)
        self._gates: dict[StepList, list[StepView]] = {}
        self._holding: dict[StepView, str | None] = {}

    def is_grave(self, call: Call) -> bool:
        """Whether the call is known to be one that nobody can take back."""
        return self._tools.is_irreversible(str(call.tool.value))

    def names(self, call: Call) -> tuple[str, ...]:
        """By which hooks may mean the tool of this call."""
        return self._tools.names(str(call.tool.value))

    def counts(self, call: Call) -> bool:
        """Whether a person surely approves the call before it is made."""
        if self._guards.approve(call, self.names(call)):
            return True
        if call.by_agent:
            return False
        places = list(_places(call.step))
        return any(self._passes_gate(place.step) for place in places) or any(
            self._is_chosen(when, place, places) for place in places for when in place.whens
        )

    def counts_inside(self, call: UnapprovedCall) -> bool:
        """Whether the hooks of the plan surely have this call of a sub-plan approved."""
        return self._guards.approve_anywhere(call.names)

    def seems_to_pass(self, step: StepView) -> str | None:
        """The nearest gate or choice that a person has surely come to before the step; None when there is none."""
        current: StepView | None = step
        while current is not None:
            for gate in reversed(self._gates_of(current.within)[-_LOOKED_AT:]):
                if gate is not current and current.within.order.has_ended(gate.index, current.index):
                    return gate.name
            current = current.within.owner
        asked = (names[1] for when in _whens(step) for names, _ in demanded(when) if names[::2] == _OUTPUT)
        return next((name for name in asked if self._is_choice(name)), None)

    def _is_choice(self, name: str) -> bool:
        step = self._document.by_id.get(name)
        return step is not None and _type_of(step) == "multiple_choice"

    def why_not(self, call: Call) -> str | None:
        """The nearest thing that looks like an approval and is none, and why; None when nothing does."""
        why = self._guards.why_not(call, self.names(call))
        if why is None and call.by_agent:
            gates = self._gates_of(call.step.within)
            return f"{gates[0].name!r} is asked once, however often an agent calls its tools" if gates else None
        return why or self._why_no_gate(call.step)

    def code_guards(self, call: Call) -> tuple[str, ...]:
        """The functions that surely fire before the call: a policy may say that they approve."""
        return self._guards.code(call, self.names(call))

    def _passes_gate(self, step: StepView) -> bool:
        """Whether a gate in the list of this step has surely been passed when it starts."""
        order = step.within.order
        gates = reversed(self._gates_of(step.within)[-_LOOKED_AT:])
        return any(
            gate is not step and order.has_ended(gate.index, step.index) and self._holds(gate) is None for gate in gates
        )

    def _gates_of(self, steps: StepList) -> list[StepView]:
        """The steps of a list that are a gate, or hold one."""
        known = self._gates.get(steps)
        if known is None:
            known = self._gates[steps] = [step for step in steps.steps if _has_gate(step)]
        return known

    def _holds(self, step: StepView) -> str | None:
        """None for a gate that nothing gets around; else why it, or the container it stands in, is none."""
        if step not in self._holding:
            self._holding[step] = self._why_open(step)
        return self._holding[step]

    def _why_open(self, step: StepView) -> str | None:
        for key, reason in _LETS_PASS.items():
            if key in step.node.entries and not (key == "when" and is_always(step.node.get("when"), True)):
                return reason
        if self._guards.may_skip(step):
            return "a 'skip_step' hook may leave it out"
        if step.verb == "clarify":
            return None
        if step.verb == "steps":
            return self._why_list_open(step.lists[0]) if step.lists else "it asks nobody"
        cases = [each for each in step.lists if each.role == "case"]
        if not _has_else(step) or len(cases) < _case_count(step):
            return "it may be that none of its cases holds"
        return next((why for each in cases if (why := self._why_list_open(each)) is not None), None)

    def _why_list_open(self, steps: StepList) -> str | None:
        """None when a gate stands in the list that nothing gets around."""
        whys = [self._holds(step) for step in self._gates_of(steps)]
        return None if None in whys else next(iter(whys), "not every case of it asks")

    def _why_no_gate(self, step: StepView) -> str | None:
        inside = {place.step for place in _places(step)}
        current: StepView | None = step
        while current is not None:
            for gate in reversed(self._gates_of(current.within)[-_LOOKED_AT:]):
                why = self._why_not_this(gate, current, current in inside) if gate is not current else None
                if why is not None:
                    return f"{gate.name!r} does not count: {why}"
            current = current.within.owner
        return None

    def _why_not_this(self, gate: StepView, step: StepView, same: bool) -> str | None:
        order = step.within.order
        if not order.has_ended(gate.index, step.index):
            above = gate.index < step.index
            return f"{step.name!r} does not wait for it (add it to the 'needs' of {step.name!r})" if above else None
        return self._holds(gate) or (None if same else "it is asked once, and the call is made again and again")

    def _is_chosen(self, when: str, place: Place, places: list[Place]) -> bool:
        """Whether the condition demands an answer that only a person can have given."""
        return any(
            len(names) == 3 and names[::2] == _OUTPUT and self._only_a_person(names[1], answer, place, places)
            for names, answer in demanded(when)
        )

    def _only_a_person(self, asked: str, answer: str, place: Place, places: list[Place]) -> bool:
        choice = self._document.by_id.get(asked)
        if choice is None or _type_of(choice) != "multiple_choice" or "foreach" in choice.node.entries:
            return False
        above = places[places.index(place) :]
        around = next((other.step for other in above if other.step.within is choice.within), None)
        if around is None or not choice.within.order.has_ended(choice.index, around.index):
            return False
        return not _may_give_itself(choice, answer)


_LETS_PASS: Final = {
    "when": "its 'when' may leave it out",
    "foreach": "for an empty list it asks nobody",
    "on_error": "its 'on_error' may handle a no, or that nobody answers",
}
"""Keys of a gate, or of a container around it, with which the steps after it may start without a yes."""


def _places(step: StepView) -> Iterator[Place]:
    """The step and the containers around it, from the inside out, up to where the call is made again and again."""
    current: StepView | None = step
    inner: StepList | None = None
    while current is not None:
        repeats = "repeat" in current.node.entries and (inner is None or inner.role != "on_error")
        if repeats or "foreach" in current.node.entries:
            return
        yield Place(current, tuple(_whens(current)))
        inner = current.within
        current = inner.owner


def _whens(step: StepView) -> Iterator[str]:
    """What must be true for this step to be run, as far as the step, or the case it stands in, says it."""
    nodes = [step.node.get("when")]
    owner, path = step.within.owner, step.within.path
    if step.within.role == "case" and owner is not None:
        cases = owner.node.get("switch")
        case = cases.items[int(path[-2])] if isinstance(cases, ListNode) else None
        nodes.append(case.get("when") if isinstance(case, MapNode) else None)
    yield from (text for node in nodes if (text := text_of(node)) is not None)


def _has_gate(step: StepView) -> bool:
    """Whether it is a question that can only be answered with a yes, or a container with one in it."""
    if step.verb == "clarify":
        return _type_of(step) in _GATES
    inner = (each for each in step.lists if each.role in ("group", "case"))
    return step.verb in ("steps", "switch") and any(_has_gate(other) for each in inner for other in each.steps)


def _type_of(step: StepView) -> str | None:
    asked = step.node.get("clarify") if step.verb == "clarify" else None
    return text_of(asked.get("type")) if isinstance(asked, MapNode) else None


def _case_count(step: StepView) -> int:
    cases = step.node.get("switch")
    return len(cases.items) if isinstance(cases, ListNode) else 0


def _has_else(step: StepView) -> bool:
    cases = step.node.get("switch")
    last = cases.items[-1] if isinstance(cases, ListNode) and cases.items else None
    return isinstance(last, MapNode) and "when" not in last.entries


def _may_give_itself(choice: StepView, answer: str) -> bool:
    """Whether the choice can have this output without anybody choosing it."""
    asked = choice.node.get("clarify")
    on_timeout = asked.get("on_timeout") if isinstance(asked, MapNode) else None
    if isinstance(on_timeout, MapNode) and _may_be(on_timeout.get("answer"), answer):
        return True
    handlers = choice.node.get("on_error")
    entries = handlers.items if isinstance(handlers, ListNode) else []
    return any(_handler_may_give(entry, answer) for entry in entries)


def _handler_may_give(handler: Node, answer: str) -> bool:
    if not isinstance(handler, MapNode) or "output" not in handler.entries:
        return True
    return _may_be(handler.get("output"), answer)


def _may_be(node: Node | None, answer: str) -> bool:
    """Whether what is written there can come to be this answer; a template can be anything."""
    text = str(plain(node))
    return text == answer or any(mark in text for mark in ("{{", "{%"))


def path_to(call: Call) -> str:
    """The way through the plan to the call: `order → decide → each/pay`."""
    told: list[str] = []
    current: StepView | None = call.step
    while current is not None:
        above = current.within.steps[max(0, current.index - _LOOKED_AT) : current.index]
        before = [step.name for step in above if current.within.order.has_ended(step.index, current.index)]
        shown = ["…", *before[-_SHOWN:]] if len(before) > _SHOWN else before
        told = [*shown, current.name, *told]
        current = current.within.owner
    return " → ".join(told)
