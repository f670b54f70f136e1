"""Which tool a name of the plan means, and what the plan's entry adds to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planrunner.errors import ToolUnusableError, UnknownToolError
from planrunner.plan import Agent, Plan, ToolEntry
from planrunner.registry import Registry, UnknownNameError, hint
from planrunner.tools.base import EFFECTS, Effect, Tool, gravest
from planrunner.tools.builtin import BUILTIN
from planrunner.tools.calling import error_text
from planrunner.tools.loading import as_tool, load_tool
from planrunner.tools.stand_in import StandIn

_INSTALLED = Registry(BUILTIN, entry_points="planrunner.tools")
_BUILTIN_USES = {use: name for name, use in BUILTIN.items()}


@dataclass(frozen=True, slots=True)
class ResolvedTool:
    """A tool as one plan knows it.

    name    what the plan calls it
    effect  the gravest that the tool, or any of the plan's entries for the same origin, declares
    origin  where it comes from: the entry's `use`, else the name under which it was found
    names   by which hooks and policies may mean it: its name, its origin, the plan's other names for that origin
    timeout seconds that one call may take at the longest, or None
    """

    name: str
    tool: Tool
    effect: Effect
    origin: str
    args_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None
    description: str
    names: tuple[str, ...]
    timeout: float | None = None


class Catalogue:
    """The tools of one plan: its own entries, then the Python caller's, then built-in and installed ones.

    played  a script plays tools: one that the plan announces, and that nobody provides, need not be there

    An installed plug-in can't take the name of a built-in tool. Each tool is found and imported when its name is first
    asked for.
    """

    def __init__(
        self, plan: Plan, own: Iterable[Tool | type[Tool] | Callable[..., Any]] = (), *, played: bool = False
    ) -> None:
        self._plan = plan
        self._played = played
        self._own = _by_id(own)
        self._resolved: dict[str, ResolvedTool] = {}

    def resolve(self, name: str) -> ResolvedTool:
        """The tool of this name. Raises UnknownToolError, or ToolUnusableError when it contradicts its entry."""
        found = self._resolved.get(name)
        if found is None:
            found = self._resolved[name] = self._resolve(name)
        return found

    def check(self) -> None:
        """Resolve every tool that a step or an agent of the plan names, so that a run can't meet a missing one.

        Raises UnknownToolError with all unknown names, else the first ToolUnusableError.
        """
        unknown: list[str] = []
        for name, where in self._named():
            try:
                self.resolve(name)
            except UnknownToolError as error:
                unknown.append(f"{where}: {error}")
        if unknown:
            raise UnknownToolError("\n".join(unknown))

    def named(self) -> tuple[str, ...]:
        """The tools that a step or an agent of the plan names."""
        return tuple(name for name, _ in self._named())

    def names(self) -> tuple[str, ...]:
        """Every name that can be asked for, the plan's own first."""
        return tuple(dict.fromkeys((*self._plan.tools, *self._own, *_INSTALLED.names())))

    def _named(self) -> Iterator[tuple[str, str]]:
        """Each tool name with the first place that names it."""
        places: dict[str, str] = {}
        for step in self._plan.walk():
            if step.tool_id is not None:
                places.setdefault(step.tool_id, f"step {step.id!r}")
            agent = step.options.get("agent")
            for name in agent.tools if isinstance(agent, Agent) else ():
                places.setdefault(name, f"the agent of step {step.id!r}")
        for agent_name, agent in self._plan.agents.items():
            for name in agent.tools:
                places.setdefault(name, f"agent {agent_name!r}")
        yield from places.items()

    def _resolve(self, name: str) -> ResolvedTool:
        entry = self._plan.tools.get(name) or ToolEntry(name)
        tool = load_tool(entry.use, self._plan.root) if entry.use else self._find(name)
        return ResolvedTool(
            name=name,
            tool=tool,
            effect=self._effect(entry, tool),
            origin=_origin(entry),
            args_schema=tool.args_schema if entry.args_schema is None else entry.args_schema,
            output_schema=tool.output_schema if entry.output_schema is None else entry.output_schema,
            description=tool.description if entry.description is None else entry.description,
            names=self._names(entry),
            timeout=tool.timeout if entry.timeout is None else entry.timeout,
        )

    def _find(self, name: str) -> Tool:
        if name in self._own:
            return self._own[name]
        try:
            thing = _INSTALLED.get(name)
        except UnknownNameError:
            if self._played and name in self._plan.tools:
                return StandIn(id=name)
            raise self._unknown(name) from None
        except (Exception, SystemExit) as error:
            raise ToolUnusableError(f"the installed tool {name!r} can't be imported: {error_text(error)}") from error
        return as_tool(thing, f"the installed tool {name!r}")

    def _unknown(self, name: str) -> UnknownToolError:
        if name in self._plan.tools:
            return UnknownToolError(
                f"the tool {name!r} stands in the plan's `tools` without `use`, and nobody provides it; "
                f'add `use: "package.module:function"`, pass it with Runner(tools=[…]), or have a script play it'
            )
        known = self.names()
        return UnknownToolError(f"there is no tool {name!r}{hint(name, known)} (known: {', '.join(known)})")

    def _names(self, entry: ToolEntry) -> tuple[str, ...]:
        origin = _origin(entry)
        others = (other.name for other in self._plan.tools.values() if _origin(other) == origin)
        return tuple(dict.fromkeys((entry.name, origin, *others)))

    def _effect(self, entry: ToolEntry, tool: Tool) -> Effect:
        origin = _origin(entry)
        said = [_effect_of(other, tool) for other in self._plan.tools.values() if _origin(other) == origin]
        return gravest(*said) if said else tool.effect or "write"


def _effect_of(entry: ToolEntry, tool: Tool) -> Effect:
    """What this entry makes of the tool's effect. An entry may set what nobody declared, and raise, never lower."""
    declared = tool.effect
    if entry.effect is None:
        return declared or "write"
    effect = next((effect for effect in EFFECTS if effect == entry.effect), None)
    if effect is None:
        raise ToolUnusableError(f"tools.{entry.name}.effect is {entry.effect!r}; expected one of {', '.join(EFFECTS)}")
    if declared is not None and gravest(effect, declared) != effect:
        raise ToolUnusableError(
            f"tools.{entry.name}.effect is {effect!r}, but the tool declares {declared!r}; "
            "a plan may raise an effect, never lower it"
        )
    return effect


def _origin(entry: ToolEntry) -> str:
    """Where the tool of this entry comes from. A built-in tool has one origin, however it is named."""
    return entry.name if entry.use is None else _BUILTIN_USES.get(entry.use, entry.use)


def _by_id(own: Iterable[Tool | type[Tool] | Callable[..., Any]]) -> dict[str, Tool]:
    tools: dict[str, Tool] = {}
    for thing in own:
        tool = as_tool(thing, f"Runner(tools=…): {thing!r}")
        if tool.id in tools:
            raise ToolUnusableError(f"Runner(tools=…): two tools have the id {tool.id!r}")
        tools[tool.id] = tool
    return tools
