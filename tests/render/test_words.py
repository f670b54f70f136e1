"""Colours, durations, widths."""

from __future__ import annotations

import io

import pytest

from planrunner.render.words import Style, clip, count, pad, took, wants_colour, width


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "wanted"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (None, {}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_who_gets_colours(stream: io.StringIO | None, environ: dict[str, str], wanted: bool) -> None:
    assert wants_colour(stream, environ) is wanted


def test_a_closed_stream_wants_none() -> None:
    stream = io.StringIO()
    stream.close()
    assert wants_colour(stream, {}) is False


def test_style() -> None:
    assert Style(True)("x", "red") == "\x1b[31mx\x1b[0m"
    assert Style()("x", "red") == "x"
    assert Style(True).state("FAILED") == "\x1b[31mFAILED\x1b[0m"
    assert Style(True).state("COMPLETE", "ok") == "\x1b[32mok\x1b[0m"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1, "0.00s"),
        (0.4242, "0.42s"),
        (9.999, "10.00s"),
        (12.34, "12.3s"),
        (59.94, "59.9s"),
        (59.96, "1m 00s"),
        (185, "3m 05s"),
        (3599.6, "1h 00m"),
        (7260, "2h 01m"),
    ],
)
def test_took(seconds: float, told: str) -> None:
    assert took(seconds) == told


def test_count() -> None:
    assert [count(number, "step") for number in (0, 1, 2, 1234)] == ["0 steps", "1 step", "2 steps", "1,234 steps"]


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("Ådne", 4), ("", 0)])
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns
    assert width(pad(text, 8)) == 8


@pytest.mark.parametrize(
    ("text", "columns", "clipped"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("日本語", 6, "日本語"), ("日本語", 5, "日本…"), ("日本語", 4, "日…")],
)
def test_clip(text: str, columns: int, clipped: str) -> None:
    assert clip(text, columns) == clipped
    assert width(clipped) <= columns
