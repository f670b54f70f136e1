"""What goes wrong while a template is evaluated, and the budget that no template can exceed."""

from __future__ import annotations

from typing import Any, Final

from planrunner.errors import TemplateError

MAX_TEXT: Final = 1 << 20
"""Characters that a template may write."""
MAX_VALUE: Final = 1 << 24
"""Weight of a value that an operator or filter may make: its characters, and 16 for each value in it."""
TOO_LARGE: Final = (
    f"the template makes a value of more than {MAX_VALUE:,} characters (an item counts for 16): make it of less"
)
MAX_STEPS: Final = 1_000_000
"""Work that one rendering may do. Counted, never timed: a loaded machine renders what an idle one renders."""
MAX_RANGE: Final = 10_000


class Fault(Exception):
    """Something that can't be evaluated. `offset` is where in the template, `keys` where in the value around it."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.expression: str | None = None
        self.keys: list[str | int] = []

    def error(self) -> TemplateError:
        """The error to raise at the end of its way."""
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in reversed(self.keys))
        before = f"{place.removeprefix('.')}: " if place else ""
        after = f" (in `{self.expression}`)" if self.expression else ""
        return TemplateError(f"{before}{self.message}{after}")


class MissingFault(Fault):
    """A name or key that is not there: what `default` and `is defined` forgive."""


class Budget:
    """The work left to one rendering."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Pay for work before it is done."""
        self.left -= steps
        if self.left < 0:
            raise Fault("the template does more work than is allowed: loop over less")


def named(value: Any) -> str:
    """What kind of thing a value is, as a message says it."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return "a string"
    if isinstance(value, (int, float)):
        return f"the number {value}" if abs(value) < 1e15 else "a number"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return "an object"
