"""Grows plans at random, and shrinks them: every construct of the language inside of every other.

A plan grows as the data of its file. It names only what is certain to have ended before, so that the checker lets every
one pass; what goes wrong in it goes wrong while it runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from planrunner.document.beside import InSnapshot
from planrunner.document.load import load_document
from planrunner.plan import Plan

Draw = Callable[[st.SearchStrategy[Any]], Any]

TOOLS = ("look", "note", "fetch", "send", "work", "pay")
SLOW = ("fetch", "send")
"""Tools that can be stopped when they hang."""
_FAILURES = ("tool_soft_error", "tool_error", "crash", "schema_error", "asks")
_OF_MODELS = ("transient", "rate_limited", "timeout", "model_error", "schema_error")
_INSIDE = ("tool_soft_error", "tool_error", "asks")
_KINDS = (
    *("tool_soft_error", "tool_error", "schema_error", "template_error", "exhausted", "rejected", "exit"),
    *("transient", "rate_limited", "timeout", "model_error"),
)
_REPEATED = ("transient", "rate_limited", "timeout", "tool_soft_error", "tool_error", "model_error")
_DEEPEST = 3
_MOST_STEPS = 14

NUMBER, LIST, MAP = "number", "list", "map"
"""What an output is when it is not null."""


@dataclass(frozen=True)
class Case:
    """A plan, and what is done to its runs from outside.

    data      of its file
    files     those of its sub-plans, by name
    flag      its one input
    skipped   ids of steps that a hook skips
    spoiled   ids of steps after which a hook fails
    hooked    whether hooks stand around steps and calls at all
    """

    data: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    flag: bool
    skipped: tuple[str, ...]
    spoiled: tuple[str, ...]
    hooked: bool

    @cached_property
    def plan(self) -> Plan:
        """What is made of the files; it passes the checker."""
        files = {name: json.dumps(data, indent=1) for name, data in {"plan.yml": self.data, **self.files}.items()}
        text = files["plan.yml"].encode()
        loaded = load_document(text, "plan.yml", path=None, root=".", beside=InSnapshot(files))
        assert loaded.plan is not None, (loaded.problems, files)
        return loaded.plan


@dataclass(frozen=True)
class Seen:
    """What can be named at one place: outputs of steps, by id, with their kind; and the items of loops around."""

    outputs: Mapping[str, str]
    items: tuple[str, ...] = ()

    def of_kind(self, kind: str) -> list[str]:
        return [step_id for step_id, has in self.outputs.items() if has == kind]


class _Grower:
    """One plan while it grows. `aside`: whether steps and items may go on side by side."""

    def __init__(self, draw: Draw, aside: bool) -> None:
        self.draw = draw
        self.aside = aside
        self.number = 0
        self.ids: list[str] = []
        self.used: set[str] = set()
        self.files: dict[str, dict[str, Any]] = {}
        self.at_the_end = False

    def among(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def one_in(self, times: int) -> bool:
        """Shrinks to False."""
        return self.draw(st.integers(0, times - 1)) == times - 1

    def name(self, letter: str) -> str:
        self.number += 1
        return f"{letter}{self.number}"

    # lists

    def steps(self, seen: Seen, depth: int, most: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """A list of steps, and what kind of output each of them has."""
        steps: list[dict[str, Any]] = []
        kinds: dict[str, str] = {}
        certain: dict[str, set[str]] = {}
        for _ in range(self.draw(st.integers(1, most))):
            if steps and len(self.ids) >= _MOST_STEPS:
                break
            needs = self._needs(steps)
            before = set(certain) if needs is None else set(needs).union(*(certain[need] for need in needs))
            visible = {step_id: kinds[step_id] for step_id in kinds if step_id in before}
            step, kind = self.step(Seen({**seen.outputs, **visible}, seen.items), depth)
            if needs is not None:
                step["needs"] = needs
            steps.append(step)
            kinds[step["id"]] = kind
            certain[step["id"]] = before
        return steps, kinds

    def _needs(self, above: list[dict[str, Any]]) -> list[str] | None:
        if not self.aside or self.at_the_end or not self.one_in(2):
            return None
        return (
            self.draw(st.lists(st.sampled_from([step["id"] for step in above]), max_size=3, unique=True))
            if above
            else []
        )

    # a step

    def step(self, seen: Seen, depth: int) -> tuple[dict[str, Any], str]:
        """One step, and the kind of its output."""
        step: dict[str, Any] = {"id": self.name("s")}
        self.ids.append(step["id"])
        if self.one_in(4):
            step["when"] = self.condition(seen)
        verb = self._verb(depth)
        if verb == "exit":
            step["exit"] = {"state": self.among("COMPLETE", "FAILED"), "message": "enough"}
            if self.one_in(2):
                step["exit"]["output"] = self.value(seen)
            step.setdefault("when", self.condition(seen))
            return step, NUMBER
        looped = self.one_in(4)
        inside = self._foreach(step, seen) if looped else seen
        again = verb in ("set", "steps", "tool") and self.one_in(6)
        kind = getattr(self, f"_{verb}")(step, inside, depth, again)
        if self.one_in(4):
            step["on_error"] = self._handlers(inside, depth)
        return step, LIST if looped else kind

    def _verb(self, depth: int) -> str:
        verbs = ["set", "tool", "tool", "tool", "task"]
        if not self.at_the_end:
            verbs += ["clarify", "exit"]
        if depth < _DEEPEST and len(self.ids) < _MOST_STEPS:
            verbs += ["steps", "steps", "switch", "plan"]
        return self.among(*verbs)

    def _foreach(self, step: dict[str, Any], seen: Seen) -> Seen:
        item = self.name("i")
        lists = [f"steps.{step_id}.output" for step_id in seen.of_kind(LIST)]
        numbers = str(list(range(1, self.draw(st.integers(1, 4)) + 1)))
        step["foreach"] = {"in": self.among(numbers, *lists), "as": item}
        if self.aside:
            step["foreach"]["max_concurrent"] = self.draw(st.integers(1, 3))
        return Seen(seen.outputs, (*seen.items, item))

    def _set(self, step: dict[str, Any], seen: Seen, depth: int, again: bool) -> str:
        if again:
            step["set"] = "{{ (previous or 0) + 1 }}"
            step["repeat"] = self._repeat(f"steps.{step['id']}.output")
        else:
            step["set"] = self.value(seen)
        return NUMBER

    def _tool(self, step: dict[str, Any], seen: Seen, depth: int, again: bool) -> str:
        tools = [tool for tool in TOOLS if not (self.at_the_end and tool in ("send", "pay"))]
        step["tool"] = self.among(*tools)
        self.used.add(step["tool"])
        n = "{{ (previous or 0) + 1 }}" if again else self.value(seen)
        failures = (*_FAILURES, "timeout") if step["tool"] in SLOW else _FAILURES
        step["args"] = {"n": n, **self._failing(seen, failures)}
        if again:
            step["repeat"] = self._repeat("previous", 20)
        self._tried(step, step["args"].get("fails") == "timeout")
        return NUMBER

    def _tried(self, step: dict[str, Any], hangs: bool) -> None:
        """How a call is made again, and how long it may take."""
        if self.one_in(3):
            step["retry"] = {
                "max_attempts": self.draw(st.integers(1, 3)),
                "delay": self.among("1ms", "1s"),
                "backoff": self.among("constant", "exponential"),
            }
            if self.one_in(2):
                step["retry"]["on"] = self.draw(st.lists(st.sampled_from(_REPEATED), min_size=1, unique=True))
        if hangs or self.one_in(6):
            step["timeout"] = "5s"

    def _task(self, step: dict[str, Any], seen: Seen, depth: int, again: bool) -> str:
        told = {"n": self.value(seen), **self._failing(seen, _OF_MODELS)}
        tools = [tool for tool in ("look", "note", "fetch", "send", "work") if not (self.at_the_end and tool == "send")]
        step["agent"] = {"tools": self.draw(st.lists(st.sampled_from(tools), max_size=2, unique=True))}
        self.used.update(step["agent"]["tools"])
        if step["agent"]["tools"] and self.one_in(3):
            told |= {"times": 1, "inside": self.among(*_INSIDE[: 2 if self.at_the_end else 3])}
        if self.one_in(3):
            step["agent"]["model"] = ["first", "second"]
        step["task"] = " ".join(f"{name}={value}" for name, value in told.items())
        step["returns"] = {"n": {"type": "integer"}}
        self._tried(step, hangs=False)
        return MAP

    def _failing(self, seen: Seen, kinds: Sequence[str]) -> dict[str, Any]:
        """How a call fails, and how often: every time, or only for one item of the innermost loop."""
        if not self.one_in(3):
            return {}
        times: Any = self.among(1, 2, 99)
        if seen.items and self.one_in(2):
            times = f"{{{{ {times} if {seen.items[-1]} | string == '{self.among(1, 2, 3)}' else 0 }}}}"
        failures = [each for each in kinds if not (self.at_the_end and each == "asks")]
        return {"fails": self.among(*failures), "times": times}

    def _clarify(self, step: dict[str, Any], seen: Seen, depth: int, again: bool) -> str:
        step["clarify"] = {
            "type": self.among("input", "multiple_choice", "user_verification"),
            "guidance": f"About {self.value(seen)}?",
        }
        if step["clarify"]["type"] == "multiple_choice":
            step["clarify"]["options"] = [1, 2, 3]
        return NUMBER

    def _steps(self, step: dict[str, Any], seen: Seen, depth: int, again: bool) -> str:
        inner, _ = self.steps(seen, depth + 1, 3)
        if again:
            counter = self.name("c")
            at = f"((previous or {{}}).{counter} or 0)"
            inner.append({"id": counter, "set": f"{{{{ {at} + 1 }}}}"})
            step["repeat"] = self._repeat(f"steps.{counter}.output")
        step["steps"] = inner
        return MAP

    def _switch(self, step: dict[str, Any], seen: Seen, depth: int, again: bool) -> str:
        cases: list[dict[str, Any]] = [
            {"when": self.condition(seen), "steps": self.steps(seen, depth + 1, 2)[0]}
            for _ in range(self.draw(st.integers(1, 2)))
        ]
        if self.one_in(2):
            cases.append({"steps": self.steps(seen, depth + 1, 2)[0]})
        step["switch"] = cases
        return MAP

    def _plan(self, step: dict[str, Any], seen: Seen, depth: int, again: bool) -> str:
        around, self.used = self.used, set()
        steps, _ = self.steps(Seen({}), depth + 1, 3)
        name = f"{self.name('p')}.yml"
        self.files[name] = self.whole(steps)
        self.used = around
        step["plan"] = f"./{name}"
        step["inputs"] = {"flag": self.among("{{ inputs.flag }}", "{{ not inputs.flag }}")}
        return MAP

    def whole(self, steps: list[dict[str, Any]]) -> dict[str, Any]:
        """The plan of these steps, with the tools that they use; a person approves the grave ones."""
        plan: dict[str, Any] = {
            "planrunner": 1,
            "name": "grown",
            "inputs": {"flag": {"type": "boolean"}},
            "steps": steps,
        }
        if self.used:
            plan["tools"] = {tool: {} for tool in sorted(self.used)}
        if asked := sorted({"pay", "send"} & self.used):
            plan["hooks"] = {"before_tool_call": [{"use": "clarify_on_tool_calls", "with": {"tools": asked}}]}
        return plan

    def _repeat(self, counter: str, most: int = 3) -> dict[str, Any]:
        return {"until": f"({counter} or 0) >= {self.draw(st.integers(1, most))}", "max": self.draw(st.integers(1, 3))}

    def _handlers(self, seen: Seen, depth: int) -> list[dict[str, Any]]:
        handlers = []
        for _ in range(self.draw(st.integers(1, 2))):
            handler: dict[str, Any] = {}
            if self.one_in(2):
                handler["match"] = self.draw(st.lists(st.sampled_from(_KINDS), min_size=1, max_size=4, unique=True))
            if self.one_in(2) and depth < _DEEPEST and len(self.ids) < _MOST_STEPS:
                handler["steps"] = self.steps(seen, depth + 1, 2)[0]
            else:
                handler["output"] = self.value(seen)
            handlers.append(handler)
            if "match" not in handler:
                break  # nothing after it could be reached
        return handlers

    # values

    def value(self, seen: Seen) -> Any:
        """A number, or a template that gives one: of an item, of the output of a step, of both."""
        named = [f"({step_id} or 0)" for step_id in (f"steps.{each}.output" for each in seen.of_kind(NUMBER))]
        named += [f"(steps.{step_id}.output or [] | list) | length" for step_id in seen.of_kind(LIST)[-2:]]
        number = str(self.draw(st.integers(1, 9)))
        terms = [self.among(number, *named), *(f"{item}" for item in seen.items[-1:])]
        return int(number) if terms == [number] else f"{{{{ {' + '.join(f'({term})' for term in terms)} }}}}"

    def condition(self, seen: Seen) -> str:
        conditions = ["inputs.flag", "not inputs.flag"]
        for step_id in seen.of_kind(NUMBER)[-3:]:
            conditions.append(f"(steps.{step_id}.output or 0) % 2 == 0")
            conditions.append(f"steps.{step_id}.state == 'COMPLETE'")
        # As texts: of numbers that stand in the plan the checker says which of these never hold.
        conditions += [f"{item} | string == '{n}'" for item in seen.items for n in (1, 2)]
        return self.among(*conditions)


@st.composite
def cases(draw: Draw, aside: bool = True) -> Case:
    """Plans of up to some twenty steps. `aside`: whether steps and items may go on side by side."""
    grower = _Grower(draw, aside)
    steps, _ = grower.steps(Seen({}), 0, 6)
    at_the_end: list[dict[str, Any]] = []
    if grower.one_in(3):
        grower.at_the_end = True
        at_the_end, _ = grower.steps(Seen({}), _DEEPEST, 2)
    data = grower.whole(steps) | ({"finally": at_the_end} if at_the_end else {})
    hooked = grower.one_in(3)
    some = st.lists(st.sampled_from(grower.ids), max_size=2, unique=True)
    skipped, spoiled = (tuple(draw(some)) if hooked else () for _ in range(2))
    return Case(data, grower.files, draw(st.booleans()), skipped, spoiled, hooked)
