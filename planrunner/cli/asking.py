"""Puts questions to the person at the terminal, while the run goes on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from typing import Any

from planrunner.answers import MULTIPLE_CHOICE, USER_VERIFICATION, VALUE_CONFIRMATION, checked_answer
from planrunner.clarification import AnyClarification
from planrunner.clarification_handler import ClarificationHandler, OnError, OnResolution
from planrunner.cli.answering import Ahead, Typed, answer_to
from planrunner.cli.streams import style, talk, talk_raw
from planrunner.errors import AnswerError
from planrunner.plan import MISSING
from planrunner.render import questions
from planrunner.render.progress import Quiet
from planrunner.render.words import is_terminal
from planrunner.termsafe import term_safe

TRIES = 3
"""How often one question is put before it is left open."""

_LONGEST = 65536
_YES_OR_NO = {"category": USER_VERIFICATION}


def can_ask() -> bool:
    """Whether somebody sits there who can read the question and type an answer."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def confirmed(question: str) -> bool:
    """Whether the person says yes. The end of input is a no, and so are TRIES words that are neither."""
    return asyncio.run(_confirmed(question))


async def _confirmed(question: str) -> bool:
    for _ in range(TRIES):
        _forget_what_was_typed_before()
        talk_raw(f"{question} yes or no: ")
        try:
            typed = await _line()
        except asyncio.CancelledError:
            talk("")  # what follows must not stand behind the prompt
            raise
        if typed is None:
            talk("")
            return False
        try:
            return bool(checked_answer(_YES_OR_NO, typed.decode("utf-8", "replace")) == "yes")
        except AnswerError as error:
            talk(f"refused: {term_safe(str(error))}")
    return False


class Asking(ClarificationHandler):
    """Answers with what was given ahead, else with what the person types; what neither answers is left open."""

    def __init__(self, ahead: Ahead, terminal: Terminal | None, progress: Quiet) -> None:
        self._ahead = ahead
        self._terminal = terminal
        self._progress = progress

    async def _handle(self, clarification: AnyClarification, on_resolution: OnResolution, on_error: OnError) -> None:
        answer = self._given(clarification)
        if answer is MISSING and self._terminal is not None:
            answer = await self._terminal.ask(clarification)
        if answer is not MISSING:
            on_resolution(clarification, answer)

    def _given(self, question: AnyClarification) -> Any:
        try:
            return self._ahead.answer(question)
        except AnswerError as error:
            self._progress.say(term_safe(f"--answer {question.path} is refused: {error}"))
            return MISSING

    handle_action_clarification = _handle
    handle_input_clarification = _handle
    handle_multiple_choice_clarification = _handle
    handle_value_confirmation_clarification = _handle
    handle_user_verification_clarification = _handle
    handle_custom_clarification = _handle


class Terminal:
    """One person, one question at a time. Nothing here blocks the run: other steps go on meanwhile."""

    def __init__(self, progress: Quiet) -> None:
        self._progress = progress
        self._turn = asyncio.Lock()

    async def ask(self, question: AnyClarification) -> Any:
        """The answer, checked; MISSING when the person ends the input, or is refused too often."""
        async with self._turn:
            self._progress.hold()
            try:
                return await _ask(question)
            except asyncio.CancelledError:
                talk("")  # what follows must not stand behind the prompt
                raise
            finally:
                self._progress.go_on()


async def _ask(question: AnyClarification) -> Any:
    talk("\n".join(_lines(question)))
    for _ in range(TRIES):
        _forget_what_was_typed_before()
        talk_raw(f"{_prompt(question)} (Ctrl-D: leave it open): ")
        typed = await _line()
        if typed is None:
            talk("\nleft open")
            return MISSING
        try:
            return answer_to(question, _meant(question, typed))
        except AnswerError as error:
            talk(f"refused: {term_safe(str(error))}")
    talk(f"refused {TRIES} times: left open")
    return MISSING


def _lines(question: AnyClarification) -> Iterator[str]:
    yield questions.heading(question, None, style(sys.stderr))
    yield from (f"  {line}" for line in questions.body(question))
    options = _options(question)
    if not options or question.expires_at is not None:
        yield f"  {questions.terms(question)}"
    yield from (f"  {number:>3}  {term_safe(_text(option))}" for number, option in enumerate(options, 1))


def _prompt(question: AnyClarification) -> str:
    if question.category in (USER_VERIFICATION, VALUE_CONFIRMATION):
        return "yes or no"
    return "number or text" if _options(question) else "answer"


def _options(question: AnyClarification) -> list[Any]:
    """The options to be numbered; none where a number could be taken for an option."""
    options: list[Any] = getattr(question, "options", [])
    if question.category != MULTIPLE_CHOICE or any(_text(option).strip().isdecimal() for option in options):
        return []
    return options


def _meant(question: AnyClarification, typed: bytes) -> Any:
    """The option of that number, else the text. AnswerError when it is neither."""
    try:
        line = typed.decode("utf-8")
    except UnicodeDecodeError:
        raise AnswerError("that is not UTF-8 text") from None
    if not line.strip():
        raise AnswerError("nothing was typed")
    options = _options(question)
    if not options:
        return Typed(line)
    word = line.strip()
    if word.isascii() and word.isdecimal() and len(word) < 9 and 1 <= int(word) <= len(options):
        return options[int(word) - 1]
    return Typed(line if line in options else word)


def _text(option: Any) -> str:
    return option if isinstance(option, str) else questions.shown(option)


def _forget_what_was_typed_before() -> None:
    """A key that was pressed before the question could be read is no answer to it."""
    import termios

    try:
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    except termios.error:  # the terminal has gone away; reading will tell
        return


async def _line() -> bytes | None:
    """The next line without its end; None when the input ends."""
    typed = b""
    while b"\n" not in typed:
        part = await _part(sys.stdin.fileno())
        if not part:
            return None
        typed += part
    return typed.partition(b"\n")[0]


async def _part(descriptor: int) -> bytes:
    """What is typed next. The event loop waits for it and no thread does: a thread that reads can't be interrupted."""
    loop = asyncio.get_running_loop()
    came: asyncio.Future[bytes] = loop.create_future()

    def read() -> None:
        if not came.done():
            came.set_result(_read(descriptor))

    loop.add_reader(descriptor, read)
    try:
        return await came
    finally:
        loop.remove_reader(descriptor)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _LONGEST)
    except OSError:  # nobody sits there any more
        return b""
