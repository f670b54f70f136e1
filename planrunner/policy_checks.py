"""A plan is held against the policy, and against what it does not prove itself, before a run of it exists.

The rule `policy` of the checker says the same at its line and column; this is for plans that came another way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from planrunner.errors import InvalidPlanError, PolicyError
from planrunner.hooks.base import BEFORE_TOOL_CALL, Binding, meets
from planrunner.models.base import models_named
from planrunner.plan import ModelAlias, Plan, UnapprovedCall
from planrunner.policy import Policy


def check_imports(plan: Plan, policy: Policy) -> None:
    """PolicyError when the plan, or one inside of it, names a module, or a package's plan, that is not allowed."""
    for each in plan.walk_plans():
        uses = (*(entry.use for entry in each.tools.values()), *(entry.use for entry in each.hooks))
        for use in uses:
            if use is not None and ":" in use and (refusal := policy.import_refusal(use)):
                raise PolicyError(f"the plan {each.name!r}: use: {use!r}: {refusal}")
        for name in each.subplans:
            if refusal := policy.package_refusal(name):
                raise PolicyError(f"the plan {each.name!r}: plan: {name!r}: {refusal}")


def check_policy_models(
    plan: Plan, policy: Policy, default_models: Sequence[str], aliases: Mapping[str, ModelAlias]
) -> None:
    """PolicyError when a task of the plan may come to a model that is not allowed.

    aliases  of the project
    """
    for alias, entry in plan.models.items():
        if refused := policy.parameter_refusal(entry.parameters):
            raise PolicyError(f"the plan {plan.name!r}: models.{alias}: {refused[1]}")
    for step in plan.walk():
        if step.verb == "task":
            names = plan.agent_of(step).model or default_models
            check_model_names(f"the step {step.id!r}", names, plan.models, aliases, policy)


def check_model_names(
    who: str, names: Sequence[str], own: Mapping[str, ModelAlias], aliases: Mapping[str, ModelAlias], policy: Policy
) -> None:
    """PolicyError when one of these models, or of those behind an alias, is not allowed."""
    for choice in models_named(names, own, aliases):
        if refusal := policy.model_refusal(choice.model):
            raise PolicyError(f"{who}: {refusal}")


def check_ceilings(limits: Mapping[str, Any], policy: Policy) -> None:
    """PolicyError when a limit is to be raised above its ceiling."""
    for refusal in policy.limit_refusals(limits).values():
        raise PolicyError(refusal)


def check_approved(plan: Plan, around: Sequence[Binding], ids: Mapping[str, str], policy: Policy) -> None:
    """InvalidPlanError when an irreversible call is approved neither by the plan itself nor by a hook around it.

    around  the bindings outside of the plan: the policy's, the Runner's, those of plans around it
    ids     a tool's name in the plan → its own id
    """
    for call in plan.unapproved:
        guarded = any(guard in policy.approving_hooks for guard in call.guards)
        if not guarded and not any(_approve(bindings, call, ids, policy) for bindings in _lists(around)):
            tool, where = call.names[0], f" ({call.where})" if call.where else ""
            raise InvalidPlanError(
                f"nobody approves the call of {tool} in the step {call.step!r} of the plan {plan.name!r}{where}, "
                f"which can't be taken back: bind clarify_on_tool_calls for {tool} at before_tool_call, in the plan, "
                "in the policy or in Runner(execution_hooks=…), or name a function that asks under the policy's "
                "approving_hooks"
            )


def _lists(bindings: Sequence[Binding]) -> Iterator[list[Binding]]:
    guards = (binding for binding in bindings if binding.point == BEFORE_TOOL_CALL)
    yield from (list(listed) for _, listed in groupby(guards, lambda binding: binding.lists))


def _approve(bindings: Iterable[Binding], call: UnapprovedCall, ids: Mapping[str, str], policy: Policy) -> bool:
    """Whether a list surely has this call approved: by a function that is trusted with it, or by its first speaker."""
    spoken = False
    for binding in bindings:
        names = (*call.names, ids[call.names[0]]) if binding.by_id else call.names
        if not meets(binding.tools, names) or not meets(binding.matcher.tool, names):
            continue
        always = binding.when is None and not (binding.matcher.step or binding.matcher.effect or binding.matcher.args)
        if binding.verdict is None:
            if always and _reference(binding) in policy.approving_hooks:
                return True
        elif not spoken:
            if binding.verdict == "allow":
                spoken = True
            elif always:
                return True
    return False


def _reference(binding: Binding) -> str:
    """The function of a binding, as `package.module:name`."""
    named = ":" in binding.name
    return binding.name if named else f"{binding.hook.__module__}:{getattr(binding.hook, '__qualname__', binding.name)}"
