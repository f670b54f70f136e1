"""The map from litellm's exceptions to error kinds is whole, and no message shows a key."""

from __future__ import annotations

import inspect

import pytest

from planrunner.errors import DeadlineError, ModelError, RateLimitedError, TransientError
from planrunner.models.litellm import LitellmModel
from planrunner.models.litellm_errors import KINDS, as_step_error, masked, shortened

MODEL_KINDS = (TransientError, RateLimitedError, DeadlineError, ModelError)


def exceptions_of_litellm() -> dict[str, type[BaseException]]:
    import litellm.exceptions

    return {
        name: thing
        for name, thing in inspect.getmembers(litellm.exceptions, inspect.isclass)
        if issubclass(thing, BaseException) and thing.__module__ == "litellm.exceptions" and not name.startswith("_")
    }


def test_every_exception_of_litellm_has_its_line_and_no_line_is_idle(model: LitellmModel) -> None:
    assert set(KINDS) == set(exceptions_of_litellm())
    assert set(KINDS.values()) <= set(MODEL_KINDS)


def test_each_exception_gives_the_error_of_its_line(model: LitellmModel) -> None:
    for name, cls in exceptions_of_litellm().items():
        bare = cls.__new__(cls)
        Exception.__init__(bare, "words")
        bare.__dict__.update(message="words", num_retries=None, max_retries=None, original_exception=None)
        told = as_step_error(bare, "p/x", {}, [], unknown_provider=False)  # type: ignore[arg-type]
        assert type(told) is KINDS[name], name


def test_an_exception_nobody_knows_is_a_model_error(model: LitellmModel) -> None:
    told = as_step_error(OverflowError("what"), "p/x", {}, [], unknown_provider=False)
    assert type(told) is ModelError
    assert str(told) == "p/x: the request can't be made"


def test_a_package_litellm_lacks_is_told_with_how_to_install_it() -> None:
    lacking = ModuleNotFoundError("No module named 'mcp'", name="mcp")
    told = as_step_error(lacking, "openai/x", {}, [], unknown_provider=False)
    assert type(told) is ModelError
    words = "openai/x: litellm lacks a package: No module named 'mcp'. Run: pip install 'planrunner[litellm]'"
    assert str(told) == words


@pytest.mark.parametrize(
    "text",
    [
        "wrong key sk-proj-abcdefghijkl0123456789",
        "wrong key sk-ant-api03-abcdefghijkl-0123456789_xy",
        "wrong key sk-12345****************cdef",
        "wrong key gsk_abcdefghijkl0123456789",
        "wrong key AIzaSyA0123456789abcdefghijkl",
        "header Authorization: Bearer abc.def.ghi",
        "url https://example.org/v1?key=abcdef&x=1",
        "parameter my own words",
        "environment correct-horse-battery",
    ],
)
def test_keys_are_masked(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOME_API_KEY", "correct-horse-battery")
    told = masked(f"{text} here", {"api_key": "my own words"})
    assert "‹key›" in told  # noqa: RUF001
    for part in ("abcdef", "0123456789", "abc.def", "cdef", "my own", "correct-horse"):
        assert part not in told.replace("?key=", "")


def test_words_that_only_look_a_little_like_keys_stay() -> None:
    text = "the desk-based risk-assessment needs a monkey, keyboard and task-management-software"
    assert masked(text, {"temperature": 0.5, "max_tokens": 100}) == text


def test_long_words_are_cut() -> None:
    assert shortened("a" * 300) == "a" * 300
    assert shortened("a" * 10_000) == "a" * 300 + "…"
