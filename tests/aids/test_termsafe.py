"""The one way onto a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner.termsafe import term_safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]8;;http://x\x07link", r"\x1b]8;;http://x\x07link"),
        ("\x9b2J", r"\x9b2J"),
        ("a\rb", r"a\rb"),
        ("a\nb\tc", r"a\nb\tc"),
        ("a\x00\x7f", r"a\x00\x7f"),
        ("\u202eevil\u202c", r"\u202eevil\u202c"),
        ("\u2066a\u2069", r"\u2066a\u2069"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("a\u200bb\ufeffc\u2060d\xade", r"a\u200bb\ufeffc\u2060d\xade"),
        ("pa\u200dy", r"pa\u200dy"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_would_steer_or_hide_is_shown(text: str, shown: str) -> None:
    assert term_safe(text) == shown


def test_lines_are_kept_when_asked_for() -> None:
    assert term_safe("a\n\tb\x1b\r\n", lines=True) == "a\n\tb\\x1b\\r\n"


@pytest.mark.parametrize("text", ["plain [/x] \\n", "žluťoučký kůň", "日本語", "می‌خواهم", "👩‍💻 ❤️", "עברית", "a\xa0b"])
def test_printable_text_is_never_changed(text: str) -> None:
    assert term_safe(text) == text
    assert term_safe(text, lines=True) == text


@settings(derandomize=True, database=None, max_examples=500, deadline=None)
@given(st.text(st.characters() | st.sampled_from("\x1b\x9b\r\n\t\u202e\u200b\u2028\ud800")), st.booleans())
def test_nothing_that_steers_comes_out(text: str, lines: bool) -> None:
    shown = term_safe(text, lines=lines)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") and not (lines and c in "\n\t")]
    assert not [
        c
        for c in shown
        if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    ]
    assert lines or len(shown.splitlines()) <= 1
    shown.encode()
    assert term_safe(shown, lines=lines) == shown
