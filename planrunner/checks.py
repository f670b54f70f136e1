"""What is made sure of before a run exists: inputs, context and models fit the plan. Nothing here is recorded."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

from planrunner.errors import ContextError, InputsError, ModelNotConfiguredError, SchemaError, UsageError
from planrunner.json_schema import compile_schema, with_defaults
from planrunner.jsonsafe import to_json_safe
from planrunner.limits import NAMES as LIMITS
from planrunner.models.base import Model, models_named
from planrunner.plan import ModelAlias, Plan
from planrunner.registry import hint
from planrunner.run_state import FAILED, RunState
from planrunner.schema_words import SchemaProblem
from planrunner.times import seconds


def checked_inputs(plan: Plan, inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    """A copy of the inputs with the defaults filled in. InputsError names every input that is missing or wrong."""
    if inputs is not None and not isinstance(inputs, Mapping):
        raise InputsError(f"inputs are a mapping of name to value, and not {type(inputs).__name__}")
    try:
        given = with_defaults(plan.inputs, to_json_safe(dict(inputs or {}), "inputs"))
    except SchemaError as error:
        raise InputsError(str(error)) from None
    problems = compile_schema(plan.inputs).problems(given)
    if problems:
        raise InputsError(_listed(f"the inputs do not fit the plan {plan.name!r}", problems, _takes(plan)))
    return given


def checked_context(plan: Plan, context: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the context with the contract's defaults. ContextError says what the plan's `context` block demands."""
    try:
        given: dict[str, Any] = to_json_safe(context, "the execution context")
    except SchemaError as error:
        raise ContextError(str(error)) from None
    contract = plan.context
    if contract.end_user_id_required and given["end_user_id"] is None:
        raise ContextError(
            f"the plan {plan.name!r} acts for an end user and none was given: pass their id "
            "(--user ID, or execution_context(end_user_id=...))"
        )
    if contract.additional_data is not None:
        data = given["additional_data"] = with_defaults(contract.additional_data, given["additional_data"])
        problems = compile_schema(contract.additional_data).problems(data)
        if problems:
            what = f"the additional_data of the end user's context does not fit the plan {plan.name!r}"
            raise ContextError(_listed(what, problems, "pass it with --data NAME=VALUE or --context FILE"))
    return given


def check_models(plan: Plan, default_models: Sequence[str]) -> None:
    """ModelNotConfiguredError when a task would have no model."""
    if default_models:
        return
    for step in plan.walk():
        if step.verb == "task" and not plan.agent_of(step).model:
            raise no_model(f"the step {step.id!r}")


def no_model(who: str) -> ModelNotConfiguredError:
    """The error to raise when nobody named a model: who needs one, and three ways out."""
    return ModelNotConfiguredError(
        f"{who} needs a model and none is named. Name one with --model (such as --model openai/gpt-4o-mini, with its "
        "key in the environment); or use a local server: --model openai/NAME with "
        "OPENAI_API_BASE=http://localhost:PORT/v1; or run without any model: --script FILE"
    )


def check_handed_models(plan: Plan, known: Container[str]) -> None:
    """ModelNotConfiguredError when a planner's plan names a model that was handed to it and that is not known here:
    a name that is no alias would be sent to a provider as it is.
    """
    if plan.handed is None:
        return
    agents = (*plan.agents.values(), *(plan.agent_of(step) for step in plan.walk()))
    for name in (*plan.default_models, *(name for agent in agents for name in agent.model)):
        if name not in known:
            raise ModelNotConfiguredError(
                f"the planner of the plan {plan.name!r} was handed the model {name!r}, which is not known here: "
                f"add it to planrunner.toml as [models.{name}], or plan anew"
            )


async def check_prices(
    plan: Plan,
    model: Model,
    default_models: Sequence[str],
    aliases: Mapping[str, ModelAlias],
    who: str,
) -> None:
    """ModelNotConfiguredError when a model that the plan may use has no known price.

    who  limits what a run may cost: `the policy`, `the plan`, `the plan 'around'`
    """
    for step in plan.walk():
        if step.verb != "task":
            continue
        for choice in models_named(plan.agent_of(step).model or default_models, plan.models, aliases):
            if not await model.knows_price(choice):
                raise ModelNotConfiguredError(
                    f"{who} limits what a run may cost (limits.usd), and nobody knows the price of {choice.model}, "
                    f"which the step {step.id!r} of the plan {plan.name!r} uses: take another model, give the price "
                    "under `models` as input_cost_per_token and output_cost_per_token, or limit tokens in place of usd"
                )


_WANTED: Final = {"usd": "a number above 0", "duration": "a duration above 0, such as 10m"}


def raised_limits(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Limits for a new try, checked. UsageError for one there is not, or a value that is none."""
    raised = {}
    for name, value in limits.items():
        if name not in LIMITS:
            known = hint(name, LIMITS) or f"; the limits are {', '.join(LIMITS)}"
            raise UsageError(f"there is no limit {name!r}{known}")
        try:
            raised[name] = seconds(value) if name == "duration" else float(value) if name == "usd" else int(value)
        except (TypeError, ValueError, KeyError):
            raised[name] = -1
        if not raised[name] > 0:
            raise UsageError(
                f"the limit {name} must be {_WANTED.get(name, 'a whole number above 0')}, and is {value!r}"
            )
    return raised


def check_raised(plan: Plan, run: RunState, limits: Mapping[str, Any]) -> None:
    """UsageError when these limits can't be raised: the run is not FAILED, or they are no higher than those it has."""
    if limits and run.state != FAILED:
        raise UsageError(
            f"limits are raised for a new try of a FAILED run, and run {run.id} is {run.state}: leave them out"
        )
    for name, value in limits.items():
        now = run.raised_limits.get(name, getattr(plan.limits, name))
        if now is None:
            raise UsageError(f"the plan {plan.name!r} has no limit {name}: there is nothing to raise")
        if value <= now:
            raise UsageError(f"the limit {name} is {now:.12g} already: give a higher one, and not {value:.12g}")


def _takes(plan: Plan) -> str:
    names = ", ".join(plan.inputs.get("properties", {}))
    return f"it takes: {names}" if names else "it takes no inputs"


def _listed(what: str, problems: list[SchemaProblem], advice: str) -> str:
    lines = "".join(f"\n  {problem}" for problem in problems)
    return f"{what}:{lines}\n{advice}"
