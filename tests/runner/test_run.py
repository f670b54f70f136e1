"""A plan is carried to its end and leaves a record that tells what happened."""

from __future__ import annotations

from collections.abc import Iterator
from json import loads
from typing import Any

import pytest

from planrunner import InputsError, PlanRun, Runner, Tool, ToolHardError, ToolRunContext, ToolSoftError
from tests.conftest import PlanOf


class Ledgered(Tool):
    """Notes every call; fails on request."""

    id = "note"
    effect = "write"
    args_schema = {"type": "object", "properties": {"n": {}}, "required": ["n"], "additionalProperties": False}
    inline = True

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.calls.append(args["n"])
        if args["n"] == "soft":
            raise ToolSoftError("try later")
        if args["n"] == "hard":
            raise ToolHardError("never")
        if args["n"] == "broken":
            raise KeyError("oops")
        if args["n"] == "nan":
            return {"deep": [float("nan")]}
        return args["n"]


@pytest.fixture
def note() -> Ledgered:
    return Ledgered()


@pytest.fixture
def runner(note: Ledgered) -> Iterator[Runner]:
    with Runner(tools=[note], store="memory") as made:
        yield made


def states(record: PlanRun) -> dict[str, str]:
    return {step.id: str(step.state) for step in record.steps}


def test_steps_run_in_order_and_read_each_other(plan_of: PlanOf, runner: Runner, note: Ledgered) -> None:
    plan = plan_of("""
        tools: {note: {}}
        inputs: {who: {type: string, default: nobody}}
        steps:
          - {id: a, tool: note, args: {n: 1}}
          - {id: b, set: {sum: "{{ steps.a.output + 1 }}", who: "{{ inputs.who }}", text: "a={{ steps.a.output }}"}}
          - {id: c, tool: note, args: {n: "{{ steps.b.output }}"}}
    """)
    record = runner.run(plan, {"who": "Ada"})
    assert record.state == "COMPLETE"
    assert note.calls == [1, {"sum": 2, "who": "Ada", "text": "a=1"}]
    assert record.final_output is not None
    assert record.final_output.value == {"sum": 2, "who": "Ada", "text": "a=1"}
    assert list(record.step_outputs) == ["$a", "$b", "$c"]
    assert record.current_step_index == 2
    assert record.usage.tool_calls == 2
    assert [call.args for call in record.steps[0].tool_calls] == [{"n": 1}]


def test_the_record_has_the_keys_of_the_documented_shape_in_order(plan_of: PlanOf, runner: Runner) -> None:
    record = runner.run(plan_of("steps: [{id: a, set: 1}]"), context={"end_user_id": "u1"})
    told = record.model_dump(mode="json")
    assert list(told) == [
        "schema_version", "id", "plan_id", "plan", "current_step_index", "state", "execution_context", "inputs",
        "clarifications", "step_outputs", "final_output", "steps", "usage", "error", "created_at", "updated_at",
    ]  # fmt: skip
    assert told["execution_context"] == {
        "end_user_id": "u1",
        "additional_data": {},
        "planner_system_context_extension": None,
        "agent_system_context_extension": None,
    }
    assert told["step_outputs"] == {"$a": {"value": 1}}
    assert told["id"].startswith("prun-")
    assert told["plan_id"].startswith("plan-")
    assert PlanRun.model_validate_json(record.model_dump_json()) == record


def test_a_step_whose_when_is_false_is_skipped_and_reads_as_null(plan_of: PlanOf, runner: Runner) -> None:
    record = runner.run(
        plan_of("""
        steps:
          - {id: a, set: 5}
          - {id: b, when: steps.a.output > 9, set: big}
          - {id: c, set: "{{ steps.b.output }}/{{ steps.b.state }}"}
        output: "{{ steps.b.output or steps.c.output }}"
    """)
    )
    assert states(record) == {"a": "COMPLETE", "b": "SKIPPED", "c": "COMPLETE"}
    assert record.final_output is not None
    assert record.final_output.value == "null/SKIPPED"
    assert "$b" not in record.step_outputs


@pytest.mark.parametrize("value", ["1", '"text"', "null", "[]"])
def test_when_must_be_true_or_false(plan_of: PlanOf, runner: Runner, value: str) -> None:
    plan = plan_of("""
        inputs: {any: {}}
        steps:
          - {id: a, set: "{{ inputs.any }}"}
          - {id: b, when: steps.a.output, set: 1}
    """)
    record = runner.run(plan, {"any": loads(value)})
    assert record.state == "FAILED"
    assert record.error is not None
    assert (record.error.kind, record.error.step) == ("template_error", "b")
    assert "must be true or false" in record.error.message


@pytest.mark.parametrize(
    ("n", "kind", "words"),
    [
        ("soft", "tool_soft_error", "try later"),
        ("hard", "tool_error", "never"),
        ("broken", "tool_error", "KeyError"),
        ("nan", "schema_error", "deep[0]"),
    ],
)
def test_a_failing_tool_fails_the_run_and_nothing_after_it_starts(
    plan_of: PlanOf, runner: Runner, note: Ledgered, n: str, kind: str, words: str
) -> None:
    plan = plan_of(f"""
        tools: {{note: {{}}}}
        steps:
          - {{id: a, set: 1}}
          - {{id: b, tool: note, args: {{n: {n}}}}}
          - {{id: c, tool: note, args: {{n: 3}}}}
    """)
    record = runner.run(plan)
    assert record.state == "FAILED"
    assert record.error is not None
    assert (record.error.kind, record.error.step, record.error.path) == (kind, "b", "b")
    assert words in record.error.message
    assert states(record) == {"a": "COMPLETE", "b": "FAILED", "c": "NOT_STARTED"}
    assert record.current_step_index == 1
    assert record.final_output is None
    assert note.calls == [n]


def test_rendered_args_that_do_not_fit_are_never_sent(plan_of: PlanOf, runner: Runner, note: Ledgered) -> None:
    plan = plan_of("""
        tools: {note: {args_schema: {type: object, properties: {n: {type: integer}}, required: [n]}}}
        inputs: {n: {}}
        steps: [{id: a, tool: note, args: {n: "{{ inputs.n }}"}}]
    """)
    record = runner.run(plan, {"n": "seven"})
    assert record.error is not None
    assert record.error.kind == "schema_error"
    assert note.calls == []


def test_needs_decides_the_order(plan_of: PlanOf, runner: Runner, note: Ledgered) -> None:
    plan = plan_of("""
        tools: {note: {}}
        steps:
          - {id: last, needs: [middle], tool: note, args: {n: "last after {{ steps.middle.output }}"}}
          - {id: first, needs: [], tool: note, args: {n: first}}
          - {id: middle, needs: [first], tool: note, args: {n: middle}}
    """)
    record = runner.run(plan)
    assert record.state == "COMPLETE", record.error
    assert note.calls == ["first", "middle", "last after middle"]
    assert list(record.step_outputs) == ["$last", "$first", "$middle"]
    assert record.final_output is not None
    assert record.final_output.value == "middle"


@pytest.mark.parametrize(
    ("ending", "state", "output"),
    [
        ("{state: COMPLETE}", "COMPLETE", 1),
        ("{state: COMPLETE, output: early}", "COMPLETE", "early"),
        ("{state: COMPLETE, output: null}", "COMPLETE", None),
        ("{state: FAILED, message: 'no {{ steps.a.output }}'}", "FAILED", None),
    ],
)
def test_exit_ends_the_plan(
    plan_of: PlanOf, runner: Runner, note: Ledgered, ending: str, state: str, output: Any
) -> None:
    plan = plan_of(f"""
        tools: {{note: {{}}}}
        steps:
          - {{id: a, set: 1}}
          - {{id: stop, exit: {ending}}}
          - {{id: c, tool: note, args: {{n: 3}}}}
        output: "{{{{ steps.a.output }}}}"
    """)
    record = runner.run(plan)
    assert record.state == state, record.error
    assert note.calls == []
    if state == "COMPLETE":
        assert record.final_output is not None
        assert record.final_output.value == output
    else:
        assert record.error is not None
        assert (record.error.kind, record.error.message) == ("exit", "no 1")


def test_the_final_value_must_meet_returns(plan_of: PlanOf, runner: Runner) -> None:
    plan = plan_of("""
        inputs: {n: {}}
        steps: [{id: a, set: "{{ inputs.n }}"}]
        output: {total: "{{ steps.a.output }}"}
        returns: {total: {type: number}}
    """)
    good, bad = runner.run(plan, {"n": 3}), runner.run(plan, {"n": "three"})
    assert good.final_output is not None
    assert good.final_output.value == {"total": 3}
    assert bad.error is not None
    assert (bad.error.kind, bad.error.step) == ("schema_error", None)
    assert "total" in bad.error.message


def test_null_is_a_final_output_too(plan_of: PlanOf, runner: Runner) -> None:
    record = runner.run(plan_of("steps: [{id: a, set: null}]"))
    assert record.model_dump(mode="json")["final_output"] == {"value": None}


def test_a_value_rendered_into_args_can_not_be_changed_by_the_tool(plan_of: PlanOf) -> None:
    class Mutates(Tool):
        id = "mutates"
        args_schema = {"type": "object"}
        effect = "read"

        def run(self, ctx: ToolRunContext, **args: Any) -> Any:
            args["box"]["n"] = 99
            return args["box"]

    plan = plan_of("""
        tools: {mutates: {}}
        steps:
          - {id: a, set: {n: 1}}
          - {id: b, tool: mutates, args: {box: "{{ steps.a.output }}"}}
          - {id: c, set: "{{ steps.a.output }}"}
    """)
    record = Runner(tools=[Mutates()], store="memory").run(plan)
    assert record.step_outputs["$c"].value == {"n": 1}
    assert record.steps[1].tool_calls[0].args == {"box": {"n": 1}}


def test_wrong_inputs_leave_no_run(plan_of: PlanOf, runner: Runner) -> None:
    plan = plan_of("""
        inputs: {order_id: {type: string}, count: {type: integer, default: 1}}
        steps: [{id: a, set: "{{ inputs.count }}"}]
    """)
    with pytest.raises(InputsError, match="order_id"):
        runner.run(plan)
    with pytest.raises(InputsError, match="ordr_id"):
        runner.run(plan, {"ordr_id": "A-1"})
    with pytest.raises(InputsError, match="count"):
        runner.run(plan, {"order_id": "A-1", "count": "many"})
    assert runner.runs.list() == []


def test_sync_names_work_inside_a_running_loop(plan_of: PlanOf, runner: Runner) -> None:
    import asyncio

    plan = plan_of("steps: [{id: a, set: 1}]")

    async def inside() -> PlanRun:
        return runner.run(plan)

    assert asyncio.run(inside()).state == "COMPLETE"


def test_events_come_in_order_and_after_they_are_durable(plan_of: PlanOf, runner: Runner) -> None:
    import asyncio

    plan = plan_of("""
        tools: {note: {}}
        steps: [{id: a, tool: note, args: {n: 1}}, {id: b, set: 2}]
    """)

    async def heard() -> list[str]:
        return [f"{event.kind} {event.key}".strip() async for event in runner.astream(plan)]

    kinds = asyncio.run(heard())
    assert kinds == [
        "run_started",
        "step_started a",
        "effect_started a!tool:0",
        "effect_finished a!tool:0",
        "step_finished a",
        "step_started b",
        "step_finished b",
        "run_finished",
    ]
    run_id = runner.runs.list()[0].id
    assert [f"{event.kind} {event.key}".strip() for event in runner.runs.events(run_id)] == kinds


def test_a_listener_that_fails_does_not_touch_the_run(plan_of: PlanOf, runner: Runner) -> None:
    def broken(event: object) -> None:
        raise RuntimeError("no")

    assert runner.run(plan_of("steps: [{id: a, set: 1}]"), on_event=broken).state == "COMPLETE"
