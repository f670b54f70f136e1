"""What stands outside of a run: tools that note every call, hooks, and people who give the same answers whenever asked.

It outlives the processes that carry the run. How a call ends follows from its arguments and the number of the attempt,
how long it takes from the seed: so whatever differs between two runs of one plan, the runner has done.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from planrunner import (
    BeforeStepExecutionOutcome,
    ExecutionHooks,
    InputClarification,
    Tool,
    ToolHardError,
    ToolRunContext,
    ToolSoftError,
)
from planrunner.events import EFFECT_STARTED, RUN_RETRIED, Event
from tests.random_plans.growing import Case
from tests.random_plans.played_time import PlayedTime

LONGEST = 2.0
"""How long a slow call takes at most, in seconds that pass in no time."""
HANGING = 60.0
"""How long one takes that hangs: longer than any deadline."""


@dataclass
class Call:
    """One call of a tool: in which life of the run, under which key, which attempt of which try; what came of it.

    asked  it asked a person, and is called again
    """

    life: int
    key: str
    attempt: tuple[int, int]
    ended: bool = False
    asked: bool = False


class World:
    """The outside of one run. `seed`: of how long calls take."""

    def __init__(self, case: Case, seed: int = 0) -> None:
        self.case = case
        self.seed = seed
        self.life = 0
        self.time = PlayedTime()
        self.calls: list[Call] = []
        self.fired: Counter[str] = Counter()
        self._tries = 1
        self._attempts: dict[str, int] = {}

    def tools(self) -> list[Tool]:
        """Those of the process that lives now."""
        return [Look(self), Note(self), Fetch(self), Send(self), Work(self), Pay(self)]

    def hear(self, event: Event) -> None:
        """Listens to the run: which attempt at a call is about to be made."""
        if event.kind == EFFECT_STARTED:
            self._attempts[event.key] = event.body["attempt"]
        elif event.kind == RUN_RETRIED:
            self._tries += 1

    def begin(self, key: str, life: int) -> Call:
        """Note a call. A thread outlives the death of a process that is only played; it does nothing after it."""
        if life != self.life:
            raise RuntimeError("the process has died")
        call = Call(self.life, key, (self._tries, self._attempts[key.partition("~")[0]]))
        self.calls.append(call)
        return call

    def seconds(self, key: str) -> float:
        return random.Random(f"{self.seed}/{key}").random() * LONGEST

    def happened(self, key: str) -> bool:
        return any(call.key == key and call.ended for call in self.calls)

    # people

    def answer(self, question: Any) -> Any:
        """What is answered to this question, whenever and in whichever order."""
        if question.source == "doubt":
            return "it happened" if self.happened(f"{question.path}!tool:0") else "it did not"
        said = crc32(f"{question.path} {question.user_guidance}".encode())
        if question.category == "Multiple Choice":
            return question.options[said % len(question.options)]
        if question.category == "User Verification":
            return "no" if said % 6 == 0 else "yes"
        return said % 7

    # hooks

    def hooks(self) -> ExecutionHooks | None:
        if not self.case.hooked:
            return None
        return ExecutionHooks(
            before_plan_run=self._before_run,
            before_step_execution=self._before_step,
            after_step_execution=self._after_step,
            after_tool_call=self._after_call,
        )

    async def _before_run(self, plan: Any, plan_run: Any) -> None:
        self.fired["before_plan_run"] += 1

    async def _before_step(self, plan: Any, plan_run: Any, step: Any) -> BeforeStepExecutionOutcome | None:
        self.fired[f"before_step {step.path}"] += 1
        return BeforeStepExecutionOutcome.SKIP if step.id in self.case.skipped else None

    async def _after_step(self, plan: Any, plan_run: Any, step: Any, output: Any) -> None:
        self.fired[f"after_step {step.path}"] += 1
        if step.id in self.case.spoiled:
            raise ValueError("spoiled")

    async def _after_call(self, tool: Any, output: Any, plan_run: Any, step: Any) -> None:
        self.fired[f"after_call {step.path}"] += 1


class _Noted(Tool):
    """A tool whose calls are noted, and which fails as its arguments say."""

    args_schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "fails": {"type": "string"}, "times": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    grave = False

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.life = world.life

    def _begin(self, ctx: ToolRunContext) -> Call:
        return self.world.begin(ctx.idempotency_key.removeprefix(f"{ctx.run_id}/"), self.life)

    def _end(self, call: Call, ctx: ToolRunContext, args: dict[str, Any]) -> Any:
        call.ended = True
        if self.grave:
            return None  # it can't say what nobody could know after a crash
        if args.get("fails") == "asks":
            return self._asked(call, ctx, args)
        if call.attempt[1] <= args.get("times", 0):
            _fail(args["fails"], call)
            return object()  # nothing that JSON can tell
        return (args["n"] * 31 + crc32(json.dumps(self.id).encode())) % 97

    def _asked(self, call: Call, ctx: ToolRunContext, args: dict[str, Any]) -> Any:
        call.asked = bool(args["times"] and not ctx.clarifications)
        if call.asked:
            return InputClarification(
                plan_run_id=ctx.run_id, user_guidance=f"Which one of {args['n']}?", argument_name="n"
            )
        return sum(answered.response for answered in ctx.clarifications)


def _fail(kind: str, call: Call) -> None:
    if kind == "tool_soft_error":
        raise ToolSoftError(f"attempt {call.attempt[1]} failed")
    if kind == "tool_error":
        raise ToolHardError(f"attempt {call.attempt[1]} failed for good")
    if kind == "crash":
        raise ZeroDivisionError(f"attempt {call.attempt[1]}")


class _Quick(_Noted):
    inline = True

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        return self._end(self._begin(ctx), ctx, args)


class _Slow(_Noted):
    async def arun(self, ctx: ToolRunContext, **args: Any) -> Any:
        call = self._begin(ctx)
        hangs = args.get("fails") == "timeout" and call.attempt[1] <= args["times"]
        await asyncio.sleep(HANGING if hangs else self.world.seconds(call.key))
        return self._end(call, ctx, args)


class Look(_Quick):
    id = "look"
    effect = "read"


class Note(_Quick):
    id = "note"
    effect = "write"


class Fetch(_Slow):
    id = "fetch"
    effect = "read"


class Send(_Slow):
    id = "send"
    effect = "write"


class Work(_Noted):
    """In a thread."""

    id = "work"
    effect = "write"

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        return self._end(self._begin(ctx), ctx, args)


class Pay(_Slow):
    id = "pay"
    effect = "irreversible"
    grave = True


def repeated(calls: list[Call]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Key and attempt of the calls that were made more than once."""
    made = Counter((call.key, call.attempt) for call in calls if not call.asked)
    return (call for call, times in made.items() if times > 1)
