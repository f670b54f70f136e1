"""Answers questions while the run goes on: a handler puts them to whoever is there."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from planrunner.clarification import (
    ActionClarification,
    AnyClarification,
    Clarification,
    CustomClarification,
    InputClarification,
    MultipleChoiceClarification,
    UserVerificationClarification,
    ValueConfirmationClarification,
    clarification_of,
)
from planrunner.errors import HookError
from planrunner.plan import MISSING
from planrunner.tools.calling import error_text
from planrunner.tools.threads import in_thread

OnResolution = Callable[[Clarification, Any], None]
OnError = Callable[[Clarification, Any], None]
Outcome = Awaitable[None] | None


class ClarificationHandler:
    """Subclass it and write a method for each kind of question that is to be answered at once.

    A method is called with the question, `on_resolution(clarification, response)` and `on_error(clarification, error)`;
    it calls one of them, once, from any thread, before it returns. Returning without either leaves the question open:
    the run waits. An error fails the step that asks. Methods may be async; others run in a thread.
    """

    def handle_action_clarification(
        self, clarification: ActionClarification, on_resolution: OnResolution, on_error: OnError
    ) -> Outcome:
        """Something is to be done at `clarification.action_url`."""

    def handle_input_clarification(
        self, clarification: InputClarification, on_resolution: OnResolution, on_error: OnError
    ) -> Outcome:
        """A value is asked for."""

    def handle_multiple_choice_clarification(
        self, clarification: MultipleChoiceClarification, on_resolution: OnResolution, on_error: OnError
    ) -> Outcome:
        """One of `clarification.options` is asked for."""

    def handle_value_confirmation_clarification(
        self, clarification: ValueConfirmationClarification, on_resolution: OnResolution, on_error: OnError
    ) -> Outcome:
        """A yes or no to a value is asked for."""

    def handle_user_verification_clarification(
        self, clarification: UserVerificationClarification, on_resolution: OnResolution, on_error: OnError
    ) -> Outcome:
        """A yes or no is asked for."""

    def handle_custom_clarification(
        self, clarification: CustomClarification, on_resolution: OnResolution, on_error: OnError
    ) -> Outcome:
        """A question for a channel of one's own."""


def asker(handler: ClarificationHandler) -> Callable[[Mapping[str, Any]], Awaitable[Any]]:
    """The handler as a run asks it: the fields of a question in, the answer out; MISSING when it is left open."""

    async def ask(fields: Mapping[str, Any]) -> Any:
        question = clarification_of({name: value for name, value in fields.items() if name != "refusal"})
        return await _put(handler, question)

    return ask


async def _put(handler: ClarificationHandler, question: AnyClarification) -> Any:
    outcome: list[tuple[bool, Any]] = []

    def on_resolution(_: Clarification, response: Any) -> None:
        outcome.append((True, response))

    def on_error(_: Clarification, error: Any) -> None:
        outcome.append((False, error))

    method = getattr(handler, f"handle_{question.category.name.lower()}_clarification")
    try:
        await _call(method, question, on_resolution, on_error)
    except Exception as error:
        raise HookError(f"the clarification handler failed: {error_text(error)}") from error
    if not outcome:
        return MISSING
    resolved, value = outcome[0]
    if not resolved:
        raise HookError(f"the clarification handler failed: {value}")
    return value


async def _call(method: Callable[..., Outcome], *arguments: Any) -> None:
    if inspect.iscoroutinefunction(method):
        returned = method(*arguments)
    else:
        returned, error = await in_thread(lambda: method(*arguments))
        if error is not None:
            raise error
    if inspect.isawaitable(returned):
        await returned
