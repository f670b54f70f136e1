"""Puts the parts together: the only room that knows them all. `Runner` is what Python callers and commands use."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from planrunner import events
from planrunner.agents.planner import Ask
from planrunner.answers import checked_answer
from planrunner.checks import check_raised, checked_context, checked_inputs, raised_limits
from planrunner.clarification import Clarification
from planrunner.dispatch.local import LocalDispatcher
from planrunner.document.load import find_root
from planrunner.document.script import Script
from planrunner.errors import (
    InvalidPlanRunStateError,
    PlanRunNotFoundError,
    RunBusyError,
    RunFinishedError,
    UsageError,
)
from planrunner.events import Event
from planrunner.execution_context import ContextLike, context_given, get_execution_context, make_execution_context
from planrunner.execution_hooks import ExecutionHooks
from planrunner.facade import heard, run_sync
from planrunner.fold import fold
from planrunner.journal import open_journal
from planrunner.journal.base import Journal, Post, StoredRun
from planrunner.ledger import Ledger
from planrunner.models.base import Model
from planrunner.models.litellm import LitellmModel
from planrunner.parts import Given, check_all_prices, parts_of, planner_model
from planrunner.plan import Plan
from planrunner.plan_run import PlanRun
from planrunner.planning import asking, checked_again
from planrunner.policy import Policy
from planrunner.policy_checks import check_ceilings
from planrunner.policy_file import read_policy_file
from planrunner.queries import Queries
from planrunner.questions import ANSWER, CANCEL, open_question
from planrunner.run_state import COMPLETE, FAILED, RunState
from planrunner.run_writer import Listener, RunWriter
from planrunner.runner import advance
from planrunner.scope import Parts, PlanScope
from planrunner.settings import Settings, load_settings
from planrunner.stored_runs import Runs, keep_record, new_run, pinned_plan, started, state_of
from planrunner.times import REAL, Clock
from planrunner.tools.base import Tool

_log = logging.getLogger("planrunner")


class Runner(Queries):
    """Runs plans, and looks at runs.

    tools     the caller's own tools, in addition to the built-in ones
    model     litellm name or alias of the model for tasks that name none; wins over the plan's `defaults.model`
    store     `"memory"`, a folder, a file, or `sqlite:///…`; by default `.planrunner` in the project root
    script    answers in place of models and tools, from `load_script`
    execution_hooks  hooks around every run of this Runner, and who answers questions while a run goes on
    stream    listeners also hear the text of models as it comes, as events `text` that are not kept
    policy    what plans are held against, or the file of it; stands in place of the settings' own
    settings  everything else; by default read from the environment and the project file of the plan's root
    clock     the time that runs go by; the machine's if left out

    May be shared by threads and event loops; `close` it, or use it in a `with` block.
    """

    def __init__(
        self,
        *,
        tools: Iterable[Tool | Callable[..., Any]] = (),
        model: str | None = None,
        store: str | Path | None = None,
        script: Script | None = None,
        execution_hooks: ExecutionHooks | None = None,
        stream: bool = False,
        policy: Policy | str | Path | None = None,
        settings: Settings | None = None,
        clock: Clock = REAL,
    ) -> None:
        self._given = Given(tuple(tools), model, script, execution_hooks, stream)
        self._store = store
        self._litellm: LitellmModel | None = None
        self._is_warm = False
        self._policy = read_policy_file(policy) if isinstance(policy, (str, Path)) else policy
        self._settings = settings
        self._clock = clock
        self._settings_read: dict[str, Settings] = {}
        self._journals: dict[str, Journal] = {}
        self._dispatcher = LocalDispatcher()
        self.runs = Runs(self._find, self._own_journal)

    def run(
        self,
        plan: Plan | PlanRun | str,
        inputs: Mapping[str, Any] | None = None,
        *,
        context: ContextLike | None = None,
        on_event: Listener | None = None,
    ) -> PlanRun:
        """Run a plan until it ends or waits for a person, and return its record.

        A PlanRun is resumed, and a text is a query: see `run_query`.

        The context is the given one, else that of the enclosing `with execution_context(...)`. A step that fails gives
        a record in state FAILED. Raises a UsageError when inputs, context, tools, model or store do not allow a run to
        begin; no run exists then.
        """
        return run_sync(self.arun(plan, inputs, context=context, on_event=on_event))

    def arun(
        self,
        plan: Plan | PlanRun | str,
        inputs: Mapping[str, Any] | None = None,
        *,
        context: ContextLike | None = None,
        on_event: Listener | None = None,
    ) -> Coroutine[Any, Any, PlanRun]:
        """As `run`, for async callers. The context counts that stands at the call. A cancelled run is kept as it is."""
        if isinstance(plan, PlanRun):
            return self.aresume(plan, context=context, on_event=on_event)
        if isinstance(plan, str):
            if inputs:
                raise UsageError("a query takes no inputs: say in it what they are")
            return self.arun_query(plan, context=context, on_event=on_event)
        if not isinstance(plan, Plan):
            raise UsageError(f"run takes a Plan, a PlanRun or a query, and not {type(plan).__name__}")
        return self._start(plan, inputs, context_given(context), on_event)

    def _planner(self, settings: Settings) -> Ask:
        """The road to the planner's model."""
        return asking(*planner_model(settings, self._given, lambda: self._model(None)))

    def astream(
        self, plan: Plan, inputs: Mapping[str, Any] | None = None, *, context: ContextLike | None = None
    ) -> AsyncIterator[Event]:
        """Run a plan and yield its events, each when it is durable. Leaving the loop early leaves it as it stands."""
        given = context_given(context)
        return heard(lambda hear: self._start(plan, inputs, given, hear))

    async def _start(
        self, plan: Plan, inputs: Mapping[str, Any] | None, context: dict[str, Any], on_event: Listener | None
    ) -> PlanRun:
        plan = checked_again(plan)
        settings = self._settings_for(plan.root)
        parts = parts_of(plan, settings, self._given, self._model(plan))
        await check_all_prices(plan, parts)
        start = started(plan, checked_inputs(plan, inputs), checked_context(plan, context), self._clock.now())
        run = new_run(plan, start)
        writer = RunWriter(self._journal(settings), run.id, run, on_event)
        ledger = Ledger(RunState(run.id), writer, self._clock)
        ledger.record(start)
        await self._carry(plan, parts, ledger)
        return keep_record(ledger.state, settings.store)

    def resume(
        self,
        run: PlanRun | str,
        *,
        context: ContextLike | None = None,
        retry: bool = False,
        limits: Mapping[str, Any] | None = None,
        on_event: Listener | None = None,
    ) -> PlanRun:
        """Carry on a run (or its id) that was interrupted or waits for answers; a COMPLETE one is returned as it is.

        context  replaces the end user's context, which else stays what it was; also given by an enclosing
                 `with execution_context(...)`
        retry    opens a new try of what failed in a FAILED run; what is finished is kept
        limits   with `retry` of a FAILED run: limits of the plan that are raised from now on, such as `{"usd": 1}`

        What is finished is not done again, and the plan is the one the run began with, whatever its file says now.
        Raises PlanRunNotFoundError, RunBusyError, ContextError, or RunFinishedError for a FAILED run without `retry`.
        """
        return run_sync(self.aresume(run, context=context, retry=retry, limits=limits, on_event=on_event))

    def aresume(
        self,
        run: PlanRun | str,
        *,
        context: ContextLike | None = None,
        retry: bool = False,
        limits: Mapping[str, Any] | None = None,
        on_event: Listener | None = None,
    ) -> Coroutine[Any, Any, PlanRun]:
        """As `resume`, for async callers."""
        given = get_execution_context() if context is None else make_execution_context(context)
        again = {"limits": raised_limits(limits)} if limits else {} if retry else None
        if limits and not retry:
            raise UsageError("limits are raised for a new try only: say retry (--retry) too")
        return self._carry_on(_id(run), None if given is None else given.model_dump(), again, on_event)

    async def _carry_on(
        self,
        run_id: str,
        context: dict[str, Any] | None,
        again: dict[str, Any] | None = None,
        on_event: Listener | None = None,
        cancels: bool = False,
    ) -> PlanRun:
        """`again`: what is recorded of a new try; None: it is none. `cancels`: the run is carried to its end alone."""
        journal, stored = await self._find(run_id)
        state = fold(run_id, stored.events)
        settings = self._settings_for(state.root)
        if stored.summary.state == COMPLETE:
            return keep_record(state, settings.store)
        plan = pinned_plan(stored, state)
        body = {} if context is None else {"context": checked_context(plan, context)}
        goes_on = not cancels or any(each.finally_ for each in plan.walk_plans())
        model = self._model(plan) if goes_on else LitellmModel()
        asked = state.questions.values()
        parts = parts_of(plan, settings, self._given, model, stored.events, asked, goes_on=goes_on)
        check_raised(plan, state, (again or {}).get("limits", {}))
        check_ceilings((again or {}).get("limits", {}), settings.policy)
        if not cancels and (again is not None or state.state != FAILED):
            await check_all_prices(plan, parts)
        lease = await journal.claim(run_id, failed=again is not None)
        try:
            stored = await journal.load(run_id)  # what the one before us wrote last
        except BaseException:
            journal.abandon(lease)
            raise
        seen = stored.posts[-1].seq if stored.posts else 0
        writer = RunWriter(journal, run_id, lease, on_event, seen)
        ledger = Ledger(fold(run_id, stored.events), writer, self._clock)
        user, ended = ledger.state.context["end_user_id"], ledger.state.state
        ledger.emit(events.RUN_RESUMED, "", {"epoch": lease.epoch, **body})
        if again is not None and ended == FAILED:  # by its events: in the store it is carried again
            ledger.emit(events.RUN_RETRIED, "", again)
        await self._carry(plan, parts, ledger, stored.posts, ledger.state.context["end_user_id"] != user)
        return keep_record(ledger.state, settings.store)

    def cancel(self, run: PlanRun | str, *, by: str | None = None) -> PlanRun:
        """End a run: nothing new starts, calls in flight are stopped, it becomes FAILED with the kind `cancelled`.

        A run that another process carries hears it within a second; its record is returned as it stands then, and so
        is that of one that ended meanwhile. Raises PlanRunNotFoundError, RunFinishedError.
        """
        return run_sync(self.acancel(run, by=by))

    async def acancel(self, run: PlanRun | str, *, by: str | None = None) -> PlanRun:
        """As `cancel`, for async callers."""
        run_id = _id(run)
        journal, stored = await self._find(run_id)
        await journal.post(run_id, f"{CANCEL}{state_of(stored).tries}", {"by": by})
        try:
            return await self._carry_on(run_id, None, cancels=True)
        except (RunBusyError, RunFinishedError):  # whoever carries it hears it, or has heard it by now
            return PlanRun.from_state(state_of(await journal.load(run_id)))

    def resolve_clarification(
        self, clarification: Clarification | str, response: Any, plan_run: PlanRun | str, *, by: str | None = None
    ) -> PlanRun:
        """Answer a question of a run that waits, without carrying the run on, and return the run as it now stands.

        clarification  the question, or its id
        by             who answers; recorded

        Raises AnswerError when the question does not take the answer (it stays open), InvalidPlanRunStateError when it
        is unknown or closed, PlanRunNotFoundError.
        """
        return run_sync(self.aresolve_clarification(clarification, response, plan_run, by=by))

    async def aresolve_clarification(
        self, clarification: Clarification | str, response: Any, plan_run: PlanRun | str, *, by: str | None = None
    ) -> PlanRun:
        """As `resolve_clarification`, for async callers."""
        run_id = _id(plan_run)
        asked = clarification if isinstance(clarification, str) else clarification.id
        journal, stored = await self._find(run_id)
        question = open_question(state_of(stored), asked)
        body = {"response": checked_answer(question.body, response), "by": by}
        if not await journal.post(run_id, f"{ANSWER}{question.id}", body):
            raise InvalidPlanRunStateError(f"{question.id} was answered by somebody else just now")
        return PlanRun.from_state(state_of(await journal.load(run_id)))

    def close(self) -> None:
        """Let go of stores. Runs that are going on elsewhere are not touched."""
        for journal in self._journals.values():
            journal.close()
        self._journals.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _carry(
        self, plan: Plan, parts: Parts, ledger: Ledger, posts: Sequence[Post] = (), other_user: bool = False
    ) -> None:
        run = PlanScope(plan, parts, ledger)
        run.said = tuple(posts)
        if other_user:
            run.questions.withdraw_approvals()
        await self._dispatcher.dispatch(ledger.state.id, lambda: advance(run))

    def _own_journal(self) -> Journal:
        """The store of the working folder's project."""
        return self._journal(self._settings_for(find_root(None)))

    async def _find(self, run_id: str) -> tuple[Journal, StoredRun]:
        """The run, in a store that this Runner has used, or in that of the working folder's project."""
        for journal in list(self._journals.values()):
            with suppress(PlanRunNotFoundError):
                return journal, await journal.load(run_id)
        journal = self._own_journal()
        return journal, await journal.load(run_id)

    def _settings_for(self, root: str) -> Settings:
        """The settings in force for a project; what the caller of Runner said wins."""
        settings = self._settings or self._settings_read.get(root)
        if settings is None:  # read once: a service that runs thousands of plans reads no file for each of them
            settings = self._settings_read[root] = load_settings(root)
        if self._policy is not None:
            settings = replace(settings, policy=self._policy)
        return settings if self._store is None else replace(settings, store=str(self._store))

    def _journal(self, settings: Settings) -> Journal:
        journal = self._journals.get(settings.store)
        if journal is None:
            opened = open_journal(settings.store, settings.synchronous)
            journal = self._journals.setdefault(settings.store, opened)
            if journal is not opened:  # another thread was first
                opened.close()
        return journal

    def _model(self, plan: Plan | None) -> Model:
        """The road to real models, for this plan or for the planner; its slow import begins beside the start."""
        if self._litellm is None:
            self._litellm = LitellmModel()
        if self._given.script is None and not self._is_warm and (plan is None or _has_tasks(plan)):
            self._litellm.warm(plan is not None and _offers_tools(plan))
            self._is_warm = True
        return self._litellm


def _offers_tools(plan: Plan) -> bool:
    tasks = ((each, step) for each in plan.walk_plans() for step in each.walk() if step.verb == "task")
    return any(each.agent_of(step).tools or each.agent_of(step).ask for each, step in tasks)


def _has_tasks(plan: Plan) -> bool:
    return any(step.verb == "task" for each in plan.walk_plans() for step in each.walk())


def _id(run: PlanRun | str) -> str:
    return run if isinstance(run, str) else run.id
