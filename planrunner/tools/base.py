"""What a tool is: a named function with a schema for its arguments and an honest word about its effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from planrunner.execution_context import ExecutionContext
    from planrunner.plan import Step

Effect = Literal["read", "write", "irreversible"]
EFFECTS: tuple[Effect, ...] = ("read", "write", "irreversible")
"""From the harmless to the grave. Unknown counts as `write`."""


@dataclass(frozen=True, slots=True)
class ToolRunContext:
    """What a tool is told about the call besides its arguments.

    end_user_id        for whom the run acts; None when the run was started without one
    execution_context  the end user's whole context (built when first read)
    step               the step that calls
    run_id             the run
    idempotency_key    the same for every attempt of this call, also after a crash
    root               the project root; file tools may not leave it
    """

    end_user_id: str | None
    context: Mapping[str, Any]
    step: Step
    run_id: str
    idempotency_key: str
    root: str

    @property
    def execution_context(self) -> ExecutionContext:
        """The end user's context as the class that Python callers know."""
        from planrunner.execution_context import ExecutionContext

        return ExecutionContext.model_validate(dict(self.context))


class Tool:
    """A tool. Subclass it and write `run` (or `async def arun`), or put `@tool` on a function.

    id             the name that plans and models use
    name           for people; the id when left out
    description    told to the model
    args_schema    JSON Schema (an object) of the arguments
    output_schema  JSON Schema of the result, or None: not checked
    effect         `read`, `write` or `irreversible`; None: not declared, counts as `write`
    inline         True only for tools that neither wait nor compute for long: they run in the event loop's thread
    """

    id: str
    name: str = ""
    description: str = ""
    args_schema: Mapping[str, Any] = {"type": "object"}
    output_schema: Mapping[str, Any] | None = None
    effect: Effect | None = None
    inline: ClassVar[bool] = False

    def run(self, ctx: ToolRunContext, **args: Any) -> Any:
        """Do the work and return a value that JSON can tell. Raise ToolSoftError or ToolHardError to fail."""
        raise TypeError(f"the tool {self.id!r} has neither run() nor arun()")
