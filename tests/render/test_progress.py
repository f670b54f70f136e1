"""Progress, on terminals and elsewhere, fed with the events of a run."""

from __future__ import annotations

import time

import pytest

from planrunner.events import (
    ATTEMPT_FAILED,
    CLARIFICATION_ANSWERED,
    CLARIFICATION_CLOSED,
    CLARIFICATION_RAISED,
    EFFECT_STARTED,
    STEP_FINISHED,
    STEP_STARTED,
    Event,
)
from planrunner.render.progress import Live, Plain, Quiet
from planrunner.render.words import Style


class Screen:
    """A terminal that understands just what Live may send: text, line ends, one line up, erase the line."""

    def __init__(self) -> None:
        self.sent = ""

    def write(self, text: str) -> None:
        self.sent += text

    def lines(self) -> list[str]:
        lines, rest = [""], self.sent
        while rest:
            if rest.startswith("\x1b[1A\x1b[2K"):
                assert lines[-1] == "", "moved up from the middle of a line"
                lines = [*lines[:-2], ""]
                rest = rest.removeprefix("\x1b[1A\x1b[2K")
                continue
            assert rest[0] != "\x1b", f"an unknown sequence: {rest[:12]!r}"
            if rest[0] == "\n":
                lines.append("")
            else:
                lines[-1] += rest[0]
            rest = rest[1:]
        return lines[:-1]


def started(path: str, at: float = 0.0) -> Event:
    return Event(STEP_STARTED, path, at, {})


def finished(path: str, state: str = "COMPLETE", at: float = 0.0) -> Event:
    return Event(STEP_FINISHED, path, at, {"state": state})


def call(path: str, **body: object) -> Event:
    return Event(EFFECT_STARTED, f"{path}!tool:0", 0.0, {"name": "weather", "attempt": 1, **body})


def test_the_description_stands_beside_the_step() -> None:
    screen = Screen()
    plain = Plain(screen.write, Style())
    plain.descriptions = {"triage": "Sort  the\n\x1b[31mmail", "long": "x" * 200}
    for event in (started("triage"), finished("triage"), started("long"), started("other")):
        plain(event)
    assert screen.sent.splitlines() == [
        "triage started: Sort the \\x1b[31mmail",
        "triage COMPLETE in 0.00s",
        f"long started: {'x' * 79}…",
        "other started",
    ]


def test_the_description_moves_with_the_step() -> None:
    screen = Screen()
    live = Live(screen.write, Style())
    live.descriptions = {"triage": "Sort the mail"}
    live(started("triage", time.time()))
    assert screen.lines()[-1].startswith("⠙ triage  Sort the mail  0.")
    live(finished("triage", at=time.time()))
    live.close()
    assert screen.lines()[0].startswith("✓ triage  Sort the mail  0.")


def test_plain_lines() -> None:
    screen = Screen()
    progress = Plain(screen.write, Style())
    for event in (started("look", 1.0), call("look"), finished("look", at=1.5), finished("pay", "SKIPPED")):
        progress(event)
    progress.close()
    assert screen.sent == "look started\nlook COMPLETE in 0.50s\npay SKIPPED\n"


def test_verbose_tells_calls() -> None:
    screen = Screen()
    progress = Plain(screen.write, Style(), verbose=True)
    progress(call("look", args={"city": "Å\x1b[0m"}))
    progress(call("ask", args=None))
    assert (
        screen.sent
        == '  look calls weather {"city": "Å\\\\u001b[0m"}\n'.replace("\\\\", "\\") + "  ask calls weather\n"
    )


def test_verbose_tells_why_a_call_is_made_again() -> None:
    error = {"kind": "transient", "message": "the provider failed (503):\x1b[2J oops"}
    failed = Event(ATTEMPT_FAILED, "look!llm:0", 1.0, {"error": error})
    screen, silent = Screen(), Screen()
    Plain(screen.write, Style(), verbose=True)(failed)
    Plain(silent.write, Style())(failed)
    assert screen.sent == "  look fails and tries again: transient: the provider failed (503):\\x1b[2J oops\n"
    assert silent.sent == ""


def test_quiet_says_nothing() -> None:
    progress = Quiet()
    progress(started("look"))
    progress.say("a line")
    progress.close()


def test_live_shows_what_is_in_flight_and_keeps_what_has_ended() -> None:
    screen, now = Screen(), time.time()
    progress = Live(screen.write, Style())
    progress(started("look", now))
    progress(started("ask", now - 2))
    look, ask = screen.lines()
    assert look[2:].startswith("look  0.")
    assert ask[2:].startswith("ask  2.")
    progress(finished("look", at=now + 0.25))
    assert screen.lines()[0] == "✓ look  0.25s"
    assert len(screen.lines()) == 2
    progress.say("a log line")
    assert screen.lines()[:2] == ["✓ look  0.25s", "a log line"]
    progress(finished("ask", "FAILED", at=now))
    progress(finished("pay", "SKIPPED"))
    progress.close()
    assert screen.lines() == ["✓ look  0.25s", "a log line", "✗ ask  2.00s", "- pay  SKIPPED"]


def test_live_moves_by_itself() -> None:
    screen = Screen()
    progress = Live(screen.write, Style())
    progress(started("look", time.time()))
    before = screen.sent
    deadline = time.monotonic() + 20
    while screen.sent == before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert screen.sent != before
    progress.close()
    at_the_end = screen.sent
    progress.close()
    assert screen.sent == at_the_end
    assert screen.lines() == []


def test_live_never_wraps_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen()
    progress = Live(screen.write, Style())
    progress(started("x" * 500, time.time()))
    (line,) = screen.lines()
    assert len(line) == 39
    progress.close()


def asked(path: str) -> Event:
    return Event(CLARIFICATION_RAISED, f"{path}!ask", 0.0, {"user_guidance": "Well?"})


def answered(path: str, **body: object) -> Event:
    return Event(CLARIFICATION_ANSWERED, f"{path}!ask", 0.0, {"response": "yes", "by": None, **body})


def test_questions_and_answers_are_told() -> None:
    screen = Screen()
    progress = Plain(screen.write, Style())
    progress(asked("look"))
    progress(answered("look"))
    progress(answered("look", response=[1, "\x1b\n"], by="Ada\x07"))
    progress(Event(CLARIFICATION_CLOSED, "look!ask", 0.0, {"why": "expired"}))
    assert screen.lines() == [
        "look asks a person",
        "look is answered: yes",
        'look is answered by Ada\\x07: [1, "\\u001b\\n"]',
        "look asks no more: expired",
    ]


@pytest.mark.parametrize("kind", [Plain, Live])
def test_a_question_has_the_terminal_for_itself(kind: type[Plain]) -> None:
    screen = Screen()
    progress = kind(screen.write, Style())
    progress(started("look", time.time()))
    progress.hold()
    held = screen.sent
    progress.say("a log line")
    progress(finished("look", "SKIPPED"))
    progress(started("ask", time.time()))
    time.sleep(0.5)
    assert screen.sent == held
    progress.go_on()
    assert "a log line" in screen.lines()
    progress.close()
    assert screen.lines()[-3 if kind is Plain else -2] == "a log line"


@pytest.mark.parametrize("kind", [Plain, Live])
def test_what_was_kept_back_is_told_at_the_end(kind: type[Plain]) -> None:
    screen = Screen()
    progress = kind(screen.write, Style())
    progress.hold()
    progress.say("a log line")
    progress.close()
    assert screen.lines() == ["a log line"]


def test_a_step_that_asks_is_marked() -> None:
    screen = Screen()
    progress = Live(screen.write, Style())
    progress(started("look", time.time()))
    progress(asked("look"))
    assert screen.lines()[-1].startswith("? look  0.")
    progress(answered("look"))
    assert not screen.lines()[-1].startswith("?")
    progress.close()
