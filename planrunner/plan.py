"""A plan as it stands in its file: frozen data, made by `document` and read by everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Final

from planrunner.ids import plan_id


class _Nothing(Mapping[str, Any]):
    """The empty mapping as a default; a `MappingProxyType` can't be one before Python 3.12, for want of a hash."""

    __hash__ = object.__hash__

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"


NOTHING: Final[Mapping[str, Any]] = _Nothing()


class _Missing:
    """Tells an absent value from null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Retry:
    """How failing calls are made again.

    max_attempts  how often a call is made in all, the first attempt included
    delay         seconds before the second attempt
    exponential   whether each further wait is twice as long; else all are the same
    on            the error kinds that are tried again
    """

    max_attempts: int = 3
    delay: float = 1.0
    exponential: bool = True
    on: tuple[str, ...] = ("transient", "rate_limited", "timeout", "tool_soft_error")


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings of a whole run; None: no ceiling. `duration` in seconds."""

    usd: float | None = None
    tokens: int | None = None
    llm_calls: int | None = None
    tool_calls: int | None = None
    duration: float | None = None


@dataclass(frozen=True, slots=True)
class Foreach:
    """The step is carried out for each item of the list that the bare expression `in_` gives, called `as_` there."""

    in_: str
    as_: str = "item"
    max_concurrent: int = 1
    max_items: int = 1000


@dataclass(frozen=True, slots=True)
class Repeat:
    """The step is carried out until the bare expression holds, `max` rounds at most, `delay` seconds apart."""

    until: str
    max: int
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class ErrorHandler:
    """An entry of `on_error`: for which kinds (None: all that need not be named), and the output or the steps then."""

    match: tuple[str, ...] | None = None
    output: Any = MISSING
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a `switch`; without `when` it is the else."""

    when: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    id           unique in the whole file
    index        its place among the top-level steps, from 0; an inner step has that of its top-level ancestor
    verb         `tool`, `task`, `set`, …
    value        what stands under the verb, as in the file (templates not rendered); nothing for `steps` and `switch`
    options      the keys beside the verb that belong to it: `args`, `agent`, `returns`, `idempotency_key`, …
    description  for people
    when         a bare expression, or None
    needs        None when the key is absent: the step then needs every step above it
    retry        of the step, else of the plan's `defaults`, else None; of `tool` and `task` steps
    timeout      likewise, in seconds: the longest that one attempt of a call may take
    foreach, repeat, on_error  what is wrapped around the verb, from the outside in: foreach, on_error, repeat
    steps        of a group
    cases        of a switch
    place        its place in its own list, from 0
    path         where it stands in a run: the ids from the root joined by `/`, with the item and the round it is in
    """

    id: str
    index: int
    verb: str
    value: Any
    options: Mapping[str, Any] = NOTHING
    description: str | None = None
    when: str | None = None
    needs: tuple[str, ...] | None = None
    retry: Retry | None = None
    timeout: float | None = None
    foreach: Foreach | None = None
    repeat: Repeat | None = None
    on_error: tuple[ErrorHandler, ...] = ()
    steps: tuple[Step, ...] = ()
    cases: tuple[Case, ...] = ()
    place: int = 0
    path: str = ""

    def walk(self) -> Iterator[Step]:
        """The step and every step inside of it, in file order of their kinds."""
        yield self
        inner = (self.steps, *(case.steps for case in self.cases), *(handler.steps for handler in self.on_error))
        for steps in inner:
            for step in steps:
                yield from step.walk()

    def shown(self) -> Step:
        """A copy for code of others (tools, hooks): what they do to it, they do to no plan."""
        return replace(self, value=deepcopy(self.value), options=deepcopy(dict(self.options)))

    @property
    def output(self) -> str:
        """The key of this step's output in the record."""
        return f"${self.id}"

    @property
    def tool_id(self) -> str | None:
        """The tool a `tool` step names; None for other verbs."""
        return self.value if self.verb == "tool" else None

    @property
    def task(self) -> str:
        """The task of a `task` step as the file has it; for other verbs the description, else the id."""
        return self.value if self.verb == "task" else self.description or self.id


@dataclass(frozen=True, slots=True)
class ContextContract:
    """The `context` block: what the plan demands of the end user's execution context."""

    end_user_id_required: bool = False
    additional_data: Mapping[str, Any] | None = None
    """JSON Schema of `additional_data`; None when the block does not declare it."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Who works on a task. `model` holds aliases or litellm names in the order they are tried; empty: the default.

    ask  whether it may ask the end user itself
    """

    name: str | None = None
    model: tuple[str, ...] = ()
    instructions: str | None = None
    tools: tuple[str, ...] = ()
    max_turns: int = 10
    ask: bool = False
    sees: str | tuple[str, ...] = "all"
    """`all`, `none`, or the names of the `additional_data` that go into the prompt."""


@dataclass(frozen=True, slots=True)
class ModelAlias:
    """An entry of `models`: the litellm names tried in order, and the parameters passed to litellm."""

    model: tuple[str, ...]
    parameters: Mapping[str, Any] = NOTHING


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """An entry of the plan's `tools`. Without `use` it adds to a tool known under that name, or announces one.

    timeout  seconds that one attempt may take at the longest; None: as the tool itself says
    """

    name: str
    use: str | None = None
    description: str | None = None
    effect: str | None = None
    args_schema: Mapping[str, Any] | None = None
    output_schema: Mapping[str, Any] | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class HookEntry:
    """A binding in `hooks`. `timeout` in seconds; `match` as in the file: globs, or lists of them."""

    point: str
    use: str
    with_: Mapping[str, Any] = NOTHING
    match: Mapping[str, Any] = NOTHING
    when: str | None = None
    timeout: float | None = None
    on_error: str = "fail"


@dataclass(frozen=True, slots=True)
class Handed:
    """What a planner was handed: the plan that it wrote may name these and no others.

    tools   name → JSON Schema of the arguments; an empty one where it is not known any more
    models  aliases of the project
    hooks   built-in hooks
    """

    tools: Mapping[str, Mapping[str, Any]] = NOTHING
    models: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnapprovedCall:
    """A call that nobody can take back, and of which the plan's file does not show that a person approves it.

    step    the id of the step that makes it, or whose agent may
    names   by which hooks may mean the tool
    guards  functions that surely fire before the call: a policy may say that they approve
    where   file, line and column of the tool's name
    """

    step: str
    names: tuple[str, ...]
    guards: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked plan.

    sha256  digest over the bytes of the plan and every file that belongs to it
    inputs  JSON Schema of the inputs, an object without further properties
    default_models  of tasks whose agent names none, in the order they are tried; empty: the settings decide
    output  template of the final value; MISSING when the file has none
    returns JSON Schema of the final value, or None
    subplans  the plans that its `plan` steps run, by what stands under the verb
    files   the snapshot: name relative to the plan's folder → text; the plan itself stands first
    path    where the file was read, None for standard input or text
    root    the project root: `use` modules and file tools live below it
    handed  of a plan that a planner wrote: what it was handed; None: a person's plan
    unapproved  calls of irreversible tools that hooks outside of the plan must have approved
    """

    name: str
    sha256: str
    steps: tuple[Step, ...]
    version: str | None = None
    description: str | None = None
    inputs: Mapping[str, Any] = NOTHING
    context: ContextContract = ContextContract()
    models: Mapping[str, ModelAlias] = NOTHING
    agents: Mapping[str, Agent] = NOTHING
    tools: Mapping[str, ToolEntry] = NOTHING
    hooks: tuple[HookEntry, ...] = ()
    default_models: tuple[str, ...] = ()
    limits: Limits = Limits()
    finally_: tuple[Step, ...] = ()
    subplans: Mapping[str, Plan] = NOTHING
    output: Any = MISSING
    returns: Mapping[str, Any] | None = None
    files: Mapping[str, str] = field(default=NOTHING, repr=False)
    path: str | None = None
    root: str = "."
    handed: Handed | None = None
    unapproved: tuple[UnapprovedCall, ...] = ()

    @property
    def id(self) -> str:
        """`plan-` and a UUID derived from `sha256`."""
        return plan_id(self.sha256)

    def shown(self) -> Plan:
        """A copy for hooks: what they do to it, they do to no plan."""
        return replace(
            self,
            steps=tuple(step.shown() for step in self.steps),
            finally_=tuple(step.shown() for step in self.finally_),
            inputs=deepcopy(dict(self.inputs)),
            agents=dict(self.agents),
            tools=dict(self.tools),
            models=dict(self.models),
        )

    def agent_of(self, step: Step) -> Agent:
        """The agent of a `task` step: named, given inline, or the default model with no tools."""
        agent = step.options.get("agent")
        if agent is None:
            return Agent()
        return self.agents[agent] if isinstance(agent, str) else agent

    def walk(self) -> Iterator[Step]:
        """Every step of the file, in file order; not those of its sub-plans."""
        for step in (*self.steps, *self.finally_):
            yield from step.walk()

    def walk_plans(self) -> Iterator[Plan]:
        """The plan and every plan that runs inside of it, each as often as it is named."""
        yield self
        for plan in self.subplans.values():
            yield from plan.walk_plans()
