"""Questions to people, as people read them: who is asked what, what may be answered, until when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from planrunner.answers import takes
from planrunner.render.words import Style
from planrunner.termsafe import term_safe

if TYPE_CHECKING:
    from planrunner.clarification import Clarification


def heading(question: Clarification, end_user: str | None, style: Style) -> str:
    """`decide asks the end user u1:`."""
    who = f"{style(term_safe(question.path or '-'), 'bold')} asks {term_safe(_addressee(question, end_user))}"
    return who if question.source == "step" else f"{who} ({term_safe(question.source or 'unknown source')})"


def body(question: Clarification) -> Iterator[str]:
    """What is asked, and about what: the whole of it, since people answer for what they read here."""
    yield from term_safe(question.user_guidance, lines=True).splitlines()
    if question.call is not None:
        yield f"call: {_safe(question.call.get('tool'))} {shown(question.call.get('args'))}"
    for name, told in (("action_url", "at"), ("value", "value"), ("name", "name"), ("data", "data")):
        value = getattr(question, name, None)
        if value is not None:
            yield f"{told}: {_safe(value)}"


def terms(question: Clarification) -> str:
    """`takes yes or no, until 2026-01-02 03:04:05 UTC`."""
    until = "" if question.expires_at is None else f", until {question.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"takes {term_safe(takes(fields(question)))}{until}"


def fields(question: Clarification) -> dict[str, Any]:
    """The question as plain data, as `planrunner.answers` knows it."""
    return question.model_dump(mode="json")


def outcome(question: Clarification) -> str:
    """What became of it: `open`, the answer, or that there is none."""
    if not question.resolved:
        return "open"
    return "closed without an answer" if question.response is None else f"answered: {_safe(question.response)}"


def told(question: Clarification, end_user: str | None, style: Style) -> Iterator[str]:
    """The whole question for a record: an open one with its terms, a closed one with what became of it."""
    colour = "dim" if question.resolved else "yellow"
    yield f"{heading(question, end_user, style)}  {style(outcome(question), colour)}"
    yield from (f"    {line}" for line in body(question))
    if not question.resolved:
        yield f"    {terms(question)}"
        yield f"    {question.id}"


def _addressee(question: Clarification, end_user: str | None) -> str:
    if isinstance(question.to, dict):
        return str(question.to.get("role"))
    return "the end user" if end_user is None else f"the end user {end_user}"


def _safe(value: Any) -> str:
    return term_safe(value) if isinstance(value, str) else shown(value)


def shown(value: Any) -> str:
    """A value as JSON in one line, safe for a terminal."""
    return term_safe(json.dumps(value, ensure_ascii=False))
