"""Text as it comes: for listeners, for `async for`, and for whoever sits at the terminal."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planrunner import Runner
from planrunner.document.script import Script
from planrunner.events import ATTEMPT_FAILED, EFFECT_FINISHED, EFFECT_STARTED, TEXT, Event
from tests.agents.bench import KEY, Bench, plan, task
from tests.cli.person import Person
from tests.servers.openai_server import (
    OpenAIServer,
    Request,
    calls,
    failure,
    held,
    short,
    text,
)

WORDS = "The quick brown fox jumps over the lazy dog."


def kinds(bench: Bench) -> list[str]:
    return [event.kind for event in bench.events]


def test_a_listener_hears_text_between_the_start_and_the_end_of_its_call() -> None:
    with Bench(task(), [calls(("look", {"q": "a"})), text(WORDS)], stream=True) as bench:
        kept = bench.runner.runs.events(bench.run().id)
    assert bench.text == WORDS
    heard = [event for event in bench.events if event.kind == TEXT]
    assert len(heard) > 3
    assert {event.key for event in heard} == {"work!llm:1"}
    of_call = [event.kind for event in bench.events if event.key == "work!llm:1"]
    assert of_call == [EFFECT_STARTED, *[TEXT] * len(heard), EFFECT_FINISHED]
    assert TEXT not in {event.kind for event in kept}
    assert [event for event in bench.events if event.kind != TEXT] == list(kept)


def test_without_stream_no_text_is_heard_and_none_asked_for() -> None:
    with Bench(task(), [text(WORDS)]) as bench:
        assert bench.run().state == "COMPLETE"
    assert TEXT not in kinds(bench)
    assert "stream" not in bench.requests[0].body


def test_what_was_heard_of_a_reply_that_broke_off_is_told_to_be_void() -> None:
    with Bench(task(), [short(text(WORDS), "brown"), failure(500), text(WORDS)], stream=True) as bench:
        record = bench.run()
    assert record.state == "COMPLETE"
    assert record.step_outputs["$work"].value == WORDS
    told = [event.kind for event in bench.events if event.key == "work!llm:0"]
    assert told.count(ATTEMPT_FAILED) == 2
    first = told.index(ATTEMPT_FAILED)
    assert told[:first] == [EFFECT_STARTED, *[TEXT] * (first - 1)]
    after = bench.events[[event.kind for event in bench.events].index(ATTEMPT_FAILED) :]
    assert "".join(event.body["text"] for event in after if event.kind == TEXT) == WORDS


def test_a_listener_that_fails_hears_nothing_more_and_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    def listen(event: Event) -> None:
        if event.kind == TEXT:
            heard.append(event.body["text"])
            raise RuntimeError("no more")

    with Bench(task(), [text(WORDS)], stream=True) as bench:
        record = bench.runner.run(bench.plan, on_event=listen)
    assert record.step_outputs["$work"].value == WORDS
    assert len(heard) == 1
    assert "hears nothing more" in caplog.text


def test_half_a_character_silences_nobody() -> None:
    answers = [text("so \ud83d"), text("well")]
    with Bench(task(", retry: {on: [model_error], delay: 1ms}"), answers, stream=True) as bench:
        assert bench.run().state == "COMPLETE"
    assert kinds(bench)[-1] == "run_finished"
    assert bench.text == "so ?well"


def until_heard(bench: Bench, go_on: threading.Event, leave: bool = False) -> Callable[[], Any]:
    async def scenario() -> list[str]:
        seen: list[str] = []
        stream = bench.runner.astream(bench.plan)
        async for event in stream:
            seen.append(event.kind)
            if event.kind == TEXT and not go_on.is_set():
                assert "effect_finished" not in seen, "the text came when all was over"
                go_on.set()
                if leave:
                    await stream.aclose()  # type: ignore[attr-defined]
        return seen

    return lambda: asyncio.run(scenario())


def test_astream_yields_text_as_it_comes() -> None:
    go_on = threading.Event()
    with Bench(task(), [held(text(WORDS), "uick", go_on)], stream=True) as bench:
        seen = until_heard(bench, go_on)()
    assert go_on.is_set()
    assert seen[-1] == "run_finished"
    assert seen.count(TEXT) > 3


def test_a_stream_that_is_left_leaves_the_run_as_it_stands() -> None:
    go_on = threading.Event()
    answers = [held(text(WORDS), "uick", threading.Event()), text(WORDS)]
    with Bench(task(), answers, stream=True) as bench:
        until_heard(bench, go_on, leave=True)()
        (summary,) = bench.runner.runs.list()
        assert bench.runner.runs.get(summary.id).state == "IN_PROGRESS"
        record = bench.resume(summary.id)
    assert record.state == "COMPLETE"
    assert record.step_outputs["$work"].value == WORDS
    assert len(bench.requests) == 2


def test_a_scripted_model_is_heard_too() -> None:
    heard: list[Event] = []
    script = Script({}, {"work": [WORDS]}, {})
    with Runner(store="memory", stream=True, script=script) as runner:
        runner.run(plan("steps: [{id: work, task: Go.}]"), on_event=heard.append)
    assert [event.body["text"] for event in heard if event.kind == TEXT] == [WORDS]


def test_text_stands_on_the_terminal_while_it_comes(tmp_path: Path) -> None:
    (tmp_path / "planrunner.toml").touch()
    (tmp_path / "plan.yml").write_text("""
planrunner: 1
name: talking
steps: [{id: work, description: Talks, task: Go.}]
""")
    go_on = threading.Event()
    words = "One two three\x1b[2J four five six seven."

    def answer(_: Request) -> Any:
        return held(text(words), "ve si", go_on)

    with OpenAIServer(answer) as server:
        env = {"OPENAI_API_KEY": KEY, "OPENAI_API_BASE": server.base_url, "HOME": str(tmp_path)}
        with Person("run", "plan.yml", "--model", "openai/x", cwd=tmp_path, **env) as person:
            person.reads("four fi")
            assert person.process.poll() is None
            assert not go_on.is_set()
            go_on.set()
            seen = person.leaves(0)
    assert person.out == words + "\n"
    assert "\x1b[2J" not in seen
    assert "work  Talks" in seen
    assert server.requests[0].body["stream"] is True
