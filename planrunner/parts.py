"""Puts together what carrying a plan needs, and the same for each of its sub-plans; checked before a run exists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from planrunner.checks import check_handed_models, check_models, check_prices, no_model
from planrunner.clarification_handler import asker
from planrunner.document.script import Script
from planrunner.events import Event
from planrunner.execution_hooks import ExecutionHooks
from planrunner.hooks.bindings import handler_of_plan, of_plan, of_policy, of_runner
from planrunner.models.base import Model, ModelChoice, models_named
from planrunner.models.scripted import ScriptedModel
from planrunner.plan import NOTHING, Plan
from planrunner.players import Players, players_of
from planrunner.policy_checks import check_approved, check_imports, check_model_names, check_policy_models
from planrunner.questions import Handler
from planrunner.run_state import QuestionState
from planrunner.scope import Parts
from planrunner.settings import Settings
from planrunner.tools.base import Tool
from planrunner.tools.catalogue import Catalogue
from planrunner.tools.loading import load_function

SCRIPTED = "scripted"
"""The name that records show for a model whose part a script plays."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller of a Runner gave it; see there."""

    tools: tuple[Tool | Callable[..., Any], ...]
    model: str | None
    script: Script | None
    hooks: ExecutionHooks | None
    stream: bool

    def catalogue(self, plan: Plan) -> Catalogue:
        """The tools as this plan knows them."""
        return Catalogue(plan, self.tools, played=self.script is not None)


def parts_of(
    plan: Plan,
    settings: Settings,
    given: Given,
    model: Model,
    history: Sequence[Event] = (),
    asked: Iterable[QuestionState] = (),
    *,
    goes_on: bool = True,
) -> Parts:
    """Everything a run of this plan needs: every tool is there, every task has a model.

    model           the road to real models
    history, asked  what happened in the run so far, and its questions: what a script has answered there is used up
    goes_on         False: the run only ends, and what its steps would need, tools and models, may be missing

    Raises UnknownToolError, ToolUnusableError, ModelNotConfiguredError, PolicyError, UsageError, and InvalidPlanError
    when nobody approves an irreversible call.
    """
    script = given.script
    policy = settings.policy
    check_imports(plan, policy)
    check_handed_models(plan, settings.models)
    guards = tuple(of_policy(policy, lambda use: load_function(use, policy.root)))  # before code of the plan's
    people = None if script is not None and script.strict else _people(plan, given)
    players = Players(model, None, people) if script is None else players_of(script, people, history, asked)
    parts = Parts(
        tools=given.catalogue(plan),
        model=players.model,
        aliases=settings.models,
        tool_script=players.tools,
        handler=players.people,
        ceilings=policy.limits,
        bindings=(*guards, *of_runner(given.hooks)),
        own_list=0,
        large_output=settings.large_output_tokens,
        streams=given.stream,
    )
    return _of_plan(plan, parts.tools, parts, given, settings, goes_on)


def _of_plan(plan: Plan, tools: Catalogue, around: Parts, given: Given, settings: Settings, goes_on: bool) -> Parts:
    """The parts of a plan inside of what has these parts: hooks add up, tools, models and defaults are its own."""
    defaults = _first(_one(given.model), plan.default_models, _one(settings.model))
    if goes_on:
        _check(plan, tools, around, given, settings, defaults)
    own_list = around.own_list + 1
    own = of_plan(plan, lambda use: load_function(use, plan.root), own_list)
    parts = replace(
        around,
        tools=tools,
        default_models=defaults if given.script is None else defaults or (SCRIPTED,),
        bindings=(*around.bindings, *own),
        own_list=own_list,
    )
    if not plan.subplans:
        return parts
    return replace(
        parts,
        subplans={
            name: _of_plan(inner, given.catalogue(inner), parts, given, settings, goes_on)
            for name, inner in plan.subplans.items()
        },
    )


def _check(
    plan: Plan, tools: Catalogue, around: Parts, given: Given, settings: Settings, defaults: tuple[str, ...]
) -> None:
    tools.check()
    if given.script is None:
        check_models(plan, defaults)
    check_policy_models(plan, settings.policy, defaults, settings.models)
    if given.script is None or not given.script.strict:  # under a strict script nothing real is called
        ids = {call.names[0]: tools.resolve(call.names[0]).tool.id for call in plan.unapproved}
        check_approved(plan, around.bindings, ids, settings.policy)


async def check_all_prices(plan: Plan, parts: Parts) -> None:
    """ModelNotConfiguredError when what a run may cost is limited, by the policy, the plan or one inside of it, and
    nobody knows the price of a model that it may use there."""
    known: set[tuple[int, tuple[str, ...]]] = set()
    heap = [(plan, parts, None if parts.ceilings.usd is None else "the policy")]
    while heap:
        each, its, who = heap.pop()
        if who is None and each.limits.usd is not None:
            who = "the plan" if each is plan else f"the plan {each.name!r}"
        key = (id(each), tuple(its.default_models))
        if who is not None and key not in known:
            known.add(key)
            await check_prices(each, its.model, its.default_models, its.aliases, who)
        heap += [(inner, its.subplans[name], who) for name, inner in each.subplans.items()]


def planner_model(settings: Settings, given: Given, road: Callable[[], Model]) -> tuple[Model, Sequence[ModelChoice]]:
    """The road to the planner's model, and the models that are tried. ModelNotConfiguredError when none is named."""
    names = _first(_one(given.model), _one(settings.model))
    if given.script is not None:
        return ScriptedModel(given.script.replies), models_named(names or (SCRIPTED,), NOTHING, settings.models)
    if not names:
        raise no_model("the planner")
    check_model_names("the planner", names, NOTHING, settings.models, settings.policy)
    return road(), models_named(names, NOTHING, settings.models)


def _people(plan: Plan, given: Given) -> Handler | None:
    """Who answers questions at once: the caller's handler, else the plan's."""
    people = None if given.hooks is None else given.hooks.clarification_handler
    people = people or handler_of_plan(plan, lambda use: load_function(use, plan.root))
    return None if people is None else asker(people)


def _one(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _first(*names: Sequence[str]) -> tuple[str, ...]:
    """The first that names anything."""
    return tuple(next((each for each in names if each), ()))
