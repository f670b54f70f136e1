"""A policy stands outside of every plan: whatever a plan says, it holds in the run, also when that is carried on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from planrunner import (
    ExecutionHooks,
    InputClarification,
    InvalidPlanError,
    ModelNotConfiguredError,
    PlanRun,
    Runner,
    Tool,
    ToolRunContext,
    UsageError,
)
from planrunner.document.load import load_plan
from planrunner.document.script import Script
from planrunner.errors import PolicyError
from planrunner.hooks.clarify_on_tool_calls import clarify_on_tool_calls
from planrunner.models.base import ModelRequest, Reply, ToolCall
from planrunner.plan import Limits, ModelAlias, Plan
from planrunner.policy import Policy
from planrunner.policy_file import policy_of, read_policy_file
from planrunner.settings import Settings, load_settings
from tests.conftest import PlanOf

WHOLE = """
approve = ["refund", "shop.*:*"]
deny = ["shell"]
models = ["openai/*"]
approving_hooks = ["acme.guards:approve"]
imports = ["shop"]

[limits]
usd = 1.5
tokens = 1000
llm_calls = 10
tool_calls = 5
duration = "10m"

[[hooks.before_tool_call]]
use = "acme.guards:approve"
with = {limit = 500}
match = {tool = "refund", args = {currency = ["EUR", "USD"]}}
when = "args.amount > 10"
timeout = "5s"

[[hooks.after_step_execution]]
use = "log_step_outputs"
on_error = "log"
"""


class Refund(Tool):
    """What nobody can take back."""

    id = "refund"
    effect = "irreversible"
    args_schema = {"type": "object"}

    def __init__(self) -> None:
        self.called = 0

    def run(self, ctx: ToolRunContext, **args: object) -> str:
        self.called += 1
        return "paid"


@pytest.fixture
def refund() -> Refund:
    return Refund()


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project folder whose modules leave a trace when they are imported."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planrunner.toml").touch()
    body = "import pathlib\npathlib.Path('imported').touch()\ncalls = []\ndef spy(**_): return 1\n"
    (tmp_path / "policy_evil.py").write_text(body + "def guard(*a): calls.append(a)\n")
    yield tmp_path
    sys.modules.pop("policy_evil", None)


def run(plan: Plan, policy: Policy | None, *tools: Tool, **given: object) -> PlanRun:
    with Runner(store="memory", tools=tools, policy=policy, **given) as runner:  # type: ignore[arg-type]
        return runner.run(plan)


def told(record: PlanRun) -> tuple[str, str]:
    assert record.error is not None
    return record.error.kind, record.error.message


# The file


def test_a_whole_policy(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(WHOLE, "utf-8")
    policy = read_policy_file(tmp_path / "policy.toml")
    assert policy.approve == ("refund", "shop.*:*")
    assert policy.deny == ("shell",)
    assert policy.models == ("openai/*",)
    assert policy.limits == Limits(1.5, 1000, 10, 5, 600.0)
    assert policy.approving_hooks == ("acme.guards:approve",)
    assert policy.imports == ("shop",)
    assert policy.root == str(tmp_path)
    guard, log = policy.hooks
    assert (guard.point, guard.use, guard.when, guard.timeout) == (
        "before_tool_call",
        "acme.guards:approve",
        "args.amount > 10",
        5.0,
    )
    assert guard.match == {"tool": "refund", "args": {"currency": ["EUR", "USD"]}}
    assert (log.point, log.use, log.on_error) == ("after_step_execution", "log_step_outputs", "log")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("denied = ['x']\n", "denied: is not a known name; did you mean 'deny'?"),
        ("deny = 'x'\n", "deny: must be a list"),
        ("deny = ['']\n", "deny[0]: "),
        ("models = [1]\n", "models[0]: must be a string"),
        ("imports = true\n", "imports: must be a list"),
        ("[limits]\nusd = -1\n", "limits.usd: "),
        ("[limits]\ncalls = 1\n", "limits.calls: is not a known name"),
        ("[limits]\nduration = '1 week'\n", "limits.duration: "),
        ("[limits]\ntokens = 1.5\n", "limits.tokens: "),
        ("[hooks]\nbefore_call = []\n", "hooks.before_call: is not a known name; did you mean 'before_tool_call'?"),
        ("[hooks]\nclarification_handler = []\n", "hooks.clarification_handler: is not a known name"),
        ("[[hooks.before_tool_call]]\nwhen = 'true'\n", "hooks.before_tool_call[0].use: is missing"),
        ("[[hooks.before_tool_call]]\nuse = 'clarify'\n", "there is no built-in hook 'clarify'"),
        ("[[hooks.before_tool_call]]\nuse = 'fail'\nwhen = 'a ==='\n", "hooks.before_tool_call: fail: when: "),
        ("[[hooks.before_tool_call]]\nuse = 'fail'\non_error = 'log'\n", "on_error must be fail"),
        ("[[hooks.before_tool_call]]\nuse = 'fail'\nmatch = {tol = 'x'}\n", "match.tol: is not a known name"),
        ("approving_hooks = ['guard']\n", "approving_hooks[0]: "),
        ("deny = [\n", "can't be read: it is not valid TOML: "),
        ("deny = ['\x00']\n", "can't be read: it is not valid TOML: "),
    ],
)
def test_what_a_policy_can_not_say(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError) as raised:
        read_policy_file(file)
    assert str(raised.value).startswith(f"the policy {file} ")
    assert said in str(raised.value)


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the policy .*none\.toml can't be read: No such file or directory"):
        read_policy_file(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="can't be read: Is a directory"):
        read_policy_file(tmp_path)


def test_the_project_file_has_one_and_a_flag_or_the_environment_name_another(tmp_path: Path) -> None:
    (tmp_path / "planrunner.toml").write_text("[policy]\ndeny = ['project']\n", "utf-8")
    (tmp_path / "flag.toml").write_text("deny = ['flag']\n", "utf-8")
    (tmp_path / "env.toml").write_text("deny = ['env']\n", "utf-8")
    environ = {"PLANRUNNER_POLICY": str(tmp_path / "env.toml")}
    assert load_settings(tmp_path, environ={}).policy.deny == ("project",)
    assert load_settings(tmp_path, environ=environ).policy.deny == ("env",)
    assert load_settings(tmp_path, environ=environ, policy=tmp_path / "flag.toml").policy.deny == ("flag",)
    assert load_settings(tmp_path, environ={"PLANRUNNER_POLICY": ""}).policy.deny == ("project",)


def test_a_table_of_pyproject_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.planrunner.policy]\ndney = []\n", "utf-8")
    with pytest.raises(UsageError) as raised:
        load_settings(tmp_path, environ={})
    assert str(raised.value).startswith(
        f"{tmp_path / 'pyproject.toml'}: tool.planrunner.policy says what a policy can't"
    )
    (tmp_path / "pyproject.toml").write_text("[tool.planrunner]\npolicy = 'x'\n", "utf-8")
    with pytest.raises(UsageError, match=r"tool\.planrunner\.policy must be a table"):
        load_settings(tmp_path, environ={})


# deny, approve


@pytest.mark.parametrize("deny", ["refund", "re*"])
def test_a_denied_call_is_rejected_whatever_the_plan_calls_the_tool(plan_of: PlanOf, refund: Refund, deny: str) -> None:
    plan = plan_of("""
        hooks: {before_tool_call: [{use: allow_tool_calls, with: {tools: ['*']}}]}
        tools: {refund: {}}
        steps: [{id: pay, tool: refund}]
    """)
    record = run(plan, Policy(deny=(deny,)), refund)
    assert told(record) == ("rejected", "calls of refund are denied by the policy")
    assert refund.called == 0


def test_another_name_is_no_way_round(plan_of: PlanOf, tmp_path: Path) -> None:
    module = (
        "from planrunner import tool\n@tool(effect='write')\ndef refund() -> str:\n    '''Pay.'''\n    return 'paid'\n"
    )
    (tmp_path / "policy_shop.py").write_text(module)
    plan = plan_of("""
        tools: {harmless: {use: "policy_shop:refund"}}
        steps: [{id: pay, tool: harmless}]
    """)
    assert run(plan, None).state == "COMPLETE"
    assert told(run(plan, Policy(deny=("refund",))))[0] == "rejected"
    assert told(run(plan, Policy(deny=("policy_shop:*",))))[0] == "rejected"
    assert run(plan, Policy(approve=("refund",))).state == "NEED_CLARIFICATION"


class Model:
    """Calls the tool, then ends."""

    async def ready(self) -> None:
        """It always is."""

    async def complete(self, request: ModelRequest) -> Reply:
        return Reply(None, (ToolCall("c", "refund", "{}"),)) if request.turn == 0 else Reply("done")


def test_an_agents_call_is_denied_or_approved_as_any(
    plan_of: PlanOf, refund: Refund, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, "_model", lambda *_: Model())
    plan = plan_of("steps: [{id: work, task: Work., agent: {model: openai/x, tools: [refund]}}]")
    assert told(run(plan, Policy(deny=("refund",)), refund))[0] == "rejected"
    assert run(plan, Policy(approve=("refund",)), refund).state == "NEED_CLARIFICATION"
    assert refund.called == 0


def test_an_approved_call_asks_also_where_the_plan_allows_it(plan_of: PlanOf, refund: Refund) -> None:
    plan = plan_of("""
        hooks: {before_tool_call: [{use: allow_tool_calls, with: {tools: ['*']}}]}
        steps: [{id: pay, tool: refund}]
    """)
    for answer, state, called in (("yes", "COMPLETE", 1), ("no", "FAILED", 1)):
        with Runner(store="memory", tools=[refund], policy=Policy(approve=("refund",))) as runner:
            waits = runner.run(plan)
            (question,) = waits.get_outstanding_clarifications()
            runner.resolve_clarification(question, answer, waits)
            assert runner.resume(waits).state == state
        assert refund.called == called


def test_a_policy_that_grew_stricter_holds_when_a_run_is_carried_on(plan_of: PlanOf, refund: Refund) -> None:
    plan = plan_of("""
        steps:
          - {id: sure, clarify: {type: user_verification, guidance: Sure?}}
          - {id: pay, tool: refund}
    """)
    with Runner(store="memory", tools=[refund]) as first:
        waits = first.run(plan)
        first.resolve_clarification(waits.get_outstanding_clarifications()[0], "yes", waits)
        second = Runner(store="memory", tools=[refund], policy=Policy(deny=("refund",)))
        second._journals = first._journals
        assert told(second.resume(waits.id))[0] == "rejected"
    assert refund.called == 0


def test_an_approval_that_was_given_is_no_answer_to_a_new_denial(plan_of: PlanOf, refund: Refund) -> None:
    """Firings are recorded by their list: what was denied later has a list of its own."""
    plan = plan_of("steps: [{id: pay, tool: refund}]")
    with Runner(store="memory", tools=[refund], policy=Policy(approve=("refund",))) as first:
        waits = first.run(plan)
        first.resolve_clarification(waits.get_outstanding_clarifications()[0], "yes", waits)
        second = Runner(store="memory", tools=[refund], policy=Policy(deny=("refund",), approve=("refund",)))
        second._journals = first._journals
        assert told(second.resume(waits.id))[0] == "rejected"
    assert refund.called == 0


def test_a_plan_inside_of_a_plan_is_held_to_it_too(plan_of: PlanOf, refund: Refund) -> None:
    outer = plan_of("steps: [{id: a, set: 1}]")
    step = replace(outer.steps[0], verb="plan", value="./inner.yml")

    def around(inner: Plan, outer: Plan = outer) -> Plan:
        return replace(outer, steps=(step,), subplans={"./inner.yml": inner})

    plan = around(
        plan_of("""
            limits: {tool_calls: 9}
            hooks: {before_tool_call: [{use: allow_tool_calls, with: {tools: ['*']}}]}
            steps: [{id: note, tool: log, args: {message: x}}, {id: pay, tool: refund}]
        """)
    )
    assert run(plan, None, refund).state == "COMPLETE"
    assert told(run(plan, Policy(deny=("refund",)), refund)) == ("rejected", "calls of refund are denied by the policy")
    assert run(plan, Policy(approve=("refund",)), refund).state == "NEED_CLARIFICATION"
    assert "the policy's limit of 1 tool call" in told(run(plan, Policy(limits=Limits(tool_calls=1)), refund))[1]
    assert refund.called == 1
    with pytest.raises(PolicyError, match="evil/x"):
        run(around(plan_of("steps: [{id: a, task: x, agent: {model: evil/x}}]")), Policy(models=("openai/*",)))
    grave = plan_of(IRREVERSIBLE)
    with pytest.raises(InvalidPlanError, match="nobody approves"):
        run(around(grave), None, refund)
    asks = plan_of("hooks: {before_tool_call: [{use: clarify_on_all_tool_calls}]}\nsteps: [{id: a, set: 1}]")
    assert run(around(grave, asks), None, refund).state == "NEED_CLARIFICATION"


def test_a_call_that_waits_for_its_tool_is_denied_when_it_is_carried_on(plan_of: PlanOf) -> None:
    class Asks(Refund):
        def run(self, ctx: ToolRunContext, **args: object) -> object:
            if ctx.clarifications:
                return super().run(ctx, **args)
            return InputClarification(plan_run_id=ctx.plan_run.id, user_guidance="Why?", argument_name="why")

    tool = Asks()
    with Runner(store="memory", tools=[tool]) as first:
        waits = first.run(plan_of("steps: [{id: pay, tool: refund}]"))
        first.resolve_clarification(waits.get_outstanding_clarifications()[0], "so", waits)
        second = Runner(store="memory", tools=[tool], policy=Policy(deny=("refund",)))
        second._journals = first._journals
        assert told(second.resume(waits.id)) == ("rejected", "calls of refund are denied by the policy")
    assert tool.called == 0


# hooks


def test_hooks_of_the_policy_fire_first_and_last(modules: Path, plan_of: PlanOf) -> None:
    (modules / "policy_evil.py").write_text(
        "log = []\ndef before(plan, run, step): log.append('policy before')\n"
        "def after(plan, run, step, output): log.append('policy after')\n"
        "def plan_before(plan, run, step): log.append('plan before')\n"
    )
    table = {
        "before_step_execution": [{"use": "policy_evil:before"}],
        "after_step_execution": [{"use": "policy_evil:after"}],
    }
    policy = policy_of({"hooks": table}, "the policy", modules)
    plan = plan_of("""
        hooks: {before_step_execution: [{use: "policy_evil:plan_before"}]}
        steps: [{id: a, set: 1}]
    """)
    runner = ExecutionHooks(
        before_step_execution=lambda *_: sys.modules["policy_evil"].log.append("runner before"),
        after_step_execution=lambda *_: sys.modules["policy_evil"].log.append("runner after"),
    )
    assert run(plan, policy, execution_hooks=runner).state == "COMPLETE"
    log = sys.modules["policy_evil"].log
    assert log == ["policy before", "runner before", "plan before", "runner after", "policy after"]


def test_a_hook_of_the_policy_that_can_not_be_evaluated_fails_the_call(plan_of: PlanOf) -> None:
    table = {"before_tool_call": [{"use": "fail", "with": {"message": "no"}, "when": "args.missing > 1"}]}
    plan = plan_of("steps: [{id: a, tool: log, args: {message: x}}]")
    assert told(run(plan, policy_of({"hooks": table}, "the policy", ".")))[0] == "hook_error"


# models, limits, imports


@pytest.mark.parametrize(
    "steps",
    [
        "steps: [{id: a, task: x, agent: {model: evil/x}}]",
        "steps: [{id: a, task: x, agent: {model: [openai/x, evil/x]}}]",
        "models: {openai_x: {model: evil/x}}\nsteps: [{id: a, task: x, agent: {model: openai_x}}]",
        "defaults: {model: evil/x}\nsteps: [{id: a, task: x}]",
        "steps: [{id: a, steps: [{id: b, task: x, agent: {model: shared}}]}]",
        "steps: [{id: a, set: 1}]\nfinally: [{id: b, task: x, agent: {model: evil/x}}]",
    ],
)
@pytest.mark.parametrize("script", [None, Script(replies={"a": ["x"]})])
def test_models_outside_are_refused_before_a_run_exists(plan_of: PlanOf, steps: str, script: Script | None) -> None:
    policy = Policy(models=("openai/*",))
    settings = Settings(store="memory", models={"shared": ModelAlias(("evil/x",))}, policy=policy)
    with Runner(settings=settings, script=script) as runner:
        with pytest.raises(PolicyError, match="does not allow the model 'evil/x'"):
            runner.run(plan_of(steps))
        assert runner.runs.list() == []


def test_the_callers_model_and_the_planners_are_held_to_it_too(plan_of: PlanOf, modules: Path) -> None:
    with Runner(store="memory", model="evil/x", policy=Policy(models=("openai/*",))) as runner:
        with pytest.raises(PolicyError, match="the step 'a': the policy does not allow the model 'evil/x'"):
            runner.run(plan_of("steps: [{id: a, task: x}]"))
        with pytest.raises(PolicyError, match="the planner: the policy does not allow the model 'evil/x'"):
            runner.plan("Say hello")


def test_a_plans_own_model_can_not_lead_elsewhere(plan_of: PlanOf) -> None:
    plan = plan_of(
        'models: {m: {model: openai/x, api_base: "http://evil"}}\nsteps: [{id: a, task: x, agent: {model: m}}]'
    )
    with pytest.raises(PolicyError, match="'api_base' could lead elsewhere"):
        run(plan, Policy(models=("openai/*",)))


CALLS = "steps: [{id: a, tool: log, args: {message: x}}, {id: b, tool: log, args: {message: x}}]"


@pytest.mark.parametrize("limits", ["", "limits: {tool_calls: 5}\n"])
def test_ceilings_hold_where_a_plan_has_no_limit_or_a_higher_one(plan_of: PlanOf, limits: str) -> None:
    record = run(plan_of(limits + CALLS), Policy(limits=Limits(tool_calls=1)))
    assert told(record) == (
        "limit_exceeded",
        "the policy's limit of 1 tool call is reached (limits.tool_calls); who keeps the policy can raise it",
    )
    assert record.usage.tool_calls == 1


def test_a_lower_limit_of_the_plan_holds_below_the_ceiling(plan_of: PlanOf) -> None:
    record = run(plan_of("limits: {tool_calls: 1}\n" + CALLS), Policy(limits=Limits(tool_calls=5)))
    assert "the run's limit of 1 tool call" in told(record)[1]


def test_a_limit_is_not_raised_above_the_ceiling(plan_of: PlanOf) -> None:
    policy = Policy(limits=Limits(tool_calls=1))
    with Runner(store="memory", policy=policy) as runner:
        failed = runner.run(plan_of("limits: {tool_calls: 1}\n" + CALLS))
        with pytest.raises(PolicyError, match="the policy's ceiling for tool_calls is 1"):
            runner.resume(failed, retry=True, limits={"tool_calls": 5})
        lenient = Runner(store="memory")
        lenient._journals = runner._journals
        assert lenient.resume(failed, retry=True, limits={"tool_calls": 2}).state == "COMPLETE"


def test_what_was_raised_without_a_policy_does_not_get_past_one(plan_of: PlanOf) -> None:
    plan = plan_of("""
        limits: {tool_calls: 1}
        steps:
          - {id: a, tool: log, args: {message: x}}
          - {id: b, tool: log, args: {message: x}}
          - {id: c, clarify: {type: input, guidance: x}}
          - {id: d, tool: log, args: {message: x}}
    """)
    with Runner(store="memory") as runner:
        failed = runner.run(plan)
        waits = runner.resume(failed, retry=True, limits={"tool_calls": 9})
        runner.resolve_clarification(waits.get_outstanding_clarifications()[0], "x", waits)
        strict = Runner(store="memory", policy=Policy(limits=Limits(tool_calls=2)))
        strict._journals = runner._journals
        assert "the policy's limit of 2 tool calls" in told(strict.resume(waits.id))[1]


def test_a_model_of_unknown_price_is_refused_under_a_ceiling_of_cost(plan_of: PlanOf) -> None:
    pytest.importorskip("litellm")
    plan = plan_of("steps: [{id: a, task: x, agent: {model: openai/nobody-knows-this}}]")
    with pytest.raises(ModelNotConfiguredError, match="the policy limits what a run may cost"):
        run(plan, Policy(limits=Limits(usd=1)))


@pytest.mark.parametrize(
    ("around", "inside", "who"),
    [
        ("", "", "the policy"),
        ("limits: {usd: 1}", "", "the plan"),
        ("", "limits: {usd: 1}", "the plan 'inner'"),
    ],
)
def test_a_model_of_unknown_price_in_a_sub_plan_is_refused_too(
    plan_of: PlanOf, around: str, inside: str, who: str
) -> None:
    pytest.importorskip("litellm")
    step = "steps: [{id: deep, task: x, agent: {model: openai/nobody-knows-this}}]"
    inner = replace(plan_of(f"{inside}\n{step}"), name="inner")
    outer = plan_of(f"{around}\nsteps: [{{id: a, set: 1}}]")
    middle = replace(plan_of("steps: [{id: a, set: 1}]"), subplans={"./inner.yml": inner})
    policy = Policy(limits=Limits(usd=1)) if who == "the policy" else None
    said = f"{who} limits what a run may cost .* openai/nobody-knows-this, which the step 'deep' of the plan 'inner'"
    with pytest.raises(ModelNotConfiguredError, match=said):
        run(replace(outer, subplans={"./middle.yml": middle}), policy)


@pytest.mark.parametrize(
    "text",
    [
        'tools: {t: {use: "policy_evil:spy"}}\nsteps: [{id: a, tool: t}]',
        'tools: {t: {use: "policy_evil:spy"}}\nsteps: [{id: a, set: 1}]',
        'hooks: {before_tool_call: [{use: "policy_evil:guard"}]}\nsteps: [{id: a, set: 1}]',
        'hooks: {clarification_handler: {use: "policy_evil:spy"}}\nsteps: [{id: a, set: 1}]',
    ],
)
def test_other_modules_are_refused_before_anything_is_imported(modules: Path, plan_of: PlanOf, text: str) -> None:
    plan = plan_of(text)
    with pytest.raises(PolicyError, match="the policy does not allow to import 'policy_evil'"):
        run(plan, Policy(imports=("shop",)))
    inside = plan_of("steps: [{id: a, set: 1}]")
    with pytest.raises(PolicyError, match="the policy does not allow to import 'policy_evil'"):
        run(replace(inside, subplans={"./inner.yml": plan}), Policy(imports=()))
    assert not Path("imported").exists()


def test_plans_of_other_packages_are_refused_and_those_of_the_project_are_not(plan_of: PlanOf) -> None:
    inner, around = plan_of("steps: [{id: a, set: 1}]"), plan_of("steps: [{id: a, set: 1}]")
    with pytest.raises(PolicyError, match=r"does not allow plans of the package 'policy_evil': .* those of none"):
        run(replace(around, subplans={"policy_evil:inner.yml": inner}), Policy(imports=()))
    policy = Policy(imports=("policy_evil",))
    assert run(replace(around, subplans={"policy_evil:inner.yml": inner}), policy).state == "COMPLETE"
    assert run(replace(around, subplans={"./inner.yml": inner}), Policy(imports=())).state == "COMPLETE"


def test_built_in_tools_and_hooks_need_no_module(plan_of: PlanOf) -> None:
    plan = plan_of("hooks: {after_step_execution: [{use: log_step_outputs}]}\n" + CALLS)
    assert run(plan, Policy(imports=())).state == "COMPLETE"


# approval


def note(tool: Tool, args: object, plan_run: object, step: object) -> None:
    """A hook of the caller's, which may ask or not: nobody can tell."""


IRREVERSIBLE = "tools: {refund: {effect: irreversible}}\nsteps: [{id: pay, tool: refund}]"


def test_a_plan_without_approval_is_refused_before_it_runs(plan_of: PlanOf, refund: Refund) -> None:
    with pytest.raises(InvalidPlanError, match="nobody approves the call of refund in the step 'pay'"):
        run(plan_of(IRREVERSIBLE), None, refund)
    for policy in (Policy(approve=("log",)), Policy(approving_hooks=("shop:guard",))):
        with pytest.raises(InvalidPlanError, match="nobody approves"):
            run(plan_of(IRREVERSIBLE), policy, refund)
    assert refund.called == 0


def test_hooks_around_the_plan_may_approve(plan_of: PlanOf, refund: Refund) -> None:
    assert run(plan_of(IRREVERSIBLE), Policy(approve=("refund",)), refund).state == "NEED_CLARIFICATION"
    hooks = ExecutionHooks(before_tool_call=clarify_on_tool_calls("refund"))
    assert run(plan_of(IRREVERSIBLE), None, refund, execution_hooks=hooks).state == "NEED_CLARIFICATION"
    for other in (clarify_on_tool_calls("log"), note):
        with pytest.raises(InvalidPlanError, match="nobody approves"):
            run(plan_of(IRREVERSIBLE), None, refund, execution_hooks=ExecutionHooks(before_tool_call=other))
    trusted = Policy(approving_hooks=(f"{__name__}:note",))
    hooks = ExecutionHooks(before_tool_call=note)
    assert run(plan_of(IRREVERSIBLE), trusted, refund, execution_hooks=hooks).state == "COMPLETE"


def test_a_function_that_the_policy_trusts_approves(modules: Path, plan_of: PlanOf, refund: Refund) -> None:
    plan = plan_of('hooks: {before_tool_call: [{use: "policy_evil:guard"}]}\n' + IRREVERSIBLE)
    assert run(plan, Policy(approving_hooks=("policy_evil:guard",)), refund).state == "COMPLETE"
    assert len(sys.modules["policy_evil"].calls) == 1
    with pytest.raises(InvalidPlanError, match="nobody approves"):
        run(plan, None, refund)


def test_what_the_checker_does_not_know_to_be_irreversible_is_refused_under_finally(
    plan_of: PlanOf, refund: Refund
) -> None:
    plan = plan_of("steps: [{id: a, set: 1}]\nfinally: [{id: g, steps: [{id: pay, tool: refund}]}]")
    kind, message = told(run(plan, None, refund))
    assert (kind, refund.called) == ("rejected", 0)
    assert message == "under `finally` nobody can approve a call of refund, which nobody can take back"


def test_a_plan_file_is_loaded_and_left_to_the_runner(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text("planrunner: 1\nname: a\n" + IRREVERSIBLE)
    (call,) = load_plan(tmp_path / "plan.yml").unapproved
    assert (call.step, call.names, call.guards) == ("pay", ("refund",), ())
