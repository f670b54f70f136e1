"""From a query to a plan: what the planner is handed, how its plan is held against that, and again before it runs."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final, NoReturn

from planrunner.agents.planner import Ask, write
from planrunner.agents.prompts import planner_prompt
from planrunner.attempts import LLM_RETRY, LLM_SECONDS, Failure, Next, failure_of, next_attempt
from planrunner.checks import checked_context, checked_inputs
from planrunner.document.later import now
from planrunner.document.load import load_document, not_valid
from planrunner.document.loaded import Loaded
from planrunner.document.planned import OWN
from planrunner.document.problem import Problem
from planrunner.document.schema import kind
from planrunner.document.source import MapNode
from planrunner.document.tables import ANY_STEP, TOP, WRAPS
from planrunner.errors import InvalidPlanError, SchemaError, StepError, ToolUnusableError, UnknownToolError, UsageError
from planrunner.hooks import BUILTIN, LOOSENING
from planrunner.hooks.bindings import of_plan
from planrunner.jsonsafe import to_json_safe
from planrunner.models.base import Model, ModelChoice, ModelRequest, Reply
from planrunner.plan import Handed, Plan
from planrunner.registry import hint
from planrunner.settings import Settings
from planrunner.steps import VERBS
from planrunner.termsafe import term_safe
from planrunner.times import REAL, Clock
from planrunner.tools.catalogue import Catalogue, ResolvedTool

PATH: Final = "planner"
"""Under this a script answers for the planner's model."""
FILE: Final = "plan.yml"
"""What the text of a planner's plan is called in problems, and in the snapshot of its run."""
HOOKS: Final = tuple(name for name in BUILTIN if name not in LOOSENING)

_NO_PLAN: Final = Plan(name=PATH, sha256="", steps=())
_NOT_LISTED: Final = frozenset((*OWN, "planrunner", "name", "version", "steps", "id"))
"""Keys that the prompt shows by its example, or that a planner may not use."""
_QUERY_SHOWN: Final = 200
_log = logging.getLogger("planrunner")


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is asked of the planner.

    query    in the user's words
    context  the end user's, as a run records it
    root     the project root
    at_once  the plan is run as soon as it is written, for this end user and without inputs
    """

    query: str
    context: Mapping[str, Any]
    root: str
    at_once: bool = False


def plan_request(query: object, context: Mapping[str, Any], root: str, at_once: bool) -> PlanRequest:
    """The request, checked. UsageError for a query that is none, ContextError for a context that JSON can't tell."""
    if not isinstance(query, str) or not query.strip():
        raise UsageError("a query says in words what is to be done, and this one is empty")
    try:
        to_json_safe(query, "the query")
    except SchemaError as error:
        raise UsageError(str(error)) from None
    if query.endswith((".yml", ".yaml")) and len(query.split()) == 1:
        raise UsageError(
            f"{query} is the name of a file, and a query says in words what is to be done: "
            "run a plan file with `planrunner run`, or with run(load_plan(…))"
        )
    return PlanRequest(query, checked_context(_NO_PLAN, context), root, at_once)


def asking(model: Model, choices: Sequence[ModelChoice], clock: Clock = REAL) -> Ask:
    """The planner's road to its models: tried in their order, and again, as a task of a plan tries them."""

    async def ask(messages: Sequence[Mapping[str, Any]]) -> Reply:
        turn = sum(message["role"] == "assistant" for message in messages)
        end = clock.now() + LLM_SECONDS * LLM_RETRY.max_attempts * len(choices)
        failures: list[Failure] = []
        upcoming: Next = Next()
        while True:
            name, parameters = choices[upcoming.choice]
            request = ModelRequest(
                name, list(messages), parameters=parameters, timeout=LLM_SECONDS, path=PATH, turn=turn
            )
            try:
                return await model.complete(request)
            except StepError as error:
                failures.append(failure_of(error, upcoming.choice))
                after = next_attempt(len(choices), LLM_RETRY, failures)
                if after is None or clock.now() + after.wait >= end:
                    raise
                upcoming = after
            await clock.sleep(upcoming.wait)

    return ask


def tools_at_hand(own: Iterable[Any], only: Iterable[Any] | None) -> tuple[ResolvedTool, ...]:
    """The tools that are handed over: the caller's own, built-in and installed ones.

    only  ids or globs; None: all that can be used

    UnknownToolError for one that nothing is meant by; ToolUnusableError when a tool that is meant can't be had.
    """
    catalogue = Catalogue(_NO_PLAN, own)
    names = [name for name in catalogue.names() if _can_be_named(name)]
    if only is None:
        return tuple(tool for name in names if (tool := _usable(catalogue, name)) is not None)
    globs = [only] if isinstance(only, str) else list(only)
    for glob in globs:
        if not isinstance(glob, str):
            raise UsageError(f"tools are handed over by id or glob, and not as {type(glob).__name__}")
        if not any(fnmatchcase(name, glob) for name in names):
            raise UnknownToolError(f"there is no tool {glob!r}{hint(glob, names)} (known: {', '.join(names)})")
    return tuple(catalogue.resolve(name) for name in names if any(fnmatchcase(name, glob) for glob in globs))


def _can_be_named(name: str) -> bool:
    return re.search(kind("tool").schema["pattern"], name) is not None


def _usable(catalogue: Catalogue, name: str) -> ResolvedTool | None:
    """One broken plug-in must not make planning impossible."""
    try:
        return catalogue.resolve(name)
    except ToolUnusableError as error:
        _log.warning("not handed to the planner: %s", term_safe(str(error)))
        return None


async def plan_query(
    asked: PlanRequest, ask: Ask, tools: Sequence[ResolvedTool], models: Iterable[str], settings: Settings | None = None
) -> Plan:
    """The plan that the planner wrote: valid, commented with the query, with nothing in it that was not handed over.

    settings  of the project: the plan is held against their policy

    Raises PlannerError when it wrote none, and what its model raises.
    """
    handed = Handed({tool.name: tool.args_schema for tool in tools}, tuple(models), HOOKS)
    words = {**_language(), "models": handed.models, "hooks": handed.hooks}
    system = planner_prompt(asked.context, [_told(tool) for tool in tools], words, asked.at_once)

    def check(text: str) -> tuple[Problem, ...]:
        loaded = _load(text, asked.root, handed, settings=settings)
        if loaded.plan is None:
            return tuple(problem for problem in loaded.problems if problem.level == "error")
        return tuple(_hindrances(loaded, loaded.plan, asked))

    text = _comment(asked.query) + await write(ask, system, asked.query, check)
    return _plan_of(_load(text, asked.root, handed))


def checked_again(plan: Plan) -> Plan:
    """The plan. One that a planner wrote is first held against what it was handed, as on the day when it was written.

    What counts is its text, which the run will keep. InvalidPlanError when that is refused, or says something else
    than the plan.
    """
    if plan.handed is None:
        return plan
    name, text = next(iter(plan.files.items()), (FILE, ""))
    again = _plan_of(_load(text, plan.root, plan.handed, name, plan.path))
    if again != plan:
        raise InvalidPlanError(
            f"the plan {plan.name!r} is not what its text says: it was changed after it was planned; "
            "save its text as a file, change that, and load it"
        )
    return again


def _load(
    text: str,
    root: str,
    handed: Handed,
    name: str = FILE,
    path: str | None = None,
    settings: Settings | None = None,
) -> Loaded:
    written = text.encode("utf-8", "surrogatepass")
    return load_document(written, name, path=path, root=root, handed=handed, settings=settings)


def _plan_of(loaded: Loaded) -> Plan:
    if loaded.plan is None:
        raise InvalidPlanError(not_valid(loaded), loaded.problems)
    return loaded.plan


def _hindrances(loaded: Loaded, plan: Plan, asked: PlanRequest) -> Iterator[Problem]:
    """What would keep a run of the plan from beginning, though nothing is wrong with its text."""
    checks: dict[str, Callable[[], object]] = {"hooks": lambda: list(of_plan(plan, _no_code))}
    if asked.at_once:
        checks["inputs"] = lambda: checked_inputs(plan, None)
        checks["context"] = lambda: checked_context(plan, asked.context)
    for key, check in checks.items():
        try:
            check()
        except UsageError as error:
            root = loaded.source.root
            place = root.key(key) if isinstance(root, MapNode) else None
            where = (place.line, place.column) if place else (1, 1)
            yield Problem(loaded.source.name, *where, "planned", " ".join(str(error).split()))


def _no_code(use: str) -> NoReturn:
    raise AssertionError(f"{use!r} was let pass in a plan that a planner wrote")


def _comment(query: str) -> str:
    """One line that says what was asked for. A query can't steer a terminal by it, nor an editor."""
    shown = term_safe(" ".join(query.split())).replace("yaml-language-server", "yaml language server")
    shown = shown if len(shown) <= _QUERY_SHOWN else shown[: _QUERY_SHOWN - 1] + "…"
    return f"# Written by a planner, asked for: {shown}\n"


def _told(tool: ResolvedTool) -> dict[str, Any]:
    told = {"tool": tool.name, "effect": tool.effect, "description": tool.description, "args": tool.args_schema}
    if tool.output_schema is not None:
        told["output"] = tool.output_schema
    try:
        safe: dict[str, Any] = to_json_safe(told, f"the tool {tool.name!r}")
    except SchemaError as error:
        raise ToolUnusableError(f"{error}; it can't be told to a planner") from None
    return safe


@cache
def _language() -> dict[str, Any]:
    """The verbs and keys that this version runs, with what the tables say of them."""
    shapes: dict[str, Any] = {**ANY_STEP, **WRAPS}
    verbs = [verb for verb in now(VERBS, "step") if verb != "plan"]
    return {
        "verbs": [{"key": verb, "beside": list(kind(verb).beside), **_said(kind(verb).schema)} for verb in verbs],
        "step_keys": [{"key": key, **_said(shapes[key])} for key in now(shapes, "step") if key not in _NOT_LISTED],
        "plan_keys": [{"key": key, **_said(TOP[key])} for key in now(TOP, "plan") if key not in _NOT_LISTED],
    }


def _said(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": shape.get("description", "")}
