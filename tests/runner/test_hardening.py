"""What others do to what they are handed, and what stops a run from outside, leaves the run and the plan whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from planrunner import InputsError, Runner, StoreError, Tool, ToolRunContext, UsageError, execution_context, tool
from planrunner.document.load import load_plan
from planrunner.events import Event
from planrunner.journal.base import Lease, NewRun
from planrunner.journal.memory import MemoryJournal
from planrunner.models.base import ModelRequest, Reply, ToolCall
from planrunner.models.litellm import _arguments
from planrunner.plan_run import StepRecord
from planrunner.scope import BREATH_SECONDS
from tests.conftest import PlanOf


def runner_of(*functions: Callable[..., Any], **more: Any) -> Runner:
    return Runner(tools=functions, **{"store": "memory", **more})


class Says:
    """A model that says what it is given, turn by turn, and keeps what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = replies
        self.requests: list[ModelRequest] = []

    async def ready(self) -> None:
        """It always is."""

    async def complete(self, request: ModelRequest) -> Reply:
        self.requests.append(request)
        return self.replies[request.turn]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Says]:
    def use(*replies: Reply) -> Says:
        says = Says(*replies)
        monkeypatch.setattr(Runner, "_model", lambda *_: says)
        return says

    return use


def test_a_tool_can_change_neither_the_end_user_nor_the_plan(plan_of: PlanOf) -> None:
    @tool(effect="read")
    def usurp(ctx: ToolRunContext) -> str:
        """Changes what it is told."""
        ctx.context["end_user_id"] = "mallory"  # type: ignore[index]
        ctx.step.options["args"]["x"] = 99  # type: ignore[index]
        return "done"

    @tool(effect="read")
    def who(ctx: ToolRunContext, x: int) -> list[Any]:
        """Tells whom it serves."""
        return [ctx.end_user_id, ctx.context["end_user_id"], x]

    plan = plan_of("""
        tools: {usurp: {}, who: {}}
        steps:
          - {id: a, tool: usurp, args: {}}
          - {id: b, tool: who, args: {x: 1}}
          - {id: c, set: "{{ context.end_user_id }}"}
    """)
    for _ in range(2):
        record = runner_of(usurp, who).run(plan, context={"end_user_id": "alice"})
        assert record.step_outputs["$b"].value == ["alice", "alice", 1]
        assert record.step_outputs["$c"].value == "alice"
        assert record.execution_context.end_user_id == "alice"


def test_a_listener_can_not_change_the_run(plan_of: PlanOf) -> None:
    def meddle(event: Event) -> None:
        event.body.get("output", {})["x"] = "meddled"

    record = runner_of().run(plan_of("steps: [{id: a, set: {x: 1}}]"), on_event=meddle)
    assert record.step_outputs["$a"].value == {"x": 1}


def test_the_values_of_a_record_are_its_own(plan_of: PlanOf) -> None:
    record = runner_of().run(plan_of("steps: [{id: a, set: {x: []}}]"))
    assert record.final_output is not None
    record.final_output.value["x"].append(1)
    assert record.step_outputs["$a"].value == {"x": []}


def test_a_provider_gets_copies_to_the_ground() -> None:
    schema = {"type": "object", "properties": {"to": {"type": "object", "additionalProperties": False}}}
    parameters = {"metadata": {"tags": []}}
    request = ModelRequest("x", [{"role": "user", "content": []}], [{"function": {"parameters": schema}}], parameters)
    arguments = _arguments(request)
    del arguments["tools"][0]["function"]["parameters"]["properties"]["to"]["additionalProperties"]
    arguments["metadata"]["tags"].append("x")
    arguments["messages"][0]["content"].append("x")
    assert schema["properties"]["to"] == {"type": "object", "additionalProperties": False}  # type: ignore[index]
    assert parameters == {"metadata": {"tags": []}}
    assert request.messages[0]["content"] == []


@pytest.mark.parametrize(
    "arguments", ["[" * 100_000, "[1]", '"abc"', "3", "null", "NaN", '{"x": 1e999}', '{"x": "\\ud800"}', "{", "[]"]
)
def test_bad_arguments_go_back_to_the_model(plan_of: PlanOf, model: Callable[..., Says], arguments: str) -> None:
    called: list[Any] = []

    class Anything(Tool):
        id = "anything"
        effect = "read"
        args_schema: dict[str, Any] = {}

        def run(self, ctx: ToolRunContext, **args: Any) -> str:
            called.append(args)
            return "called"

    says = model(Reply(None, (ToolCall("c", "anything", arguments),)), Reply("sorry"))
    plan = plan_of("""
        tools: {anything: {}}
        agents: {a: {tools: [anything]}}
        steps: [{id: s, task: Go, agent: a}]
    """)
    record = Runner(tools=[Anything()], store="memory", model="m").run(plan)
    assert record.state == "COMPLETE", record.error
    assert called == []
    assert "arguments" in says.requests[1].messages[3]["content"]


def test_values_in_prompts_and_messages_are_json(plan_of: PlanOf, model: Callable[..., Says]) -> None:
    says = model(Reply("ok"))
    plan = plan_of("""
        agents: {a: {instructions: "{{ steps.a.output }}"}}
        steps:
          - {id: a, set: {total: 3, ok: true, none: null}}
          - {id: s, task: "{{ steps.a.output }}", agent: a}
          - {id: end, exit: {state: FAILED, message: "{{ steps.a.output }}"}}
    """)
    record = Runner(store="memory", model="m").run(plan)
    told = '{"total":3,"ok":true,"none":null}'
    assert says.requests[0].messages[1]["content"].replace(" ", "") == told
    assert says.requests[0].messages[0]["content"].replace(" ", "").startswith(told)
    assert record.error is not None
    assert record.error.message.replace(" ", "") == told


@pytest.mark.parametrize("name", ["run", "steps", "inputs"])
def test_when_that_is_a_whole_mapping_fails_the_step(plan_of: PlanOf, name: str) -> None:
    record = runner_of().run(plan_of(f"steps: [{{id: a, when: '[{name}] | first', set: 1}}]"))
    assert record.error is not None
    assert record.error.kind == "template_error"


def test_an_exit_has_no_output_of_its_own(plan_of: PlanOf) -> None:
    record = runner_of().run(plan_of("steps: [{id: a, set: 42}, {id: end, exit: {state: COMPLETE}}]"))
    assert record.final_output is not None
    assert record.final_output.value == 42
    assert list(record.step_outputs) == ["$a"]


def test_the_loop_has_its_turn_though_no_step_waits(plan_of: PlanOf) -> None:
    steps = "".join(f"  - {{id: s{n}, set: {n}}}\n" for n in range(3000))
    plan = plan_of("steps:\n" + steps)

    async def longest_silence() -> float:
        run = asyncio.ensure_future(runner_of().arun(plan))
        longest, last = 0.0, process_time()
        while not run.done():
            await asyncio.sleep(0)
            longest, last = max(longest, process_time() - last), process_time()
        return longest

    assert asyncio.run(longest_silence()) < 0.5


def test_the_loop_has_its_turn_though_no_model_waits(plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch) -> None:
    class AtOnce:
        async def ready(self) -> None:
            """It always is."""

        async def complete(self, request: ModelRequest) -> Reply:
            end = process_time() + BREATH_SECONDS * 1.5
            while process_time() < end:
                pass
            return Reply("yes")

    monkeypatch.setattr(Runner, "_model", lambda *_: AtOnce())
    numbers = ", ".join(map(str, range(10)))
    plan = plan_of(f'defaults: {{model: m}}\nsteps: [{{id: a, task: Ask., foreach: {{in: "[{numbers}]"}}}}]')

    async def turns() -> int:
        run = asyncio.ensure_future(runner_of().arun(plan))
        count = 0
        while not run.done():
            await asyncio.sleep(0)
            count += 1
        assert run.result().state == "COMPLETE", run.result().error
        return count

    assert asyncio.run(turns()) >= 9


@pytest.mark.parametrize("swallows", [True, False])
def test_a_tool_can_not_keep_a_cancellation_to_itself(plan_of: PlanOf, swallows: bool) -> None:
    began = asyncio.Event()
    later: list[int] = []

    @tool(effect="read")
    async def stubborn() -> str:
        """Does not want to end."""
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if not swallows:
                raise RuntimeError("never") from None
        return "finished after all"

    @tool(effect="read")
    def after() -> None:
        """Comes after it."""
        later.append(1)

    plan = plan_of("tools: {stubborn: {}, after: {}}\nsteps: [{id: a, tool: stubborn}, {id: b, tool: after}]")

    async def interrupted(runner: Runner) -> None:
        run = asyncio.ensure_future(runner.arun(plan))
        await began.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    runner = runner_of(stubborn, after)
    asyncio.run(interrupted(runner))
    (summary,) = runner.runs.list()
    assert summary.state == "IN_PROGRESS"
    assert later == []


def test_cancelled_again_and_again_the_run_is_let_go_of(plan_of: PlanOf, tmp_path: Path) -> None:
    plan = plan_of("steps:\n" + "".join(f"  - {{id: s{n}, tool: log, args: {{message: m}}}}\n" for n in range(40)))

    async def one(runner: Runner, patience: int) -> None:
        run = asyncio.ensure_future(runner.arun(plan))
        for _ in range(patience):
            await asyncio.sleep(0)
        for _ in range(3):
            run.cancel()
            await asyncio.sleep(0)
        await asyncio.gather(run, return_exceptions=True)

    async def many(runner: Runner) -> None:
        await asyncio.gather(*(one(runner, n) for n in range(40)))

    with Runner(store=tmp_path / "s.db") as runner:
        asyncio.run(many(runner))
        for summary in runner.runs.list():
            assert runner.resume(summary.id).state == "COMPLETE"


class Failing(MemoryJournal):
    """A store that fails for good at the n-th write."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    async def create(self, run: NewRun, events: Sequence[Event], *, flush: bool = True) -> Lease:
        self._count()
        return await super().create(run, events, flush=flush)

    def append(self, lease: Lease, events: Sequence[Event], *, flush: bool = True) -> None:
        self._count()
        super().append(lease, events, flush=flush)

    def _count(self) -> None:
        self.left -= 1
        if self.left <= 0:
            raise StoreError("the disk is gone")


@pytest.mark.parametrize("at", [2, 3, 4])
def test_nothing_is_written_past_a_write_that_failed_and_the_run_goes_on_later(plan_of: PlanOf, at: int) -> None:
    plan = plan_of("steps:\n" + "".join(f"  - {{id: s{n}, tool: log, args: {{message: m}}}}\n" for n in range(4)))
    runner, journal = runner_of(), Failing(at)
    runner._journals["memory"] = journal
    with pytest.raises(StoreError, match="the disk is gone"):
        runner.run(plan)
    journal.left = 1000
    (summary,) = runner.runs.list()
    assert runner.resume(summary.id).state == "COMPLETE"


def test_resume_with_parts_missing_leaves_the_run_free(plan_of: PlanOf) -> None:
    class Dies(Tool):
        id = "dies"
        effect = "read"
        args_schema = {"type": "object"}
        inline = True
        alive = False

        def run(self, ctx: ToolRunContext, **args: Any) -> int:
            if not self.alive:
                raise KeyboardInterrupt
            return 1

    dies = Dies()
    with Runner(tools=[dies], store="memory") as runner:
        with pytest.raises(KeyboardInterrupt):
            runner.run(plan_of("tools: {dies: {}}\nsteps: [{id: a, tool: dies}]"))
        (summary,) = runner.runs.list()
        without = Runner(store="memory")
        without._journals = runner._journals
        with pytest.raises(UsageError, match="dies"):
            without.resume(summary.id)
        dies.alive = True
        assert runner.resume(summary.id).state == "COMPLETE"


def test_a_run_is_found_where_this_runner_put_it(plan_of: PlanOf, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with Runner() as runner:
        record = runner.run(plan_of("steps: [{id: a, set: 1}]"))
        assert runner.runs.get(record.id) == record
        assert runner.resume(record.id) == record


def test_the_context_is_that_of_the_call(plan_of: PlanOf) -> None:
    plan = plan_of('steps: [{id: a, set: "{{ context.end_user_id }}"}]')
    with execution_context(end_user_id="a"):
        run = runner_of().arun(plan)
    with execution_context(end_user_id="b"):
        record = asyncio.run(run)
    assert record.step_outputs["$a"].value == "a"


def test_the_wrong_thing_to_run_is_told(plan_of: PlanOf) -> None:
    with pytest.raises(UsageError, match="takes a Plan"):
        runner_of().run(Path("plans/greeting.yml"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is the name of a file"):
        runner_of().run("plans/greeting.yml")
    with pytest.raises(InputsError, match="a mapping"):
        runner_of().run(plan_of("steps: [{id: a, set: 1}]"), [1])  # type: ignore[arg-type]
    done = runner_of()
    record = done.run(plan_of("steps: [{id: a, set: 1}]"))
    assert done.run(record) == record


def test_a_record_that_can_not_be_written_does_not_hide_the_result(plan_of: PlanOf, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "runs").write_text("in the way", encoding="utf-8")
    with Runner(store=store) as runner:
        assert runner.run(plan_of("steps: [{id: a, set: 1}]")).state == "COMPLETE"


def test_a_script_goes_on_where_the_run_stands(plan_of: PlanOf) -> None:
    from planrunner.document.script import Script

    plan = plan_of("""
        tools: {count: {}}
        steps:
          - {id: a, tool: count}
          - {id: q, clarify: {type: input, guidance: What?}}
          - {id: b, tool: count}
    """)

    @tool(effect="read")
    def count() -> int:
        """Never called: the script answers."""
        raise AssertionError

    with Runner(tools=[count], store="memory", script=Script({"count": [{"returns": 1}, {"returns": 2}]})) as runner:
        record = runner.run(plan)
        record = runner.resolve_clarification(record.clarifications[0], "this", record)
        record = runner.resume(record)
    assert [output.value for output in record.step_outputs.values()] == [1, "this", 2]


def test_descriptions_stand_in_the_record(plan_of: PlanOf) -> None:
    record = runner_of().run(plan_of("steps: [{id: a, description: The first, set: 1}, {id: b, set: 2}]"))
    assert [step.description for step in record.steps] == ["The first", None]


def test_descriptions_of_a_sub_plans_steps_are_its_own(tmp_path: Path) -> None:
    head = "planrunner: 1\nname: {}\nsteps:\n"
    (tmp_path / "core.yml").write_text(
        head.format("core") + "  - {id: a, description: A of the core, set: 1}\n  - {id: only, set: 2}\n"
    )
    (tmp_path / "inner.yml").write_text(
        head.format("inner")
        + "  - {id: a, set: 1}\n  - {id: b, description: B inside, set: 1}\n"
        + "  - {id: core, description: The core, plan: ./core.yml}\n"
        + "  - {id: bad, tool: calculator, args: {expression: 1/0}}\n"
    )
    (tmp_path / "outer.yml").write_text(
        head.format("outer")
        + "  - {id: a, description: A outside, set: 1}\n"
        + "  - id: each\n    description: Both\n    foreach: {in: '[1, 2]'}\n    plan: ./inner.yml\n"
        + "    on_error: [{steps: [{id: mend, description: Mended, set: 1}, {id: fail, exit: {state: FAILED}}]}]\n"
        + "  - {id: core, plan: ./core.yml}\n"
    )
    with Runner(store=str(tmp_path / "store")) as runner:
        record = runner.run(load_plan(tmp_path / "outer.yml"))
        assert runner.runs.get(record.id) == record
    told = {step.path: step.description for step in _all_steps(record.steps)}
    assert told == {
        "a": "A outside",
        "each": "Both",
        "each[0]": "Both",
        "each[0]/a": None,
        "each[0]/b": "B inside",
        "each[0]/core": "The core",
        "each[0]/core/a": "A of the core",
        "each[0]/core/only": None,
        "each[0]/bad": None,
        "each[0]/mend": "Mended",
        "each[0]/fail": None,
        "core": None,
    }


def _all_steps(steps: Sequence[StepRecord]) -> Iterator[StepRecord]:
    for step in steps:
        yield step
        yield from _all_steps(step.steps)


def test_a_script_answers_for_people(plan_of: PlanOf) -> None:
    from planrunner.document.script import Script

    plan = plan_of("""
        hooks: {before_tool_call: [{use: clarify_on_all_tool_calls}]}
        steps:
          - {id: q, clarify: {type: multiple_choice, guidance: Which?, options: [a, b]}}
          - {id: say, tool: log, args: {message: "{{ steps.q.output }}"}}
          - {id: last, clarify: {type: input, guidance: Nobody knows}}
    """)
    script = Script(answers={"q": ["b"], "say/log": "yes", "last": {"never": True}})
    record = Runner(store="memory", script=script).run(plan)
    assert record.state == "NEED_CLARIFICATION"
    assert [asked.response for asked in record.clarifications] == ["b", "yes", None]
    assert record.step_outputs["$q"].value == "b"


def test_a_tool_can_not_pass_its_question_for_that_of_a_step(plan_of: PlanOf) -> None:
    from planrunner.clarification import UserVerificationClarification

    @tool(effect="read")
    def asks(ctx: ToolRunContext) -> Any:
        """Asks under a false name."""
        return UserVerificationClarification(plan_run_id=ctx.run_id, user_guidance="ok?", source="step")

    record = runner_of(asks).run(plan_of("tools: {asks: {}}\nsteps: [{id: a, tool: asks}]"))
    assert record.clarifications[0].source == "tool"
