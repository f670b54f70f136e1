"""What a Runner does with a query: a plan is written for it, and run if that is asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

from planrunner.agents.planner import Ask
from planrunner.document.load import find_root
from planrunner.errors import PolicyError
from planrunner.execution_context import ContextLike, context_given
from planrunner.facade import run_sync
from planrunner.parts import Given
from planrunner.plan import Plan
from planrunner.plan_run import PlanRun
from planrunner.planning import plan_query, plan_request, tools_at_hand
from planrunner.run_writer import Listener
from planrunner.settings import Settings


class Queries(ABC):
    """The methods of Runner that take a query, in a person's words."""

    _given: Given

    def plan(
        self,
        query: str,
        *,
        context: ContextLike | None = None,
        tools: Iterable[str] | None = None,
        at_once: bool = False,
    ) -> Plan:
        """Let a planner (the model of this Runner) write a plan for a query. Nothing is run.

        tools    ids or globs of the tools that it is handed; by default all that this Runner knows
        at_once  the plan is to be run for this context and without inputs, and is checked for that

        The text of the plan stands in `plan.files`. Raises PlannerError when the planner writes no valid plan, the
        StepError of a model that fails, and a UsageError for a query, context or tools that can't be used.
        """
        return run_sync(self.aplan(query, context=context, tools=tools, at_once=at_once))

    def aplan(
        self,
        query: str,
        *,
        context: ContextLike | None = None,
        tools: Iterable[str] | None = None,
        at_once: bool = False,
    ) -> Coroutine[Any, Any, Plan]:
        """As `plan`, for async callers."""
        return self._plan(query, context_given(context), tools, at_once)

    async def _plan(self, query: str, context: dict[str, Any], tools: Iterable[str] | None, at_once: bool) -> Plan:
        root = find_root(None)
        settings = self._settings_for(root)
        asked = plan_request(query, context, root, at_once)
        found = tools_at_hand(self._given.tools, tools)
        handed = [tool for tool in found if not settings.policy.denies((*tool.names, tool.tool.id))]
        if found and not handed:
            raise PolicyError(f"the policy denies calls of {', '.join(tool.name for tool in found)}")
        return await plan_query(asked, self._planner(settings), handed, settings.models, settings)

    def run_query(
        self,
        query: str,
        *,
        context: ContextLike | None = None,
        tools: Iterable[str] | None = None,
        on_event: Listener | None = None,
    ) -> PlanRun:
        """Let a planner write a plan for this end user, and run it at once. See `plan` and `run`."""
        return run_sync(self.arun_query(query, context=context, tools=tools, on_event=on_event))

    def arun_query(
        self,
        query: str,
        *,
        context: ContextLike | None = None,
        tools: Iterable[str] | None = None,
        on_event: Listener | None = None,
    ) -> Coroutine[Any, Any, PlanRun]:
        """As `run_query`, for async callers."""
        return self._run_query(query, context_given(context), tools, on_event)

    async def _run_query(
        self, query: str, context: dict[str, Any], tools: Iterable[str] | None, on_event: Listener | None
    ) -> PlanRun:
        return await self._start(await self._plan(query, context, tools, True), None, context, on_event)

    @abstractmethod
    def _settings_for(self, root: str) -> Settings:
        """The settings in force for a project."""

    @abstractmethod
    def _planner(self, settings: Settings) -> Ask:
        """The road to the planner's model."""

    @abstractmethod
    async def _start(
        self, plan: Plan, inputs: Mapping[str, Any] | None, context: dict[str, Any], on_event: Listener | None
    ) -> PlanRun:
        """Run a plan from its beginning."""
