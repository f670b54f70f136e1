"""Asking people while a run is carried: a question is raised once, and answered once, whoever carries the run then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import time
from typing import Any

from planrunner import events
from planrunner.answers import ACTION, checked_answer
from planrunner.errors import (
    AnswerError,
    DeadlineError,
    InvalidPlanRunStateError,
    RejectedError,
    RunCancelledError,
    SchemaError,
)
from planrunner.ids import clarification_id
from planrunner.journal.base import Post
from planrunner.jsonsafe import to_json_safe
from planrunner.ledger import Ledger
from planrunner.plan import MISSING, Step
from planrunner.run_state import QuestionState, RunState, apply

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Puts a question (the fields of a Clarification) to a person and gives back the answer, MISSING when there is none."""

TRIES = 3
"""How often a handler is asked again when its answer was refused."""

ANSWER = "answer:"
"""Begins the key of a post that answers the clarification whose id follows."""


CANCEL = "cancel:"
"""Begins the key of the post that ends a run; the number of the try it is meant for follows."""


class Waiting(Exception):
    """What was begun can't go on before a person has answered. It is no failure; it is begun again from its start."""


class Questions:
    """The questions of one run."""

    def __init__(self, ledger: Ledger, handler: Handler | None) -> None:
        self._ledger = ledger
        self._handler = handler
        self._put: set[str] = set()
        self._asking = asyncio.Lock()
        self._closed: tuple[str, ...] = ()

    def close(self, paths: Iterable[str]) -> None:
        """Ask nothing of steps with these paths, or inside of them: nobody is waited for where a plan ends."""
        self._closed += tuple(paths)

    def is_closed(self, key: str) -> bool:
        """Whether this is the key of something in a step for which nobody is asked any more."""
        return bool(self._closed) and key.startswith(tuple(f"{path}{mark}" for path in self._closed for mark in "/[(!"))

    async def ask(self, key: str, step: Step, question: Mapping[str, Any], on_timeout: Any = MISSING) -> Any:
        """The answer. Raises Waiting while there is none, DeadlineError when the time for it is over."""
        state = self._ledger.state
        if self.is_closed(key):
            raise RejectedError(f"nobody is asked under `finally`: {question.get('user_guidance', 'a question')!r}")
        self.put(key, step, question)
        known = state.questions[key]
        if known.is_open and _is_over(known, self._ledger.clock.now()):
            self._close(known, on_timeout)
        if known.is_open and self._handler is not None and key not in self._put:
            self._put.add(key)
            async with self._asking:  # a person is asked one thing at a time
                await self._ask_handler(known)
        if known.resolved:
            return known.response
        if known.closed == EXPIRED:
            raise DeadlineError(f"nobody answered {known.body['user_guidance']!r} in time")
        raise Waiting

    def take(self, posts: Iterable[Post]) -> None:
        """Take in what was said to the run: answers to open questions, or the wish that it ends."""
        open_by_id = {question.id: question for question in self._ledger.state.open_questions.values()}
        for post in posts:
            if post.key == f"{CANCEL}{self._ledger.state.tries}":
                raise RunCancelledError(cancel_message(post))
            question = open_by_id.get(post.key.removeprefix(ANSWER))
            if question is not None and question.is_open and not is_late(question, post):
                self._answer(question, post.body["response"], post.body.get("by"))

    def withdraw_approvals(self) -> None:
        """Another end user: what was asked about calls and sign-ins of the one before is asked anew."""
        for question in list(self._ledger.state.open_questions.values()):
            body = question.body
            if body.get("call") or (body["category"] == ACTION and body.get("source") != "step"):
                self._ledger.emit(events.CLARIFICATION_CLOSED, question.key, {"why": "withdrawn"})

    def withdraw(self) -> None:
        """The run ends without the answers."""
        for question in list(self._ledger.state.open_questions.values()):
            self._ledger.emit(events.CLARIFICATION_CLOSED, question.key, {"why": "withdrawn"})

    def put(self, key: str, step: Step, question: Mapping[str, Any]) -> None:
        """Raise the question, unless it stands already."""
        if key in self._ledger.state.questions:
            return
        body = to_json_safe(dict(question), "the question")
        timeout = body.pop("timeout", None)
        run_id = self._ledger.state.id
        self._ledger.emit(
            events.CLARIFICATION_RAISED,
            key,
            {
                "id": clarification_id(run_id, key, self._ledger.state.generation),
                "plan_run_id": run_id,
                "step": step.index,
                "path": key[: key.index("!")],
                **body,
                "expires_at": body.get("expires_at") if timeout is None else self._ledger.clock.now() + timeout,
            },
        )

    async def _ask_handler(self, question: QuestionState) -> None:
        """Put it to the person who is there; an answer that is refused is asked for again."""
        await self._ledger.barrier()  # nobody is asked what the journal does not know
        refusal: str | None = None
        for _ in range(TRIES):
            told = dict(question.body) if refusal is None else {**question.body, "refusal": refusal}
            answer = await self._handler(told) if self._handler is not None else MISSING
            if answer is MISSING:
                return
            try:
                self._answer(question, checked_answer(question.body, answer), None)
            except AnswerError as error:
                refusal = str(error)
            else:
                return

    def _answer(self, question: QuestionState, response: Any, by: str | None) -> None:
        self._ledger.emit(events.CLARIFICATION_ANSWERED, question.key, {"response": response, "by": by})

    def _close(self, question: QuestionState, on_timeout: Any) -> None:
        if on_timeout is MISSING:
            self._ledger.emit(events.CLARIFICATION_CLOSED, question.key, {"why": EXPIRED})
        else:
            self._answer(question, checked_answer(question.body, on_timeout), "timeout")


EXPIRED = "expired"


def question_of(raised: Any, source: str, who: str) -> dict[str, Any]:
    """A Clarification that a hook or a tool raised, as the fields of a question. SchemaError when it can't be one.

    `source` is ours to say: an approval must not pass for the question of a step.
    """
    from planrunner.clarification import clarification_of

    try:
        fields = raised.model_dump(mode="json", exclude={"id", "response", "resolved", "step", "path", "expires_at"})
        clarification_of(fields)  # what is recorded can be read again, as the same class
    except ValueError as error:
        raise SchemaError(f"{who} raised a clarification that can't be recorded: {error}") from error
    expires_at = None if raised.expires_at is None else raised.expires_at.timestamp()
    del fields["plan_run_id"]
    return {**fields, "source": source, "expires_at": expires_at}


def is_late(question: QuestionState, post: Post) -> bool:
    """Whether this answer came after the time for it was over."""
    expires_at = question.body["expires_at"]
    return expires_at is not None and post.at > expires_at


def with_posts(state: RunState, posts: Iterable[Post]) -> RunState:
    """The state with the answers that were posted and not yet taken in by who carries the run."""
    for post in posts:
        for question in list(state.open_questions.values()):
            if question.id == post.key.removeprefix(ANSWER) and not is_late(question, post):
                body = {"response": post.body["response"], "by": post.body.get("by")}
                apply(state, events.Event(events.CLARIFICATION_ANSWERED, question.key, post.at, body))
    return state


def cancel_message(post: Post) -> str:
    by = post.body.get("by")
    return f"the run was cancelled by {by}" if by else "the run was cancelled"


def open_question(state: RunState, clarification_id: str) -> QuestionState:
    """The open question of that id. InvalidPlanRunStateError when there is none."""
    for question in state.questions.values():
        if question.id == clarification_id:
            if question.is_open and not _is_over(question, time()):
                return question
            raise InvalidPlanRunStateError(f"{clarification_id} is closed: {_why(question)}")
    asked = ", ".join(question.id for question in state.open_questions.values()) or "none"
    raise InvalidPlanRunStateError(f"run {state.id} asks nothing under {clarification_id!r}; open questions: {asked}")


def _why(question: QuestionState) -> str:
    if question.resolved:
        return f"it was answered with {question.response!r}"
    return "the run ended without it" if question.closed == "withdrawn" else "the time for an answer is over"


def _is_over(question: QuestionState, now: float) -> bool:
    expires_at = question.body["expires_at"]
    return expires_at is not None and now > expires_at
