"""kill -9 while a question inside of an item, a sub-plan, a switch and a group is open: only what needs the answer
waits for it.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from planrunner import Runner
from tests.crash.project import Project

PLAN = """
planrunner: 1
name: nested
tools: {hold: {use: "held:hold", effect: write}}
inputs: {ask: {type: boolean, default: true}}
steps:
  - id: outer
    steps:
      - {id: beside, needs: [], tool: hold, args: {name: beside}}
      - id: choose
        needs: []
        switch:
          - when: inputs.ask
            steps:
              - {id: inner, plan: ./inner.yml}
  - {id: last, tool: hold, args: {name: last}}
output: "{{ steps.last.output }}: {{ steps.outer.output.choose | length }}"
"""
INNER = """
planrunner: 1
name: inner
tools: {hold: {use: "held:hold", effect: write}}
steps:
  - id: each
    foreach: {in: "[1, 2, 3, 4]", as: n, max_concurrent: 4}
    steps:
      - {id: begun, tool: hold, args: {name: "begun-{{ n }}"}}
      - {id: ask, when: n == 3, clarify: {type: input, guidance: "Which?", schema: {type: string}}}
      - {id: done, tool: hold, args: {name: "done-{{ n }}"}}
"""
ITEM = "outer/choose/inner/each[2]"


class Nested(Project):
    """The project of the plan, its one run, and which of its calls were made how often."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, PLAN)
        (folder / "inner.yml").write_text(INNER, encoding="utf-8")
        self.run_id = ""

    def called(self) -> Counter[str]:
        """How often each call was made, by the path of its step."""
        keys = [json.loads(line)[1] for line in self.made()]
        return Counter(key.split("/", 1)[1].partition("!")[0] for key in keys)

    def begin_and_kill(self, *words: str, calls: int, complete: int) -> None:
        """Let a process carry the run until so many calls were begun and the store knows of so many items that they
        are complete; then end it as the kernel does.
        """
        process = self.begin(*words)
        self.wait_for_calls(calls)
        with self._store() as store:
            (run,) = store.runs.list()
        self.run_id = run.id
        while _step(self.record(), "outer/choose/inner/each")["items"]["complete"] < complete:
            assert process.poll() is None
        process.kill()
        process.communicate()

    def record(self) -> dict[str, Any]:
        with self._store() as store:
            return store.runs.get(self.run_id).model_dump(mode="json")

    def _store(self) -> Runner:
        return Runner(store=self.folder / ".planrunner")


def test_a_question_in_the_third_item_holds_up_that_item_alone(tmp_path: Path) -> None:
    project = Nested(tmp_path / "project")
    project.let_go("begun-1", "begun-2", "begun-3", "begun-4", "done-1", "done-2", "beside")
    # Everything that does not need the answer goes on, up to the call that is in flight when the process dies.
    project.begin_and_kill("run", "plan.yml", "--no-input", calls=8, complete=2)
    before = project.called()
    assert f"{ITEM}/done" not in before
    assert before["outer/choose/inner/each[3]/done"] == 1

    project.let_go("done-4")
    waits = project.call("resume", project.run_id, "--no-input")
    assert waits.code == 3, waits.err
    assert project.called() == before + Counter(["outer/choose/inner/each[3]/done"]), "a finished call was repeated"
    each = _step(project.record(), "outer/choose/inner/each")
    assert each["items"] == {"total": 4, "complete": 3, "skipped": 0, "failed": 0}
    assert [item["path"] for item in each["steps"]] == [ITEM]

    # The answer outlives the process that was to use it.
    assert project.call("answer", project.run_id, f"{ITEM}/ask", "this").code == 0
    project.begin_and_kill("resume", project.run_id, "--no-input", calls=10, complete=3)
    project.let_go("done-3", "last")
    done = project.call("resume", project.run_id, "--no-input")
    assert (done.code, done.out) == (0, "last: 4\n"), done.err
    twice = {path for path, times in project.called().items() if times > 1}
    assert twice == {"outer/choose/inner/each[3]/done", f"{ITEM}/done"}, "more than the calls in flight were repeated"
    assert set(project.called().values()) == {1, 2}
    keys = {json.loads(line)[1] for line in project.made()}
    assert len(keys) == len(project.called()), "a call was repeated under another idempotency key"


def _step(record: dict[str, Any], path: str) -> dict[str, Any]:
    steps = record["steps"]
    while True:
        step = next(step for step in steps if path == step["path"] or path.startswith(f"{step['path']}/"))
        if step["path"] == path:
            return step
        steps = step["steps"]
