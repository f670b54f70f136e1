"""Carries cases through the real Runner: with a journal in memory, under a strict script, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf, nextafter
from time import perf_counter
from typing import Self

from planrunner.document.script import Script
from planrunner.errors import ContextError, InputsError, NotScriptedError, UsageError
from planrunner.plan import Plan
from planrunner.render.case_result import ERROR, FAILED, PASSED, CaseResult, Difference
from planrunner.settings import Settings
from planrunner.testing.case import Case, Suite
from planrunner.testing.expect import differences
from planrunner.testing.ran import Call, Ran
from planrunner.testing.virtual_time import START, VirtualClock
from planrunner.tools.scripted import ScriptedTools
from planrunner.wire import Runner

_SETTINGS = Settings(store="memory")


class CaseRunner:
    """Carries one case after another, all in one event loop. Use it in a `with` block, outside of any loop."""

    def __init__(self) -> None:
        self._clock = VirtualClock()
        self._loop = asyncio.Runner(loop_factory=self._clock.new_loop)

    def test(self, suite: Suite, case: Case) -> CaseResult:
        """Carry a case of a suite that has nothing wrong. ^C is a KeyboardInterrupt, as everywhere."""
        begun = perf_counter()
        found = self._loop.run(self._found(suite, case))
        seconds = perf_counter() - begun
        if isinstance(found, str):
            return CaseResult(suite.file, case.line, case.name, ERROR, seconds, (Difference("", found, case.line),))
        return CaseResult(suite.file, case.line, case.name, FAILED if found else PASSED, seconds, found)

    def close(self) -> None:
        """Let go of the loop."""
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _found(self, suite: Suite, case: Case) -> tuple[Difference, ...] | str:
        """In what the run differs, or why that can't be told."""
        if suite.plan is None or suite.names is None:
            raise ValueError(f"{suite.file} has problems: no case of it can be carried")
        ran = Ran(suite.names)
        try:
            await self._carry(suite.plan, case, ran)
        except (InputsError, ContextError) as refused:
            ran.refusal = str(refused)
        except (NotScriptedError, UsageError) as lack:
            return str(lack)
        return tuple(differences(case, ran, suite.names, _counted(case)))

    async def _carry(self, plan: Plan, case: Case, ran: Ran) -> None:
        """Carry the run until it ends, or waits for somebody who never answers."""
        self._clock.set(START)
        script = Script(**case.script, strict=True)
        with Runner(script=script, settings=_SETTINGS, clock=self._clock) as runner:
            record = await runner.arun(plan, case.inputs, context=case.context, on_event=ran.hear)
            while (due := ran.due()) is not None and due >= self._clock.now():
                self._clock.set(nextafter(due, inf))
                record = await runner.aresume(record, on_event=ran.hear)


def _counted(case: Case) -> Callable[[Call], bool]:
    """Whether `tool_calls` is about a call: what the case does not script ran as it is."""
    scripted = ScriptedTools(case.script["tools"])
    return lambda call: scripted.name(call.tool, call.path) is not None
