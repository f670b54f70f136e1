"""`resume --retry`: which steps are open again."""

from __future__ import annotations

from typing import Any

from planrunner import PlanRun, Runner, Tool, ToolHardError, ToolRunContext, execution_context
from tests.conftest import PlanOf


class Flaky(Tool):
    """Fails for ever, or the first time it is called for a name."""

    id = "flaky"
    effect = "read"
    inline = True

    def __init__(self) -> None:
        self.calls: list[str] = []

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.calls.append(args["name"])
        if args["name"] == "always" or self.calls.count(args["name"]) == 1:
            raise ValueError("no")
        return args["name"]


def test_a_failure_that_was_handled_is_not_tried_again(plan_of: PlanOf) -> None:
    plan = plan_of("""
        tools: {flaky: {}}
        steps:
          - id: handled
            repeat: {until: steps.handled.output == 1, max: 1}
            tool: flaky
            args: {name: always}
            on_error: [{output: instead}]
          - {id: once, tool: flaky, args: {name: once}}
    """)
    tool = Flaky()
    with Runner(store="memory", tools=[tool]) as runner:
        failed = runner.run(plan)
        assert (failed.state, tool.calls) == ("FAILED", ["always", "once"])
        record = runner.resume(failed, retry=True)
    assert (record.state, tool.calls) == ("COMPLETE", ["always", "once", "once"])
    handled = record.steps[0]
    assert (handled.state, handled.steps[0].path, handled.steps[0].state) == ("COMPLETE", "handled(1)", "FAILED")


class Scripted(Tool):
    """Does for each name what stands in the list, one after another: a value, or an error that it raises."""

    id = "act"
    effect = "write"
    inline = True
    args_schema = {"type": "object", "properties": {"name": {"type": "string"}}}

    def __init__(self, **does: list[Any]) -> None:
        self.does = does
        self.calls: list[str] = []
        self.keys: list[str] = []

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        self.calls.append(args["name"])
        self.keys.append(ctx.idempotency_key.removeprefix(f"{ctx.run_id}/"))
        done = self.does[args["name"]].pop(0)
        if isinstance(done, Exception):
            raise done
        return done


HANDLED = """
    tools: {act: {}}
    steps:
      - id: work
        tool: act
        args: {name: work}
        on_error:
          - match: [tool_error]
            steps:
              - {id: notes, tool: act, args: {name: notes}}
              - {id: undoes, steps: [{id: undo, tool: act, args: {name: undo}}]}
          - {match: [schema_error], output: instead}
"""


def inner_states(record: PlanRun) -> dict[str, str]:
    return {step.path: str(step.state) for step in [*record.steps[0].steps, *record.steps[0].steps[-1].steps]}


def test_a_handler_that_is_not_needed_any_more_stays_as_it_was(plan_of: PlanOf) -> None:
    tool = Scripted(work=[ToolHardError("no"), "done"], notes=["noted"], undo=[ToolHardError("stuck")])
    with Runner(store="memory", tools=[tool]) as runner:
        failed = runner.run(plan_of(HANDLED))
        assert failed.error is not None
        assert (failed.error.path, failed.error.message) == ("work/undoes/undo", "stuck")
        record = runner.resume(failed, retry=True)
    assert (record.state, record.step_outputs["$work"].value) == ("COMPLETE", "done")
    assert tool.calls == ["work", "notes", "undo", "work"]
    assert inner_states(record) == {"work/notes": "COMPLETE", "work/undoes": "FAILED", "work/undoes/undo": "FAILED"}


def test_a_handler_goes_on_where_it_failed_once_it_is_needed_again(plan_of: PlanOf) -> None:
    work = [ToolHardError("no"), object(), ToolHardError("no"), ToolHardError("no")]
    tool = Scripted(work=work, notes=["noted"], undo=[ToolHardError("stuck"), ToolHardError("stuck"), "undone"])
    plan = plan_of(HANDLED.replace("{match: [schema_error], output: instead}", "{match: [exhausted], output: none}"))
    with Runner(store="memory", tools=[tool]) as runner:
        run = runner.run(plan)
        seen = []
        for _ in range(3):
            run = runner.resume(run, retry=True)
            seen.append((str(run.state), run.error.path if run.error else None, len(tool.calls)))
    assert seen == [
        ("FAILED", "work", 4),  # nothing handles this failure
        ("FAILED", "work/undoes/undo", 6),
        ("COMPLETE", None, 8),
    ]
    assert tool.calls[4:] == ["work", "undo", "work", "undo"], "what the handler had finished is not done again"
    assert set(inner_states(run).values()) == {"COMPLETE"}


def test_a_step_whose_when_could_not_be_told_is_not_done_unasked(plan_of: PlanOf) -> None:
    plan = plan_of("""
        tools: {act: {}}
        context:
          additional_data: {many: {}}
        steps:
          - {id: sends, when: context.additional_data.many > 3, tool: act, args: {name: sends}}
    """)
    tool = Scripted(sends=["sent"])
    with Runner(store="memory", tools=[tool]) as runner:
        with execution_context(additional_data={"many": "three"}):
            failed = runner.run(plan)
        assert (failed.state, failed.error and failed.error.kind) == ("FAILED", "template_error")
        again = runner.resume(failed, retry=True)
        assert (again.state, tool.calls) == ("FAILED", [])
        with execution_context(additional_data={"many": 2}):
            record = runner.resume(again, retry=True)
        assert (record.state, record.steps[0].state, tool.calls) == ("COMPLETE", "SKIPPED", [])


def test_what_is_done_at_the_end_is_another_call_at_the_new_end(plan_of: PlanOf) -> None:
    plan = plan_of("""
        tools: {act: {}}
        steps:
          - {id: work, tool: act, args: {name: work}}
        finally:
          - {id: tells, tool: act, args: {name: "{{ run.state }}"}}
    """)
    tool = Scripted(work=[ToolHardError("no"), "done"], FAILED=["told"], COMPLETE=["told"])
    with Runner(store="memory", tools=[tool]) as runner:
        failed = runner.run(plan)
        record = runner.resume(failed, retry=True)
    assert (record.state, tool.calls) == ("COMPLETE", ["work", "FAILED", "work", "COMPLETE"])
    # A receiver takes two calls under one key for one: that is right for the call that failed, and wrong for the other.
    assert tool.keys == ["work!tool:0", "tells!tool:0", "work!tool:0", "tells!tool:0~2"]
