"""Hooks that a plan names: what they match, their `when`, their time, and the built-in ones."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from planrunner import ExecutionHooks, PlanRun, Runner, Tool, ToolHardError, ToolRunContext, UsageError
from planrunner.document.script import Script
from planrunner.models.base import Reply
from tests.conftest import PlanOf
from tests.hooks.rig import Replies, Rig, calls, kind_of

CODE = """
import asyncio, time
from planrunner import ClarificationHandler
fired = []

def note(*arguments, mark=""):
    fired.append(mark or arguments[-1].id)

async def slow(*_):
    await asyncio.sleep(5)

def slow_in_thread(*_):
    time.sleep(2)

def boom(*_):
    raise ValueError("boom")

def refuses(*_):
    from planrunner import ToolHardError
    raise ToolHardError("not today")

class Answers(ClarificationHandler):
    def __init__(self, answer="yes"):
        self.answer = answer

    def handle_user_verification_clarification(self, clarification, on_resolution, on_error):
        on_resolution(clarification, self.answer)

no_handler = 1
"""

STEPS = """
    tools:
      ring: {}
      ping: {use: "other:ping", effect: read}
    steps:
      - {id: a, tool: ring, args: {n: 1}}
      - {id: b1, tool: ring, args: {n: 20}}
      - {id: b2, tool: ping}
"""

NESTED = """
    tools: {ring: {}}
    steps:
      - {id: a, steps: [{id: b, tool: ring, args: {n: 1}}]}
      - {id: c, foreach: {in: '[1, 2]'}, tool: ring, args: {n: 2}}
      - {id: d, repeat: {until: previous is not none, max: 2}, steps: [{id: e, tool: ring, args: {n: 3}}]}
"""


@pytest.fixture
def fired(tmp_path: Path) -> Iterator[list[str]]:
    """What the plan's own hooks noted."""
    import sys

    (tmp_path / "guards.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "other.py").write_text(
        "from planrunner import tool\n\n@tool(effect='read')\ndef ping() -> str:\n    return 'pong'\n", encoding="utf-8"
    )
    before = set(sys.modules)
    sys.path.append(str(tmp_path))
    import guards  # type: ignore[import-not-found]

    yield guards.fired
    sys.path.remove(str(tmp_path))
    for name in {"guards", "other"} - before:
        sys.modules.pop(name, None)


def run(plan_of: PlanOf, hooks: str, steps: str = STEPS) -> tuple[PlanRun, Rig]:
    rig = Rig(plan_of(steps + f"    hooks: {hooks}\n"))
    rig.hooks = ExecutionHooks()
    return rig.run(), rig


@pytest.mark.parametrize(
    ("match", "meant"),
    [
        ("{tool: ring}", ["a", "b1"]),
        ("{tool: [ping, nothing*, ring]}", None),
        ("{tool: 'other:*'}", ["b2"]),
        ("{tool: 'pi*'}", ["b2"]),
        ("{step: 'b*'}", ["b1", "b2"]),
        ("{step: a}", ["a"]),
        ("{step: 'b*', tool: ring}", ["b1"]),
        ("{effect: read}", ["b2"]),
        ("{effect: [write, irreversible]}", ["a", "b1"]),
        ("{args: {n: '2*'}}", ["b1"]),
        ("{args: {n: ['1', '20']}}", ["a", "b1"]),
        ("{}", ["a", "b1", "b2"]),
    ],
)
def test_match(plan_of: PlanOf, fired: list[str], match: str, meant: list[str] | None) -> None:
    if meant is None:
        with pytest.raises(AssertionError, match="nothing"):  # the checker says so before anything runs
            run(plan_of, f"{{before_tool_call: [{{use: 'guards:note', match: {match}}}]}}")
        return
    record, _ = run(plan_of, f"{{before_tool_call: [{{use: 'guards:note', match: {match}}}]}}")
    assert record.state == "COMPLETE", record.error
    assert fired == meant


@pytest.mark.parametrize(
    ("point", "when", "meant"),
    [
        ("before_tool_call", "args.n == 20", ["b1"]),
        ("before_tool_call", "tool.id == 'ping'", ["b2"]),
        ("before_tool_call", "step.id == 'a'", ["a"]),
        ("before_tool_call", "steps.a.output == 1", ["b1"]),
        ("after_tool_call", "output == 20", ["b1"]),
    ],
)
def test_when(plan_of: PlanOf, fired: list[str], point: str, when: str, meant: list[str]) -> None:
    steps = STEPS.replace("- {id: b2, tool: ping}", "- {id: b2, tool: ping}" if "ping" in when else "")
    record, _ = run(plan_of, f'{{{point}: [{{use: "guards:note", when: "{when}"}}]}}', steps)
    assert record.state == "COMPLETE", record.error
    assert fired == meant


@pytest.mark.parametrize(
    ("binding", "words"),
    [
        ("{use: 'guards:note', when: args.nothing == 1}", "can't be evaluated"),
        ("{use: 'guards:note', when: args.n}", "must be true or false"),
        ("{use: 'guards:slow', timeout: 50ms}", "took longer than 0.05 s"),
        ("{use: 'guards:slow_in_thread', timeout: 50ms}", "took longer than 0.05 s"),
        ("{use: 'guards:boom'}", "ValueError: boom"),
        ("{use: 'guards:note', with: {mark: '{{ args.nothing }}'}}", "can't be evaluated"),
        ("{use: allow_tool_calls, with: {tools: [ring]}, when: args.nothing == 1}", "can't be evaluated"),
        ("{use: clarify_on_all_tool_calls, when: args.n}", "must be true or false"),
    ],
)
def test_a_guard_that_does_not_work_fails_the_call(plan_of: PlanOf, fired: list[str], binding: str, words: str) -> None:
    begun = time.monotonic()
    record, rig = run(plan_of, f"{{before_tool_call: [{binding}]}}")
    assert kind_of(record) == "hook_error"
    assert words in str(record.error)
    assert rig.called == fired == []
    assert time.monotonic() - begun < 1.9


@pytest.mark.parametrize("use", ["guards:boom", "guards:refuses", "fail"])
@pytest.mark.parametrize("point", ["after_tool_call", "after_step_execution", "after_plan_run"])
def test_on_error_log(
    plan_of: PlanOf, fired: list[str], point: str, use: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "planrunner"):
        record, rig = run(plan_of, f"{{{point}: [{{use: '{use}', on_error: log}}]}}")
    assert record.state == "COMPLETE"
    assert len(rig.called) == 2
    assert len(caplog.messages) == (1 if point == "after_plan_run" else 3)
    record, _ = run(plan_of, f"{{{point}: [{{use: '{use}'}}]}}")
    assert record.state == ("COMPLETE" if point == "after_plan_run" else "FAILED")


def test_settings_are_rendered_and_handed_over(plan_of: PlanOf, fired: list[str]) -> None:
    run(plan_of, "{before_tool_call: [{use: 'guards:note', with: {mark: '{{ tool.id }} {{ step.id }}'}}]}")
    assert fired == ["ring a", "ring b1", "ping b2"]


def _noting(mark: str) -> str:
    return f"{{use: 'guards:note', with: {{mark: {mark}}}}}"


def test_lists_nest(plan_of: PlanOf, fired: list[str]) -> None:
    """The Runner's hooks stand outside those of the plan, each list in its order, and `after_*` reversed."""
    points = ("before_plan_run", "before_step_execution", "before_tool_call", "after_tool_call",
              "after_step_execution", "after_plan_run")  # fmt: skip
    bindings = ", ".join(
        f"{point}: [{', '.join(_noting(f'{point} plan{number}') for number in (1, 2))}]" for point in points
    )
    rig = Rig(plan_of(f"tools: {{ring: {{}}}}\nhooks: {{{bindings}}}\nsteps: [{{id: a, tool: ring}}]"))

    def noting(mark: str) -> Any:
        return lambda *_: fired.append(mark)

    rig.hooks = ExecutionHooks(**{point: [noting(f"{point} 1"), noting(f"{point} 2")] for point in points})
    assert rig.run().state == "COMPLETE"
    for point in points:
        order = ["1", "2", "plan1", "plan2"]
        expected = [f"{point} {mark}" for mark in (order if point.startswith("before") else reversed(order))]
        assert [entry for entry in fired if entry.startswith(point)] == expected
    assert [entry.split()[0] for entry in fired if entry.endswith(" 1")] == list(points)


CLARIFY, ALLOW, DENY = (
    f"{{use: {use}, with: {{tools: [ring]}}}}"
    for use in ("clarify_on_tool_calls", "allow_tool_calls", "deny_tool_calls")
)
ALL = "{use: clarify_on_all_tool_calls}"
SMALL = "{use: allow_tool_calls, with: {tools: [ring]}, when: args.n < 5}"


@pytest.mark.parametrize(
    ("bindings", "by_runner", "outcome"),
    [
        ([CLARIFY], False, "asks"),
        ([ALLOW, CLARIFY], False, "runs"),
        ([CLARIFY, ALLOW], False, "asks"),
        ([ALLOW, DENY], False, "runs"),
        ([DENY, ALLOW], False, "rejected"),
        ([CLARIFY, DENY], False, "asks"),
        ([ALLOW], True, "asks"),
        ([DENY], True, "rejected"),
        ([ALLOW, DENY], True, "asks"),
        ([SMALL, ALL], False, "runs"),
        ([SMALL.replace("< 5", "> 5"), ALL], False, "asks"),
        ([DENY.replace("}}", "}, when: args.n > 5}"), ALLOW, ALL], False, "runs"),
        ([CLARIFY.replace("}}", "}, match: {args: {n: '9'}}}")], False, "runs"),
        (["{use: clarify_on_tool_calls, with: {tools: ['r*']}}"], False, "asks"),
    ],
)
def test_who_speaks(plan_of: PlanOf, bindings: list[str], by_runner: bool, outcome: str) -> None:
    """In each list the first that matches and whose `when` holds; deny beats clarify beats allow across lists."""
    from planrunner import clarify_on_all_tool_calls

    hooks = f"hooks: {{before_tool_call: [{', '.join(bindings)}]}}"
    rig = Rig(plan_of(f"tools: {{ring: {{}}}}\n{hooks}\nsteps: [{{id: a, tool: ring, args: {{n: 1}}}}]"))
    rig.hooks = ExecutionHooks(before_tool_call=clarify_on_all_tool_calls if by_runner else None)
    record = rig.run()
    told = "asks" if record.state == "NEED_CLARIFICATION" else kind_of(record) or "runs"
    assert told == outcome
    assert bool(rig.called) == (outcome == "runs")


def test_who_speaks_is_decided_over_the_args_that_are_left(plan_of: PlanOf) -> None:
    """A hook that raises the sum must not slip past an approval that is asked for large sums only."""
    hooks = (
        "hooks: {before_tool_call: [{use: clarify_on_tool_calls, with: {tools: [ring]}, match: {args: {n: '1??'}}}]}"
    )
    rig = Rig(plan_of(f"tools: {{ring: {{}}}}\n{hooks}\nsteps: [{{id: a, tool: ring, args: {{n: 1}}}}]"))
    rig.hooks = ExecutionHooks(before_tool_call=lambda _t, args, *_: args.update(n=100))
    record = rig.run()
    assert record.state == "NEED_CLARIFICATION"
    assert rig.called == []


def test_the_when_of_a_hook_that_asked_is_not_decided_again(plan_of: PlanOf) -> None:
    """Else a no could be talked away by carrying the run on with other data."""
    plan = plan_of("""
        tools: {ring: {}}
        hooks:
          before_tool_call:
            - {use: clarify_on_all_tool_calls, when: context.additional_data.careful}
        steps: [{id: a, tool: ring}]
    """)
    rig = Rig(plan)
    rig.hooks = ExecutionHooks()
    record = rig.run(context={"end_user_id": "u", "additional_data": {"careful": True}})
    rig.runner.resolve_clarification(record.clarifications[0], "no", record)
    record = rig.resume(record, context={"end_user_id": "u", "additional_data": {"careful": False}})
    assert (kind_of(record), rig.called) == ("rejected", [])


def test_guidance_and_role(plan_of: PlanOf, fired: list[str]) -> None:
    record, _ = run(plan_of, "{before_tool_call: [{use: clarify_on_tool_calls, "
                             "with: {tools: [ring], guidance: Really?, to: {role: boss}}}]}")  # fmt: skip
    (question,) = record.get_outstanding_clarifications()
    assert question.user_guidance == 'Really? (ring with {"n":1})'
    assert question.to == {"role": "boss"}
    assert question.source == "hook"
    assert question.call is not None
    assert (question.call["tool"], question.call["args"], question.call["key"]) == ("ring", {"n": 1}, "a!tool:0")


@pytest.mark.parametrize(
    ("glob", "meant"),
    [
        ("b", ["b"]),
        ("a/b", ["b"]),
        ("c", ["c", "c"]),
        ("d/*", ["e", "e"]),
        ("e", ["e", "e"]),
        ("d/e", ["e", "e"]),
    ],
)
def test_a_step_is_meant_wherever_it_stands(plan_of: PlanOf, fired: list[str], glob: str, meant: list[str]) -> None:
    """By its id as well as by its path: a guard that the checker lets pass, and that never fires, guards nothing."""
    record, _ = run(plan_of, f"{{before_tool_call: [{{use: 'guards:note', match: {{step: '{glob}'}}}}]}}", NESTED)
    assert record.state == "COMPLETE", record.error
    assert fired == meant


def test_skip_and_fail(plan_of: PlanOf, fired: list[str]) -> None:
    record, rig = run(
        plan_of,
        "{before_step_execution: [{use: skip_step, match: {step: a}}, "
        "{use: fail, with: {message: 'no {{ step.id }}'}, match: {step: b2}}]}",
    )
    assert [step.state for step in record.steps] == ["SKIPPED", "COMPLETE", "FAILED"]
    assert rig.called == [{"n": 20}]
    assert (kind_of(record), record.error.message) == ("hook_error", "no b2")


def test_a_hook_stands_around_every_call_whoever_makes_it(plan_of: PlanOf, fired: list[str]) -> None:
    """A guard that does not fire for the calls of an agent guards nothing."""
    plan = plan_of("""
        tools: {ring: {}}
        agents: {it: {tools: [ring]}}
        hooks: {before_tool_call: [{use: deny_tool_calls, with: {tools: [ring]}}]}
        steps: [{id: a, task: Go, agent: it}]
    """)
    rig = Rig(plan)
    rig.hooks = ExecutionHooks()
    rig.model = Replies(calls(("ring", "{}")), Reply("done"))
    assert (kind_of(rig.run()), rig.called) == ("rejected", [])


class Tells(Tool):
    """Gives back a secret, or fails with it in its message."""

    id = "tells"
    effect = "read"
    args_schema = {"type": "object"}

    def __init__(self) -> None:
        self.args: dict[str, Any] = {}

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.args = args
        if args.get("fails"):
            raise ToolHardError(f"could not pay to {'DE' + '99'}77")
        return {"iban": "DE" + "9977", "list": ["x DE" + "9977 y", 1], "deep": {"pin": "zq" + "xk"}}


@pytest.mark.parametrize("fails", [False, True])
def test_redact_leaves_nothing_in_the_journal(plan_of: PlanOf, tmp_path: Path, fails: bool) -> None:
    """Neither in args nor in results, nor in what an error says; the bytes of the store are searched."""
    args = f"""{{to: "{{{{ 'DE' ~ 9977 }}}}", pin: "{{{{ 'zq' ~ 'xk' }}}}", fails: {str(fails).lower()}}}"""
    plan = plan_of(f"""
        tools: {{tells: {{}}}}
        hooks:
          before_tool_call:
            - {{use: redact, with: {{patterns: ['DE\\d+'], fields: [pin]}}}}
          after_tool_call:
            - {{use: redact, with: {{patterns: ['DE\\d+'], fields: [pin]}}}}
        steps:
          - {{id: a, tool: tells, args: {args}}}
    """)
    tool, store = Tells(), tmp_path / "s.db"
    with Runner(store=store, tools=[tool]) as runner:
        record = runner.run(plan)
    assert tool.args == {"to": "[redacted]", "pin": "[redacted]", "fails": fails}
    if fails:
        assert record.error is not None
        assert record.error.message == "could not pay to [redacted]"
    else:
        masked = {"iban": "[redacted]", "list": ["x [redacted] y", 1], "deep": {"pin": "[redacted]"}}
        assert record.step_outputs["$a"].value == masked
    with sqlite3.connect(store) as connection:
        bytes_ = "\n".join(connection.iterdump()).encode()
    connection.close()
    for file in tmp_path.glob("s.db*"):
        bytes_ += file.read_bytes()
    assert b"redacted" in bytes_
    assert b"DE9977" not in bytes_
    assert b"zqxk" not in bytes_


@pytest.mark.parametrize(
    ("when", "value"), [("output.deep.pin == 'zqxk'", "[redacted]"), ("output.deep.pin == 'x'", "DE9977")]
)
def test_a_redaction_may_have_a_when(plan_of: PlanOf, when: str, value: str) -> None:
    plan = plan_of(f"""
        tools: {{tells: {{}}}}
        hooks: {{after_tool_call: [{{use: redact, with: {{fields: [iban]}}, when: "{when}"}}]}}
        steps: [{{id: a, tool: tells}}]
    """)
    record = Runner(store="memory", tools=[Tells()]).run(plan)
    assert record.step_outputs["$a"].value["iban"] == value


def test_a_redaction_whose_when_fails_redacts_and_fails_the_call(plan_of: PlanOf) -> None:
    plan = plan_of("""
        tools: {tells: {}}
        hooks: {after_tool_call: [{use: redact, with: {fields: [iban]}, when: output.nothing == 1}]}
        steps: [{id: a, tool: tells}]
    """)
    record = Runner(store="memory", tools=[Tells()]).run(plan)
    assert kind_of(record) == "hook_error"
    assert record.steps[0].tool_calls[0].output["iban"] == "[redacted]"


@pytest.mark.parametrize(
    ("binding", "state"),
    [("{use: 'guards:Answers'}", "COMPLETE"), ("{use: 'guards:Answers', with: {answer: 'no'}}", "FAILED")],
)
def test_a_plan_names_who_answers(plan_of: PlanOf, fired: list[str], binding: str, state: str) -> None:
    record, _ = run(
        plan_of, f"{{clarification_handler: {binding}, before_tool_call: [{{use: clarify_on_all_tool_calls}}]}}"
    )
    assert record.state == state


def test_a_handler_that_is_none_is_refused_before_the_run(plan_of: PlanOf, fired: list[str]) -> None:
    with pytest.raises(UsageError, match="guards:note at clarification_handler must give a ClarificationHandler"):
        run(plan_of, "{clarification_handler: {use: 'guards:note', with: {mark: x}}}")


def test_a_hook_that_can_not_be_made_is_refused_before_the_run(plan_of: PlanOf, fired: list[str]) -> None:
    with pytest.raises(UsageError):
        run(plan_of, "{before_tool_call: [{use: 'guards:nobody'}]}")


def test_log_step_outputs(plan_of: PlanOf, fired: list[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "planrunner"):
        run(plan_of, "{after_step_execution: [{use: log_step_outputs}]}")
    assert caplog.messages == ["a: 1", "b1: 20", 'b2: "pong"']


def test_a_slow_hook_does_not_hold_up_other_runs(plan_of: PlanOf, fired: list[str]) -> None:
    plan = plan_of(
        "hooks: {before_plan_run: [{use: 'guards:slow_in_thread', timeout: 300ms}]}\nsteps: [{id: a, set: 1}]"
    )
    quick = plan_of("steps: [{id: a, set: 1}]")

    async def both() -> list[str]:
        runner, ended = Runner(store="memory"), []

        async def one(name: str, which: Any) -> None:
            await runner.arun(which)
            ended.append(name)

        await asyncio.gather(one("slow", plan), one("quick", quick))
        return ended

    assert asyncio.run(both()) == ["quick", "slow"]


def approving(plan_of: PlanOf, steps: str, answers: dict[str, Any]) -> PlanRun:
    """A run of these steps in which every call of `log` is approved by a script."""
    plan = plan_of("hooks: {before_tool_call: [{use: clarify_on_tool_calls, with: {tools: [log]}}]}\n" + dedent(steps))
    return Runner(store="memory", script=Script(answers=answers)).run(plan)


def test_each_item_of_a_loop_is_approved_by_itself(plan_of: PlanOf) -> None:
    loop = "steps: [{id: say, foreach: {in: '[1, 2, 3]'}, tool: log, args: {message: '{{ item }}'}}]"
    record = approving(plan_of, loop, {"say[0]/log": "yes", "say[1]/log": "yes"})
    assert record.state == "NEED_CLARIFICATION"
    assert [(asked.path, asked.response) for asked in record.clarifications] == [
        ("say[0]", "yes"),
        ("say[1]", "yes"),
        ("say[2]", None),
    ]
    record = approving(plan_of, loop, {"say[0]/log": "yes", "say[1]/log": "no", "say[2]/log": "yes"})
    assert record.error is not None
    assert (record.error.kind, record.error.path) == ("rejected", "say[1]")


def test_a_verification_beside_a_call_is_no_approval_of_it(plan_of: PlanOf) -> None:
    group = """
    steps:
      - id: both
        steps:
          - {id: sure, clarify: {type: user_verification, guidance: Is it raining?}}
          - {id: say, tool: log, args: {message: hello}}
    """
    record = approving(plan_of, group, {"both/sure": "yes"})
    assert {asked.path: asked.resolved for asked in record.clarifications} == {"both/sure": True, "both/say": False}
    assert record.state == "NEED_CLARIFICATION"
