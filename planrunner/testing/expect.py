"""In what a run is not what its case expects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from planrunner.errors import TemplateError
from planrunner.render.case_result import Difference
from planrunner.run_state import COMPLETE, FAILED, NEED_CLARIFICATION, NOT_STARTED
from planrunner.schema_words import path_text
from planrunner.scripted import names_of
from planrunner.subset import Path, unlike
from planrunner.template import compile_expression, references
from planrunner.testing import asked as questions
from planrunner.testing.case import Case, Expectation
from planrunner.testing.names import PlanNames
from planrunner.testing.ran import Call, Ran
from planrunner.testing.words import clipped, difference, shown


def differences(case: Case, ran: Ran, names: PlanNames, counted: Callable[[Call], bool]) -> Iterator[Difference]:
    """Everything in which the run differs from what the case expects. `counted`: which calls `tool_calls` is about."""
    expected = _expected_state(case)
    state = ran.state.state
    if state != expected:
        told = case.expect.get("state") or case.expect.get("error")
        message = "\n".join((f"expected {expected}, got {state}", *_how_it_stands(ran)))
        yield Difference("state", message, told.line() if told else case.line)
    for key, check in _CHECKS.items():
        if key in case.expect and not (state != expected and key in _OF_THE_END):
            yield from check(case.expect[key], _Looked(ran, names, counted))


_OF_THE_END: Final = ("output", "error")
"""What needs no word when the run did not even come to the end that was expected."""


class _Looked:
    """What the checks look at."""

    def __init__(self, ran: Ran, names: PlanNames, counted: Callable[[Call], bool]) -> None:
        self.ran = ran
        self.names = names
        self.calls = [call for call in ran.calls if counted(call)]
        self.asked = [questions.told(question) for question in ran.state.questions.values()]


def _expected_state(case: Case) -> str:
    if "state" in case.expect:
        return str(case.expect["state"].value)
    return FAILED if "error" in case.expect else COMPLETE


def _how_it_stands(ran: Ran) -> Iterator[str]:
    """Why a run stands where it stands."""
    state = ran.state
    if state.state == NOT_STARTED:
        yield f"it was refused: {ran.refusal}"
    elif state.error:
        step = f"step {state.error['path']}: " if state.error.get("path") else ""
        yield f"{step}{state.error['kind']}: {state.error['message']}"
    elif state.state == NEED_CLARIFICATION:
        yield from (f"{q.path} asks: {q.body['user_guidance']}" for q in state.open_questions.values())


def _error(expected: Expectation, looked: _Looked) -> Iterator[Difference]:
    ran, names, wanted = looked.ran, looked.names, expected.value
    error = ran.state.error or {"kind": None, "path": None, "message": ran.refusal or ""}
    if "kind" in wanted and wanted["kind"] != error["kind"]:
        message = f"expected {wanted['kind']}, got {error['kind'] or 'none'}: {error['message']}"
        yield _of(expected, "error", ("kind",), message)
    if "step" in wanted and not _is_at(names.path(wanted["step"]), error["path"]):
        yield _of(expected, "error", ("step",), f"expected {wanted['step']}, got {error['path'] or 'none'}")
    if "message" in wanted and wanted["message"] not in error["message"]:
        message = f"expected a text that holds {shown(wanted['message'])}, got {shown(error['message'])}"
        yield _of(expected, "error", ("message",), message)


def _is_at(path: str | None, failed: str | None) -> bool:
    """Whether a name means the step that failed, with or without item and round."""
    return failed is not None and any(path == name for name in names_of(failed))


def _output(expected: Expectation, looked: _Looked) -> Iterator[Difference]:
    exact = isinstance(expected.value, dict) and expected.value.keys() == {"equals"}
    wanted = expected.value["equals"] if exact else expected.value
    outer: Path = ("equals",) if exact else ()
    for part in unlike(wanted, looked.ran.state.output, exact=exact):
        yield _of(expected, "output", part.path, difference(part.expected, part.got), (*outer, *part.path))


def _steps(expected: Expectation, looked: _Looked) -> Iterator[Difference]:
    for name, state in expected.value.items():
        path = looked.names.path(name)
        if path is None:
            continue
        got = looked.ran.step_state(path)
        if got != state:
            error = looked.ran.step(path).error
            why = f" ({error['kind']}: {error['message']})" if error else ""
            yield Difference(f"steps.{name}", f"expected {state}, got {got}{why}", expected.line((name,)))


def _tool_calls(expected: Expectation, looked: _Looked) -> Iterator[Difference]:
    def like(wanted: Any, call: Call) -> bool:
        return (wanted if isinstance(wanted, str) else wanted["tool"]) == call.tool

    def parts(wanted: Any, call: Call) -> Iterator[tuple[Path, str]]:
        for part in unlike({} if isinstance(wanted, str) else wanted.get("args", {}), call.args):
            yield ("args", *part.path), difference(part.expected, part.got)

    yield from _in_order("tool_calls", "call", expected, looked.calls, like, parts, _called)


def _asked(expected: Expectation, looked: _Looked) -> Iterator[Difference]:
    def like(wanted: Any, asked: dict[str, Any]) -> bool:
        if isinstance(wanted, str):
            return questions.is_meant(looked.names.question(wanted), asked)
        return all(questions.is_of(looked.names.path(wanted[key]), asked) for key in ("id", "path") if key in wanted)

    def parts(wanted: Any, asked: dict[str, Any]) -> Iterator[tuple[Path, str]]:
        fields = {} if isinstance(wanted, str) else {k: v for k, v in wanted.items() if k not in ("id", "path")}
        for part in unlike(fields, asked):
            yield part.path, difference(part.expected, part.got)

    yield from _in_order("asked", "question", expected, looked.asked, like, parts, _question)


def _in_order(
    at: str,
    thing: str,
    expected: Expectation,
    got: list[Any],
    like: Callable[[Any, Any], bool],
    parts: Callable[[Any, Any], Iterator[tuple[Path, str]]],
    told: Callable[[Any], str],
) -> Iterator[Difference]:
    """One list held against another, up to the first place where another thing stands than was expected."""
    there = f"\nthe {thing}s were: {', '.join(map(told, got)) or 'none'}"
    for index, wanted in enumerate(expected.value):
        if index == len(got):
            yield _of(expected, at, (index,), f"expected {_wanted(wanted)}, got no more {thing}s{there}")
            return
        if not like(wanted, got[index]):
            yield _of(expected, at, (index,), f"expected {_wanted(wanted)}, got {told(got[index])}{there}")
            return
        for path, message in parts(wanted, got[index]):
            yield _of(expected, at, (index, *path), message)
    if len(got) > len(expected.value):
        more = told(got[len(expected.value)])
        yield _of(expected, at, (), f"expected no more {thing}s after {len(expected.value)}, got {more}{there}")


def _never(expected: Expectation, looked: _Looked) -> Iterator[Difference]:
    for index, tool in enumerate(expected.value):
        for call in looked.ran.calls:
            if call.tool == tool:
                yield Difference("never", f"{_called(call)} was called by {call.path}", expected.line((index,)))
                break


def _that(expected: Expectation, looked: _Looked) -> Iterator[Difference]:
    listed = expected.value if isinstance(expected.value, list) else [expected.value]
    names = looked.ran.expression_names()
    for index, expression in enumerate(listed):
        text = str(expression).lower() if isinstance(expression, bool) else expression
        message = _untrue(text, names)
        if message:
            yield Difference("that", message, expected.line((index,)))


def _untrue(expression: str, names: dict[str, Any]) -> str | None:
    """What keeps an expression from being true; None when nothing does."""
    try:
        value = compile_expression(expression)(names)
    except TemplateError as error:
        return f"can't be told: {error}"
    if value is True:
        return None
    if value is not False:
        return f"{expression} must be true or false, and is {shown(value)}"
    return "\n".join((f"{expression} is false", *_values(expression, names)))


def _values(expression: str, names: dict[str, Any]) -> Iterator[str]:
    """What the paths in an expression stand for."""
    for path in dict.fromkeys(reference.names for reference in references(expression, bare=True)):
        value: Any = names
        try:
            for key in path:
                value = value[key]
        except (KeyError, TypeError, IndexError):
            continue
        yield f"{path_text(path)} is {shown(value)}"


def _wanted(wanted: Any) -> str:
    return clipped(wanted) if isinstance(wanted, str) else shown(wanted)


def _called(call: Call) -> str:
    return f"{call.tool} {shown(call.args)}"


def _question(asked: dict[str, Any]) -> str:
    return f"{questions.name(asked)} ({asked['type']})"


def _of(expected: Expectation, at: str, path: Path, message: str, where: Path | None = None) -> Difference:
    """A difference in this part of an expectation; `where` it stands in the file, when not there."""
    return Difference(path_text((at, *path)), message, expected.line(path if where is None else where))


_CHECKS: Final[dict[str, Callable[[Expectation, _Looked], Iterator[Difference]]]] = {
    "error": _error,
    "output": _output,
    "steps": _steps,
    "asked": _asked,
    "tool_calls": _tool_calls,
    "never": _never,
    "that": _that,
}
"""Key of `expect` → what is held against it, in the order in which differences are told."""
