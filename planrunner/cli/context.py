"""The execution context, as flags and a file tell it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from planrunner.cli.files import read_map
from planrunner.cli.values import merged, pairs
from planrunner.errors import UsageError

if TYPE_CHECKING:
    from planrunner.execution_context import ExecutionContext


def context_of(file: str | None, user: str | None, words: Iterable[str]) -> dict[str, Any]:
    """The fields of the execution context; what they may be is checked where the run begins."""
    context = dict(read_map(file, "the context file")) if file is not None else {}
    if user is not None:
        if "end_user_id" in context:
            raise UsageError(f"the end user is named twice: by --user and in {file} by end_user_id; keep one")
        context["end_user_id"] = user
    data = pairs("--data", words, lambda _, value: value)
    known = context.get("additional_data", {})
    if data and not isinstance(known, dict):
        raise UsageError(f"additional_data in the context file {file} must be a map of names to values")
    return {**context, "additional_data": merged("the data", known, data)} if data else context


def context_in_place_of(
    known: ExecutionContext, file: str | None, user: str | None, words: Iterable[str]
) -> dict[str, Any] | None:
    """The context of a run that is gone on with; None when nothing of it is to change.

    A file, or another end user, begins a context of its own: nothing of one person's data may pass to another. Data
    for the same end user take their place among those that are there.
    """
    given = context_of(file, user, words)
    if file is None and not given:
        return None
    if file is not None or given.get("end_user_id", known.end_user_id) != known.end_user_id:
        return given
    data = {**known.additional_data, **given.get("additional_data", {})}
    return {**known.model_dump(), "additional_data": data}
