"""Puts the parts together: the only room that knows them all. `Runner` is what Python callers and commands use."""

from __future__ import annotations

import asyncio
import builtins
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from planrunner import events
from planrunner.answers import checked_answer
from planrunner.checks import check_models, check_prices, check_raised, checked_context, checked_inputs, raised_limits
from planrunner.clarification import Clarification
from planrunner.clarification_handler import asker
from planrunner.dispatch.local import LocalDispatcher
from planrunner.document.load import find_root
from planrunner.document.script import Script
from planrunner.errors import (
    InvalidPlanRunStateError,
    PlanRunNotFoundError,
    RunBusyError,
    UsageError,
)
from planrunner.events import Event
from planrunner.execution_context import ExecutionContext, get_execution_context, make_execution_context
from planrunner.execution_hooks import ExecutionHooks
from planrunner.facade import run_sync, to_the_end
from planrunner.hooks.base import Binding
from planrunner.hooks.bindings import handler_of_plan, of_plan, of_runner
from planrunner.journal import open_journal
from planrunner.journal.base import Journal, Post, RunQuery, RunSummary, StoredRun
from planrunner.ledger import Ledger, Listener
from planrunner.models.litellm import LitellmModel
from planrunner.models.scripted import ScriptedModel
from planrunner.plan import Plan
from planrunner.plan_run import PlanRun
from planrunner.questions import ANSWER, CANCEL, Handler, open_question
from planrunner.run_state import COMPLETE, FAILED, EffectState, fold
from planrunner.runner import advance, let_go
from planrunner.scope import Parts, RunScope
from planrunner.scripted_answers import ScriptedAnswers
from planrunner.sent import SentPrompt, sent_prompts
from planrunner.settings import Settings, load_settings
from planrunner.stored_runs import begin, keep_record, new_run, pinned_plan, state_of
from planrunner.tools.base import Tool
from planrunner.tools.catalogue import Catalogue
from planrunner.tools.loading import load_function
from planrunner.tools.scripted import ScriptedTools

_log = logging.getLogger("planrunner")

ContextLike = ExecutionContext | Mapping[str, Any]

SCRIPTED = "scripted"
"""The name that records show for a model whose part a script plays."""


class Runner:
    """Runs plans, and looks at runs.

    tools     the caller's own tools, in addition to the built-in ones
    model     litellm name or alias of the model for tasks that name none; wins over the plan's `defaults.model`
    store     `"memory"`, a folder, a file, or `sqlite:///…`; by default `.planrunner` in the project root
    script    answers in place of models and tools, from `load_script`
    execution_hooks  hooks around every run of this Runner, and who answers questions while a run goes on
    stream    listeners also hear the text of models as it comes, as events `text` that are not kept
    settings  everything else; by default read from the environment and the project file of the plan's root

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
        settings: Settings | None = None,
    ) -> None:
        self._tools = tuple(tools)
        self._model_name = model
        self._store = store
        self._script = script
        self._hooks = execution_hooks
        self._stream_text = stream
        self._settings = settings
        self._settings_read: dict[str, Settings] = {}
        self._journals: dict[str, Journal] = {}
        self._litellm: LitellmModel | None = None
        self._dispatcher = LocalDispatcher()
        self.runs = Runs(self)

    def run(
        self,
        plan: Plan | PlanRun,
        inputs: Mapping[str, Any] | None = None,
        *,
        context: ContextLike | None = None,
        on_event: Listener | None = None,
    ) -> PlanRun:
        """Run a plan until it ends or waits for a person, and return its record; a PlanRun is resumed.

        The context is the given one, else that of the enclosing `with execution_context(...)`. A step that fails gives
        a record in state FAILED. Raises a UsageError when inputs, context, tools, model or store do not allow a run to
        begin; no run exists then.
        """
        return run_sync(self.arun(plan, inputs, context=context, on_event=on_event))

    def arun(
        self,
        plan: Plan | PlanRun,
        inputs: Mapping[str, Any] | None = None,
        *,
        context: ContextLike | None = None,
        on_event: Listener | None = None,
    ) -> Coroutine[Any, Any, PlanRun]:
        """As `run`, for async callers. The context counts that stands at the call. A cancelled run is kept as it is."""
        if isinstance(plan, PlanRun):
            return self.aresume(plan, context=context, on_event=on_event)
        if not isinstance(plan, Plan):
            raise UsageError(f"run takes a Plan, as load_plan gives it, or a PlanRun, and not {type(plan).__name__}")
        return self._start(plan, inputs, _context(context), on_event)

    def astream(
        self, plan: Plan, inputs: Mapping[str, Any] | None = None, *, context: ContextLike | None = None
    ) -> AsyncIterator[Event]:
        """Run a plan and yield its events, each when it is durable. Leaving the loop early leaves it as it stands."""
        return self._stream(plan, inputs, _context(context))

    async def _stream(
        self, plan: Plan, inputs: Mapping[str, Any] | None, context: dict[str, Any]
    ) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        run = asyncio.ensure_future(self._start(plan, inputs, context, queue.put_nowait))
        run.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            await run
        finally:
            if not run.done():
                run.cancel()
                await asyncio.gather(run, return_exceptions=True)

    async def _start(
        self, plan: Plan, inputs: Mapping[str, Any] | None, context: dict[str, Any], on_event: Listener | None
    ) -> PlanRun:
        settings = self._settings_for(plan.root)
        parts = self._parts(plan, settings)
        await check_prices(plan, parts.model, parts.default_models, parts.aliases)
        state, start = begin(plan, checked_inputs(plan, inputs), checked_context(plan, context))
        journal = self._journal(settings)
        creating = asyncio.ensure_future(journal.create(new_run(plan, state), [start]))
        try:
            lease = await asyncio.shield(creating)
        except asyncio.CancelledError as stopped:  # the run may exist all the same
            ledger = Ledger(state, await to_the_end(creating, leaving=True), journal, on_event)
            ledger.announce([start])
            await let_go(ledger, stopped)
            raise
        ledger = Ledger(state, lease, journal, on_event)
        ledger.announce([start])
        await self._carry(plan, parts, ledger)
        return keep_record(state, settings.store)

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
        calls: bool = True,
    ) -> PlanRun:
        """`again`: what is recorded of a new try; None: it is none. `calls`: models may be called."""
        journal, stored = await self._find(run_id)
        state = fold(run_id, stored.events)
        settings = self._settings_for(state.root)
        if stored.summary.state == COMPLETE:
            return keep_record(state, settings.store)
        plan = pinned_plan(stored, state)
        body = {} if context is None else {"context": checked_context(plan, context)}
        parts = self._parts(plan, settings, [effect for effect in state.effects.values() if effect.done])
        check_raised(plan, state, (again or {}).get("limits", {}))
        if calls and (again is not None or state.state != FAILED):
            await check_prices(plan, parts.model, parts.default_models, parts.aliases)
        lease = await journal.claim(run_id, failed=again is not None)
        try:
            stored = await journal.load(run_id)  # what the one before us wrote last
        except BaseException:
            journal.abandon(lease)
            raise
        seen = stored.posts[-1].seq if stored.posts else 0
        ledger = Ledger(fold(run_id, stored.events), lease, journal, on_event, seen)
        user, ended = ledger.state.context["end_user_id"], ledger.state.state
        ledger.emit(events.RUN_RESUMED, "", {"epoch": lease.epoch, **body})
        if again is not None and ended == FAILED:  # by its events: in the store it is carried again
            ledger.emit(events.RUN_RETRIED, "", again)
        await self._carry(plan, parts, ledger, stored.posts, ledger.state.context["end_user_id"] != user)
        return keep_record(ledger.state, settings.store)

    def cancel(self, run: PlanRun | str, *, by: str | None = None) -> PlanRun:
        """End a run: nothing new starts, calls in flight are stopped, it becomes FAILED with the kind `cancelled`.

        A run that another process carries hears it within a second; its record is returned as it stands then. Raises
        PlanRunNotFoundError, RunFinishedError.
        """
        return run_sync(self.acancel(run, by=by))

    async def acancel(self, run: PlanRun | str, *, by: str | None = None) -> PlanRun:
        """As `cancel`, for async callers."""
        run_id = _id(run)
        journal, stored = await self._find(run_id)
        await journal.post(run_id, f"{CANCEL}{state_of(stored).tries}", {"by": by})
        try:
            return await self._carry_on(run_id, None, calls=False)
        except RunBusyError:
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
        run = RunScope(plan, parts, ledger)
        run.said = tuple(posts)
        if other_user:
            run.questions.withdraw_approvals()
        await self._dispatcher.dispatch(ledger.state.id, lambda: advance(run))

    async def _find(self, run_id: str) -> tuple[Journal, StoredRun]:
        """The run, in a store that this Runner has used, or in that of the working folder's project."""
        for journal in list(self._journals.values()):
            with suppress(PlanRunNotFoundError):
                return journal, await journal.load(run_id)
        journal = self._journal(self._settings_for(find_root(None)))
        return journal, await journal.load(run_id)

    def _settings_for(self, root: str) -> Settings:
        """The settings in force for a project; what the caller of Runner said wins."""
        settings = self._settings or self._settings_read.get(root)
        if settings is None:  # read once: a service that runs thousands of plans reads no file for each of them
            settings = self._settings_read[root] = load_settings(root)
        return settings if self._store is None else replace(settings, store=str(self._store))

    def _journal(self, settings: Settings) -> Journal:
        journal = self._journals.get(settings.store)
        if journal is None:
            opened = open_journal(settings.store, settings.synchronous)
            journal = self._journals.setdefault(settings.store, opened)
            if journal is not opened:  # another thread was first
                opened.close()
        return journal

    def _parts(self, plan: Plan, settings: Settings, finished: Iterable[EffectState] = ()) -> Parts:
        """Everything a run of this plan needs, checked: every tool is there, every task has a model.

        finished  calls that are on record: a script has answered them
        """
        tools = Catalogue(plan, self._tools)
        tools.check()
        script = self._script
        handler, bindings = self._people(plan)
        defaults = _first(_one(self._model_name), plan.default_models, _one(settings.model))
        if script is None:
            check_models(plan, defaults)
        return Parts(
            tools=tools,
            model=self._model(plan) if script is None else ScriptedModel(script.replies),
            default_models=defaults if script is None else defaults or (SCRIPTED,),
            aliases=settings.models,
            tool_script=None if script is None else ScriptedTools(script.tools, finished),
            handler=handler,
            bindings=bindings,
            large_output=settings.large_output_tokens,
            streams=self._stream_text,
        )

    def _people(self, plan: Plan) -> tuple[Handler | None, tuple[Binding, ...]]:
        """Who answers questions at once, and the hooks, those of the Runner first."""
        hooks = self._hooks
        own = of_plan(plan, lambda use: load_function(use, plan.root))
        people = None if hooks is None else hooks.clarification_handler
        people = people or handler_of_plan(plan, lambda use: load_function(use, plan.root))
        handler = None if people is None else asker(people)
        if self._script is not None and self._script.answers:
            handler = ScriptedAnswers(self._script.answers, handler)
        return handler, (*of_runner(hooks), *own)

    def _model(self, plan: Plan) -> LitellmModel:
        """The road to real models; its slow import begins beside the start of the run."""
        if self._litellm is None:
            self._litellm = LitellmModel()
        if any(step.verb == "task" for step in plan.walk()):
            self._litellm.warm()
        return self._litellm


class Runs:
    """The stored runs of a Runner's store: `runner.runs`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def list(self, query: RunQuery | None = None) -> builtins.list[RunSummary]:
        """The newest runs that match."""
        return run_sync(self._journal().list(query or RunQuery()))

    def get(self, run_id: str) -> PlanRun:
        """The record of a run as it stands. PlanRunNotFoundError when there is none."""
        return PlanRun.from_state(state_of(self._load(run_id)))

    def events(self, run_id: str) -> tuple[Event, ...]:
        """Everything that happened in a run, in order. PlanRunNotFoundError when there is none."""
        return self._load(run_id).events

    def prompts(self, run_id: str) -> builtins.list[SentPrompt]:
        """What models were sent in a run, attempt by attempt. PlanRunNotFoundError when there is none."""
        return sent_prompts(run_id, self._load(run_id).events)

    def _load(self, run_id: str) -> StoredRun:
        return run_sync(self._runner._find(run_id))[1]

    def _journal(self) -> Journal:
        runner = self._runner
        return runner._journal(runner._settings_for(find_root(None)))


def _one(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _first(*names: Sequence[str]) -> tuple[str, ...]:
    """The first that names anything."""
    return tuple(next((each for each in names if each), ()))


def _id(run: PlanRun | str) -> str:
    return run if isinstance(run, str) else run.id


def _context(given: ContextLike | None) -> dict[str, Any]:
    context = get_execution_context() if given is None else make_execution_context(given)
    return (context or ExecutionContext()).model_dump()
