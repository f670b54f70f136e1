"""Questions to people: `Clarification` and its six kinds, as hooks and tools raise them and as records keep them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_serializer
from pydantic_core.core_schema import SerializerFunctionWrapHandler


class ClarificationCategory(StrEnum):
    """The kinds of questions, with the words that stand in JSON."""

    ACTION = "Action"
    INPUT = "Input"
    MULTIPLE_CHOICE = "Multiple Choice"
    VALUE_CONFIRMATION = "Value Confirmation"
    USER_VERIFICATION = "User Verification"
    CUSTOM = "Custom"


class Clarification(BaseModel):
    """A question to a person, and once it is resolved their answer.

    id             made of the run and of what asks, so that raising a question twice is raising it once; empty until
                   it is raised
    plan_run_id    the run that asks
    response       the answer; None while the question is open
    step, path     which step asks: its index among the top-level steps, and its path
    user_guidance  what the person is told
    resolved       whether the question is answered, or closed because the run ended without it
    source         what asked: `step`, `tool`, `hook`, or whatever the one that raises it says
    to             `end_user`, or `{role: NAME}`
    expires_at     when the question stops being answerable; None: never
    call           for the approval of a tool call: `{tool, args, key, digest}`
    """

    model_config = ConfigDict(extra="forbid")

    id: str = ""
    plan_run_id: str
    category: ClarificationCategory
    response: Any = None
    step: int | None = None
    path: str | None = None
    user_guidance: str
    resolved: bool = False
    source: str | None = None
    to: str | dict[str, str] = "end_user"
    expires_at: datetime | None = None
    call: dict[str, Any] | None = None

    @model_serializer(mode="wrap")
    def _without_what_is_not_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = handler(self)
        unset = {"to": "end_user", "expires_at": None, "call": None, "answer_schema": None}
        return {key: value for key, value in told.items() if key not in unset or value != unset[key]}


class ActionClarification(Clarification):
    """Asks the person to do something elsewhere, at `action_url`."""

    category: Literal[ClarificationCategory.ACTION] = ClarificationCategory.ACTION
    action_url: str
    require_confirmation: bool = False


class InputClarification(Clarification):
    """Asks for a value. `answer_schema` is the JSON Schema that it must meet; None: any text."""

    category: Literal[ClarificationCategory.INPUT] = ClarificationCategory.INPUT
    argument_name: str = "answer"
    answer_schema: dict[str, Any] | None = None


class MultipleChoiceClarification(Clarification):
    """Asks to choose one of `options`."""

    category: Literal[ClarificationCategory.MULTIPLE_CHOICE] = ClarificationCategory.MULTIPLE_CHOICE
    argument_name: str = "answer"
    options: list[Any]


class ValueConfirmationClarification(Clarification):
    """Asks to confirm a value."""

    category: Literal[ClarificationCategory.VALUE_CONFIRMATION] = ClarificationCategory.VALUE_CONFIRMATION
    argument_name: str = "value"
    value: Any = None

    @property
    def user_confirmed(self) -> bool:
        """Whether the person said yes."""
        return bool(self.response == "yes")


class UserVerificationClarification(Clarification):
    """Asks the person to say yes or no to what `user_guidance` shows."""

    category: Literal[ClarificationCategory.USER_VERIFICATION] = ClarificationCategory.USER_VERIFICATION

    @property
    def user_confirmed(self) -> bool:
        """Whether the person said yes."""
        return bool(self.response == "yes")


class CustomClarification(Clarification):
    """A question for a channel of one's own: `name` says which, `data` is what it needs."""

    category: Literal[ClarificationCategory.CUSTOM] = ClarificationCategory.CUSTOM
    name: str = "custom"
    data: Any = None
    answer_schema: dict[str, Any] | None = None


AnyClarification = Annotated[
    ActionClarification
    | InputClarification
    | MultipleChoiceClarification
    | ValueConfirmationClarification
    | UserVerificationClarification
    | CustomClarification,
    Field(discriminator="category"),
]
"""One of the six kinds, told apart by `category`."""

_ANY: TypeAdapter[AnyClarification] = TypeAdapter(AnyClarification)


def clarification_of(fields: Mapping[str, Any]) -> AnyClarification:
    """The clarification with these fields, of the class that its `category` names."""
    return _ANY.validate_python(dict(fields))
