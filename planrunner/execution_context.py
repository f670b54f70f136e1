"""For whom a run acts: `ExecutionContext`, and the door through which Python callers give it.

The module can itself be called, because `planrunner.execution_context` is a module and a function under one name:
`from planrunner import execution_context` and `from planrunner.execution_context import execution_context` both give
something to put after `with`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from planrunner.errors import ContextError


class ExecutionContext(BaseModel):
    """The end user's context.

    end_user_id      identifies the end user in the caller's system; None when the run acts for nobody in particular
    additional_data  whatever else prompts and templates may need (name, department, a thread id); JSON values
    planner_system_context_extension, agent_system_context_extension
                     texts of the operator that are added to the system prompt of the planner, or of every agent
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    end_user_id: str | None = Field(default=None, min_length=1)
    additional_data: dict[str, Any] = Field(default_factory=dict)
    planner_system_context_extension: list[str] | str | None = None
    agent_system_context_extension: list[str] | str | None = None


_NOBODYS = ExecutionContext()

ContextLike = ExecutionContext | Mapping[str, Any]
"""A context, or its fields."""

_current: ContextVar[ExecutionContext | None] = ContextVar("planrunner_execution_context", default=None)


@contextmanager
def execution_context(
    context: ExecutionContext | Mapping[str, Any] | None = None, **fields: Any
) -> Iterator[ExecutionContext]:
    """Runs started or resumed inside the `with` block act with this context.

    `context` is a whole context, or a mapping of its fields; `fields` replace single ones. Raises ContextError for a
    field that does not exist or does not fit.
    """
    given = make_execution_context(context, **fields)
    token = _current.set(given)
    try:
        yield given
    finally:
        _current.reset(token)


def get_execution_context() -> ExecutionContext | None:
    """The context of the enclosing `with execution_context(...)`; None outside of any."""
    return _current.get()


def context_given(given: ContextLike | None) -> dict[str, Any]:
    """The fields of this context; without one, of that of the enclosing `with`, or of an empty one."""
    context = get_execution_context() if given is None else make_execution_context(given)
    return (context or _NOBODYS).model_dump()


def make_execution_context(
    context: ExecutionContext | Mapping[str, Any] | None = None, **fields: Any
) -> ExecutionContext:
    """Check and build a context. Raises ContextError with one line per wrong field."""
    whole = context.model_dump() if isinstance(context, ExecutionContext) else dict(context or {})
    try:
        return ExecutionContext.model_validate({**whole, **fields})
    except ValidationError as error:
        raise ContextError("the execution context is not valid: " + "; ".join(_words(error))) from None


def _words(error: ValidationError) -> Iterator[str]:
    known = ", ".join(ExecutionContext.model_fields)
    for problem in error.errors():
        field = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            yield f"there is no field {field!r}; the fields are {known}"
        elif problem["type"] == "string_too_short":
            yield f"{field} is empty; leave it out when there is no end user"
        else:
            yield f"{field}: {problem['msg']}"


class _CallableModule(ModuleType):
    """This module, callable as its function."""

    def __call__(self, context: ExecutionContext | Mapping[str, Any] | None = None, **fields: Any) -> Any:
        return execution_context(context, **fields)


sys.modules[__name__].__class__ = _CallableModule
