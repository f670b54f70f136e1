"""What is made sure of before a run exists: inputs, context and models fit the plan. Nothing here is recorded."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from planrunner.errors import ContextError, InputsError, ModelNotConfiguredError, SchemaError
from planrunner.json_schema import SchemaProblem, compile_schema, with_defaults
from planrunner.jsonsafe import to_json_safe
from planrunner.plan import Plan


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


def check_models(plan: Plan, default_model: str | None) -> None:
    """ModelNotConfiguredError when a task would have no model."""
    if default_model is not None:
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
    named = (plan.default_model, *(name for agent in agents for name in agent.model))
    for name in named:
        if name is not None and name not in known:
            raise ModelNotConfiguredError(
                f"the planner of the plan {plan.name!r} was handed the model {name!r}, which is not known here: "
                f"add it to planrunner.toml as [models.{name}], or plan anew"
            )


def _takes(plan: Plan) -> str:
    names = ", ".join(plan.inputs.get("properties", {}))
    return f"it takes: {names}" if names else "it takes no inputs"


def _listed(what: str, problems: list[SchemaProblem], advice: str) -> str:
    lines = "".join(f"\n  {problem}" for problem in problems)
    return f"{what}:{lines}\n{advice}"
