"""JSON that a terminal may be shown, and that says the same to a program."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner.events import Event
from planrunner.render import json as render_json
from planrunner.render import jsonl
from planrunner.termsafe import term_safe

HOSTILE = "\x1b]0;title\x07 \x7f \x9b31m \u202e \u2028 \U000e0041 plain Ådne 日本 {{ 7*7 }}"


def test_what_could_steer_a_terminal_is_escaped() -> None:
    document = render_json.text({"x": HOSTILE})
    assert term_safe(document, lines=True) == document
    assert "\\u202e" in document
    assert "Ådne 日本 {{ 7*7 }}" in document
    assert json.loads(document) == {"x": HOSTILE}


@settings(derandomize=True, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_the_same_to_a_program(text: str) -> None:
    document = render_json.text([text, {text: 1}])
    assert json.loads(document) == [text, {text: 1}]


def test_one_event_is_one_line() -> None:
    line = jsonl.event(Event("step_finished", "a", 0.5, {"state": "COMPLETE", "output": f"two\nlines{HOSTILE}"}))
    assert line.count("\n") == 1
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {
        "kind": "step_finished",
        "key": "a",
        "at": "1970-01-01T00:00:00.500Z",
        "body": {"state": "COMPLETE", "output": f"two\nlines{HOSTILE}"},
    }


def test_nothing_that_is_no_json_is_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        render_json.text(float("nan"))
