"""`fail`: ends what it stands before with an error; put a `when` beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planrunner.errors import ToolHardError


def make() -> Callable[..., None]:
    """The hook of a plan: `message`."""

    def fail(*_: Any, message: str = "stopped by a fail hook") -> None:
        raise ToolHardError(message)

    return fail
