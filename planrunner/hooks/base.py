"""What a hook is: where it may stand, and what a binding says about one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, TypeVar

from planrunner.jsonsafe import dumps
from planrunner.plan import NOTHING, Step
from planrunner.scripted import names_of

BEFORE_PLAN_RUN: Final = "before_plan_run"
AFTER_PLAN_RUN: Final = "after_plan_run"
BEFORE_STEP: Final = "before_step_execution"
AFTER_STEP: Final = "after_step_execution"
BEFORE_TOOL_CALL: Final = "before_tool_call"
AFTER_TOOL_CALL: Final = "after_tool_call"

POINTS: Final = (BEFORE_PLAN_RUN, BEFORE_STEP, BEFORE_TOOL_CALL, AFTER_TOOL_CALL, AFTER_STEP, AFTER_PLAN_RUN)
"""In the order in which they come up in a run."""

SECONDS: Final = 30.0
"""How long a hook of a plan may take when its binding does not say."""

Verdict = Literal["deny", "clarify", "allow"]


_Hook = TypeVar("_Hook", bound=Callable[..., Any])


def speaks(verdict: Verdict, tools: Iterable[str] = ()) -> Callable[[_Hook], _Hook]:
    """Marks a hook as one that decides about calls of these tools (globs; none: all). `bindings` reads the mark."""

    def mark(hook: _Hook) -> _Hook:
        vars(hook).update(verdict=verdict, tools=(tools,) if isinstance(tools, str) else tuple(tools))
        return hook

    return mark


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call as hooks see it.

    key      of its effect; approvals are bound to it
    attempt  which attempt at it this is
    first    the attempt that its approvals were asked for: the attempts of one call share them
    names    the tool's name in the plan, its origin, and its other names there: a binding that matches any of them
             matches the call
    """

    key: str
    attempt: int
    first: int
    tool: Any
    names: tuple[str, ...]
    effect: str
    step: Step
    args: dict[str, Any]

    def with_args(self, args: dict[str, Any]) -> ToolCall:
        """The same call with other args."""
        return replace(self, args=args)


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which steps and tool calls a binding is for. Each part holds globs, of which any may match; empty: all."""

    tool: tuple[str, ...] = ()
    step: tuple[str, ...] = ()
    effect: tuple[str, ...] = ()
    args: Mapping[str, tuple[str, ...]] = NOTHING

    def fits_step(self, step: Step) -> bool:
        """Whether it is for this step: by its id, or by its path with or without items and rounds."""
        return not self.step or meets(self.step, (step.id, *names_of(step.path)))

    def fits_call(self, call: ToolCall) -> bool:
        """Whether it is for this call, with the args it has now."""
        return (
            self.fits_step(call.step)
            and meets(self.tool, call.names)
            and meets(self.effect, (call.effect,))
            and all(meets(globs, (_text(call.args.get(name)),)) for name, globs in self.args.items())
        )


@dataclass(frozen=True, slots=True)
class Binding:
    """One hook at one point.

    name      for records and messages
    hook      called with the point's arguments, and `with_` as keywords
    matcher   where it fires
    when      a bare expression over `tool`, `args`, `output`, `step` and the names of plans; None: always
    with_     settings, templates of the plan; rendered at each firing
    timeout   seconds; None: as long as it likes (hooks of the Python caller)
    tolerant  a failure is logged and nothing more (`after_*` points only)
    verdict   of the hooks that decide about tool calls; they stand after all others
    tools     what a verdict is about: globs
    inline    does not wait and does not block: runs in the event loop's thread
    lists     which list it stands in: 0 the Runner's, 1 the plan's, below 0 those of the policy
    by_id     a verdict is also about tools with such an id of their own, whatever the plan calls them
    """

    point: str
    name: str
    hook: Callable[..., Any]
    matcher: Matcher = Matcher()
    when: str | None = None
    with_: Mapping[str, Any] = NOTHING
    timeout: float | None = None
    tolerant: bool = False
    verdict: Verdict | None = None
    tools: tuple[str, ...] = ()
    inline: bool = False
    lists: int = 0
    by_id: bool = False

    def is_about(self, call: ToolCall) -> bool:
        """Whether it fires for this call."""
        names = (*call.names, call.tool.id) if self.by_id else call.names
        return self.matcher.fits_call(call) and meets(self.tools, names)


def meets(globs: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether any glob matches any of the names; no globs match all."""
    return not globs or any(fnmatchcase(name, glob) for glob in globs for name in names)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value)
