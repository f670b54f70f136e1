"""What a tool is: a named function with a schema for its arguments and an honest word about its effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from planrunner.clarification import AnyClarification, Clarification
    from planrunner.execution_context import ExecutionContext
    from planrunner.plan import Step

Effect = Literal["read", "write", "irreversible"]
EFFECTS: tuple[Effect, ...] = ("read", "write", "irreversible")
"""From the harmless to the grave. Unknown counts as `write`."""

ANY_ARGUMENTS: Mapping[str, Any] = {"type": "object"}


def gravest(*effects: Effect) -> Effect:
    """The gravest of these effects."""
    return max(effects, key=EFFECTS.index)


@dataclass(frozen=True, slots=True)
class ToolRunContext:
    """What a tool is told about the call besides its arguments.

    end_user_id        for whom the run acts; None when the run was started without one
    context            the end user's whole context as it stands in the record
    step               the step that calls
    run_id             the run
    idempotency_key    the same for every attempt of this call, also after a crash
    root               the project root; file tools may not leave it
    plan_run           the run as it stands, read-only
    """

    end_user_id: str | None
    context: Mapping[str, Any]
    step: Step
    run_id: str
    idempotency_key: str
    root: str
    answered: tuple[Mapping[str, Any], ...] = ()
    plan_run: Any = None

    @property
    def clarifications(self) -> list[AnyClarification]:
        """The questions that this call has asked, in order; their `response` is the answer."""
        from planrunner.clarification import clarification_of

        return [clarification_of(fields) for fields in self.answered]

    @property
    def execution_context(self) -> ExecutionContext:
        """`context` as the class that Python callers know."""
        from planrunner.execution_context import ExecutionContext

        return ExecutionContext.model_validate(dict(self.context))


@dataclass(frozen=True, slots=True)
class ReadyResponse:
    """Whether a tool can serve this run; if not, what a person is asked before the run goes on."""

    ready: bool
    clarification: Clarification | None = None


READY: Final = ReadyResponse(True)


class Tool:
    """A tool. Subclass it and write `run` or `async def arun`, or put `@tool` on a function.

    The fields stand as attributes of the class, or are given to the constructor.

    id             the name that plans and models use
    name           for people; the id when left out
    description    told to the model
    args_schema    JSON Schema (an object) of the arguments
    output_schema  JSON Schema of the result, or None: not checked
    effect         `read`, `write` or `irreversible`; None: not declared, counts as `write`
    inline         True only for tools that neither wait nor compute for long: they run in the event loop's thread
    self_contained True only for tools that touch nothing outside, not even to read: plan tests call them as they are
    timeout        seconds that one call may take at the longest; None: no limit of its own
    """

    id: str = ""
    name: str = ""
    description: str = ""
    args_schema: Mapping[str, Any] = ANY_ARGUMENTS
    output_schema: Mapping[str, Any] | None = None
    effect: Effect | None = None
    inline: bool = False
    self_contained: bool = False
    timeout: float | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "id" in vars(cls) and "name" not in vars(cls):
            cls.name = cls.id

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 - the user's word for it
        name: str | None = None,
        description: str | None = None,
        args_schema: Mapping[str, Any] | None = None,
        output_schema: Mapping[str, Any] | None = None,
        effect: Effect | None = None,
        inline: bool | None = None,
        self_contained: bool | None = None,
        timeout: float | None = None,
    ) -> None:
        if name is None and type(self).name in ("", type(self).id):
            name = id
        given = {
            "id": id,
            "name": name,
            "description": description,
            "args_schema": args_schema,
            "output_schema": output_schema,
            "effect": effect,
            "inline": inline,
            "self_contained": self_contained,
            "timeout": timeout,
        }
        vars(self).update({field: value for field, value in given.items() if value is not None})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id!r}>"

    def ready(self, ctx: ToolRunContext) -> ReadyResponse:
        """Whether the tool can serve this run; asked before the first step, and again whenever the run is resumed."""
        return READY

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work and return a value that JSON can tell. Raise ToolSoftError or ToolHardError to fail.

        Called as `run(ctx, **args)` with a ToolRunContext; write it as `def run(self, ctx, city)`.
        """
        raise NotImplementedError(f"the tool {self.id!r} has neither run() nor arun()")

    async def arun(self, *args: Any, **kwargs: Any) -> Any:
        """The same for tools that wait without a thread. Where a class has both, this one is called."""
        raise NotImplementedError(f"the tool {self.id!r} has no arun()")


def is_async(tool: Tool) -> bool:
    """Whether the tool is called through `arun`."""
    return type(tool).arun is not Tool.arun


def can_run(tool: Tool) -> bool:
    """Whether the tool has something to call."""
    return is_async(tool) or type(tool).run is not Tool.run
