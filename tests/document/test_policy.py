"""What a plan says against a policy is told at its line and column."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from planrunner.document.load import load_document
from planrunner.plan import HookEntry, Limits, ModelAlias
from planrunner.policy import Policy
from planrunner.settings import Settings

TOOLS = 'tools: {refund: {use: "shop.money:refund", effect: irreversible}, pay: {use: "shop.money:refund"}}\n'
ASKED = "hooks: {before_tool_call: [{use: clarify_on_all_tool_calls}]}\n"
PAY = "steps: [{id: a, tool: refund}]\n"


def told(text: str, policy: Policy, aliases: dict[str, ModelAlias] | None = None) -> list[str]:
    whole = "planrunner: 1\nname: shop\n" + text
    settings = Settings(store="memory", models=aliases or {}, policy=policy)
    loaded = load_document(whole.encode(), "plan.yml", path=None, root=".", settings=settings)
    return [str(problem) for problem in loaded.problems if problem.level == "error"]


DENIED = "the policy denies calls of 'refund': take another tool, or ask who keeps the policy [policy]"


@pytest.mark.parametrize("deny", ["refund", "r*", "shop.money:*", "pay"])
def test_a_denied_tool_by_any_of_its_names(deny: str) -> None:
    assert told(TOOLS + ASKED + PAY, Policy(deny=(deny,))) == [f"5:23: {DENIED}"]
    agent = "agents: {clerk: {model: a/b, tools: [log, refund]}}\nsteps: [{id: a, task: x, agent: clerk}]\n"
    assert told(TOOLS + ASKED + agent, Policy(deny=(deny,))) == [f"5:43: {DENIED}"]


def test_other_tools_may_be_named() -> None:
    assert told(TOOLS + ASKED + PAY, Policy(deny=("log", "refun", "shop"))) == []


def test_models_that_are_not_allowed() -> None:
    text = """models:
  own: {model: [openai/x, evil/y]}
agents:
  a: {model: own}
  b: {model: [evil/z, openai/x]}
  c: {model: shared}
  d: {model: ours}
defaults: {model: evil/d}
steps:
  - {id: a, task: x, agent: a}
  - {id: b, task: x, agent: b}
  - {id: c, task: x, agent: c}
  - {id: d, task: x, agent: d}
  - {id: e, task: x, agent: {model: "openai/y"}}
"""
    aliases = {"shared": ModelAlias(("evil/s",)), "ours": ModelAlias(("openai/o",))}
    wrong = "the policy does not allow the model 'evil/{}': it allows openai/* [policy]"
    places = {"4:27": "y", "7:15": "z", "8:14": "s", "10:19": "d"}
    expected = [f"{place}: {wrong.format(name)}" for place, name in places.items()]
    assert told(text, Policy(models=("openai/*",)), aliases) == expected
    assert told(text, Policy(), aliases) == []
    none = told("steps: [{id: a, task: x, agent: {model: openai/x}}]\n", Policy(models=()))
    assert none == ["3:41: the policy does not allow the model 'openai/x': it allows none [policy]"]


def test_a_model_of_the_plans_own_can_not_lead_elsewhere() -> None:
    text = 'models: {m: {model: openai/x, api_base: "http://evil"}}\nsteps: [{id: a, task: x, agent: {model: m}}]\n'
    (line,) = told(text, Policy(models=("openai/*",)))
    assert line.startswith("3:31: the policy names the models that may be called, and 'api_base' could lead elsewhere")
    assert told(text, Policy()) == []


def test_limits_above_the_ceilings() -> None:
    text = "limits: {usd: 2, tokens: 10, llm_calls: 5, duration: 2h}\nsteps: [{id: a, set: 1}]\n"
    ceilings = Limits(usd=1.5, tokens=10, llm_calls=6, tool_calls=3, duration=3600)
    assert told(text, Policy(limits=ceilings)) == [
        "3:15: the policy's ceiling for usd is 1.5: name at most that [policy]",
        "3:54: the policy's ceiling for duration is 3600 seconds: name at most that [policy]",
    ]


def test_a_ceiling_of_millions_is_told_in_digits() -> None:
    assert told("limits: {tokens: 3000000}\nsteps: [{id: a, set: 1}]\n", Policy(limits=Limits(tokens=2_000_000))) == [
        "3:18: the policy's ceiling for tokens is 2000000: name at most that [policy]"
    ]


@pytest.mark.parametrize("allowed", ["shop", "shop.money", "shop.*", "sh*"])
def test_modules_that_may_be_named(allowed: str) -> None:
    assert told(TOOLS + ASKED + PAY, Policy(imports=(allowed,))) == []


def test_modules_that_may_not_be_named() -> None:
    hooks = 'hooks: {before_tool_call: [{use: clarify_on_all_tool_calls}, {use: "evil.hooks:spy"}]}\n'
    refused = "the policy does not allow to import {!r}: a `use` may name shopping, sho [policy]"
    assert told(TOOLS + hooks + PAY, Policy(imports=("shopping", "sho"))) == [
        f"3:23: {refused.format('shop.money')}",
        f"3:78: {refused.format('shop.money')}",
        f"4:68: {refused.format('evil.hooks')}",
    ]


def test_packages_whose_plans_may_not_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "policy_plans").mkdir()
    (tmp_path / "policy_plans" / "short.yml").write_text("planrunner: 1\nname: short\nsteps: [{id: a, set: 1}]\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    text = 'steps: [{id: a, plan: "policy_plans:short.yml"}]\n'
    refused = "the policy does not allow plans of the package 'policy_plans': a `plan` may name those of shop, acme"
    assert told(text, Policy(imports=("shop", "acme"))) == [f"3:23: {refused} [policy]"]
    assert told(text, Policy(imports=("policy_*",))) == []
    assert told(text, Policy(deny=("x",))) == []


@pytest.mark.parametrize(
    "policy",
    [
        Policy(approve=("refund",)),
        Policy(approve=("shop.money:*",)),
        Policy(approve=("pay",)),
        Policy(hooks=(HookEntry("before_tool_call", "clarify_on_all_tool_calls"),)),
        Policy(approving_hooks=("shop.hooks:guard",)),
    ],
)
def test_what_counts_as_an_approval(policy: Policy) -> None:
    text = TOOLS + 'hooks: {before_tool_call: [{use: "shop.hooks:guard"}]}\n' + PAY
    assert told(text, policy) == []
    assert len(told(text, Policy())) == 1


@pytest.mark.parametrize(
    "policy",
    [
        Policy(approve=("log",)),
        Policy(hooks=(HookEntry("before_tool_call", "clarify_on_all_tool_calls", when="args.x > 1"),)),
        Policy(hooks=(HookEntry("before_tool_call", "clarify_on_all_tool_calls", match={"args": {"x": "1"}}),)),
        Policy(hooks=(HookEntry("after_tool_call", "clarify_on_all_tool_calls"),)),
        Policy(approving_hooks=("shop.hooks:other",)),
    ],
)
def test_what_does_not_count_as_an_approval(policy: Policy) -> None:
    text = TOOLS + 'hooks: {before_tool_call: [{use: "shop.hooks:guard"}]}\n' + PAY
    assert [line[-len("[unapproved]") :] for line in told(text, policy)] == ["[unapproved]"]


def test_an_approving_hook_counts_only_where_it_surely_fires() -> None:
    for only in ("when: args.x > 1", "match: {step: b}", "match: {args: {x: '1'}}"):
        hooks = f'hooks: {{before_tool_call: [{{use: "shop.hooks:guard", {only}}}]}}\n'
        text = TOOLS + hooks + "steps: [{id: a, tool: refund}, {id: b, set: 1}]\n"
        assert len(told(text, Policy(approving_hooks=("shop.hooks:guard",)))) == 1


def test_what_a_plan_allows_does_not_get_past_the_policy() -> None:
    hooks = "hooks: {before_tool_call: [{use: allow_tool_calls, with: {tools: ['*']}}]}\n"
    assert told(TOOLS + hooks + PAY, Policy(approve=("refund",))) == []
    assert len(told(TOOLS + hooks + PAY, Policy())) == 1
