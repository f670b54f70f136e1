"""From a checked file to the frozen Plan that the rest of planrunner reads. Nothing here finds problems."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from planrunner.document.schema import kind
from planrunner.document.view import Document, StepView
from planrunner.json_schema import short_form
from planrunner.plan import (
    MISSING,
    NOTHING,
    Agent,
    Case,
    ContextContract,
    ErrorHandler,
    Foreach,
    HookEntry,
    Limits,
    ModelAlias,
    Plan,
    Repeat,
    Retry,
    Step,
    ToolEntry,
)
from planrunner.times import seconds

_EXTRA: Final = "x-"


def build(document: Document, data: Mapping[str, Any], files: Mapping[str, str], path: str | None, root: str) -> Plan:
    """The plan of a file without problems.

    data   the file's value, with the texts of prompt files in their places
    files  name → text of every file of the plan and its sub-plans, the plan itself first
    """
    return Plan(
        name=data["name"],
        sha256=digest(files.values()),
        steps=_top(document, "steps", data),
        finally_=_top(document, "finally", data),
        version=data.get("version"),
        description=data.get("description"),
        inputs=short_form(_own(data.get("inputs"))),
        context=_contract(data.get("context", {})),
        models={name: _model(entry) for name, entry in _own(data.get("models")).items()},
        agents={name: _agent(entry, name) for name, entry in _own(data.get("agents")).items()},
        tools={name: _tool(entry, name) for name, entry in _own(data.get("tools")).items()},
        hooks=tuple(_hooks(_own(data.get("hooks")))),
        default_models=_names(data.get("defaults", {}).get("model")),
        limits=_limits(_own(data.get("limits"))),
        subplans=document.subplans,
        output=data.get("output", MISSING),
        returns=short_form(data["returns"]) if "returns" in data else None,
        files=files,
        path=path,
        root=root,
    )


def digest(texts: Iterable[str]) -> str:
    """SHA-256 over the files of a plan, each preceded by its length, so that no byte can move from one to another."""
    whole = hashlib.sha256()
    for text in texts:
        content = text.encode("utf-8")
        whole.update(b"%d\0" % len(content))
        whole.update(content)
    return whole.hexdigest()


def _own(table: Any) -> dict[str, Any]:
    """A table without the keys that are free."""
    return {name: entry for name, entry in (table or {}).items() if not name.startswith(_EXTRA)}


def _names(value: Any) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _top(document: Document, role: str, whole: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps of one of the top-level lists."""
    steps = (step for listed in document.lists if listed.role == role for step in listed.steps)
    return tuple(_step(step, whole, index, "") for index, step in enumerate(steps))


def _inner(view: StepView, role: str, whole: Mapping[str, Any], index: int, path: str) -> dict[int, tuple[Step, ...]]:
    """The lists of that role inside a step, by the number of their case or handler; that of a group is 0."""
    made = {}
    for listed in view.lists:
        if listed.role == role:
            number = 0 if role == "group" else int(listed.path[-2])
            made[number] = tuple(_step(step, whole, index, f"{path}/") for step in listed.steps)
    return made


def _step(view: StepView, whole: Mapping[str, Any], index: int, prefix: str) -> Step:
    """`index` of its top-level ancestor, `prefix` of its path."""
    data: Any = whole
    for key in view.path:
        data = data[key]
    path = f"{prefix}{data['id']}"
    verb = str(view.verb)
    options = {key: _option(key, data[key]) for key in kind(verb).beside if key in data}
    when = data.get("when")
    defaults = whole.get("defaults", {})
    wraps = {**defaults, **data} if "retry" in kind(verb).wraps else {}
    return Step(
        id=data["id"],
        index=index,
        verb=verb,
        value=None if verb in ("steps", "switch") else data[verb],
        options=options or NOTHING,
        description=data.get("description"),
        when=None if when is None else _expression(when),
        needs=tuple(data["needs"]) if "needs" in data else None,
        retry=_retry(wraps["retry"]) if "retry" in wraps else None,
        timeout=seconds(wraps["timeout"]) if "timeout" in wraps else None,
        foreach=_foreach(data["foreach"]) if "foreach" in data else None,
        repeat=_repeat(data["repeat"]) if "repeat" in data else None,
        on_error=_handlers(data.get("on_error", ()), _inner(view, "on_error", whole, index, path)),
        steps=_inner(view, "group", whole, index, path).get(0, ()),
        cases=_cases(data["switch"], _inner(view, "case", whole, index, path)) if verb == "switch" else (),
        place=view.index,
        path=path,
    )


def _foreach(entry: Mapping[str, Any]) -> Foreach:
    counts = {key: int(entry[key]) for key in ("max_concurrent", "max_items") if key in entry}
    return Foreach(in_=_expression(entry["in"]), as_=entry.get("as", "item"), **counts)


def _repeat(entry: Mapping[str, Any]) -> Repeat:
    return Repeat(until=_expression(entry["until"]), max=int(entry["max"]), delay=seconds(entry.get("delay", 0)))


def _handlers(entries: Iterable[Mapping[str, Any]], steps: Mapping[int, tuple[Step, ...]]) -> tuple[ErrorHandler, ...]:
    return tuple(
        ErrorHandler(
            match=tuple(entry["match"]) if "match" in entry else None,
            output=entry.get("output", MISSING),
            steps=steps.get(place, ()),
        )
        for place, entry in enumerate(entries)
    )


def _cases(entries: Iterable[Mapping[str, Any]], steps: Mapping[int, tuple[Step, ...]]) -> tuple[Case, ...]:
    whens = (entry.get("when") for entry in entries)
    return tuple(
        Case(when=None if when is None else _expression(when), steps=steps.get(place, ()))
        for place, when in enumerate(whens)
    )


def _expression(value: str | bool) -> str:
    """A bare expression; YAML reads `true` and `false` as what they mean."""
    return str(value).lower() if isinstance(value, bool) else value


def _retry(entry: Mapping[str, Any]) -> Retry:
    known = Retry()
    return Retry(
        max_attempts=int(entry.get("max_attempts", known.max_attempts)),
        delay=seconds(entry.get("delay", known.delay)),
        exponential=entry.get("backoff", "exponential") == "exponential",
        on=tuple(entry.get("on", known.on)),
    )


def _limits(table: Mapping[str, Any]) -> Limits:
    duration = table.get("duration")
    return Limits(**{**table, "duration": None if duration is None else seconds(duration)})


def _option(key: str, value: Any) -> Any:
    if key == "agent" and isinstance(value, dict):
        return _agent(value, None)
    return short_form(value) if key == "returns" else value


def _agent(entry: Mapping[str, Any], name: str | None) -> Agent:
    sees = entry.get("sees", "all")
    return Agent(
        name=name,
        model=_names(entry.get("model")),
        instructions=entry.get("instructions"),
        tools=tuple(entry.get("tools", ())),
        max_turns=int(entry.get("max_turns", 10)),
        ask=entry.get("ask", False),
        sees=sees if isinstance(sees, str) else tuple(sees),
    )


def _contract(entry: Mapping[str, Any]) -> ContextContract:
    data = entry.get("additional_data")
    return ContextContract(
        end_user_id_required=entry.get("end_user_id") == "required",
        additional_data=None if data is None else short_form(data, extra=True),
    )


def _model(entry: Mapping[str, Any]) -> ModelAlias:
    parameters = {key: value for key, value in entry.items() if key != "model"}
    return ModelAlias(model=_names(entry["model"]), parameters=parameters or NOTHING)


def _tool(entry: Mapping[str, Any], name: str) -> ToolEntry:
    timeout = entry.get("timeout")
    return ToolEntry(
        name=name,
        use=entry.get("use"),
        description=entry.get("description"),
        effect=entry.get("effect"),
        args_schema=_object_schema(entry.get("args_schema")),
        output_schema=_object_schema(entry.get("output_schema")),
        timeout=None if timeout is None else seconds(timeout),
    )


def _hooks(table: Mapping[str, Any]) -> Iterator[HookEntry]:
    for point, entries in table.items():
        for entry in entries if isinstance(entries, list) else [entries]:
            timeout = entry.get("timeout")
            yield HookEntry(
                point=point,
                use=entry["use"],
                with_=entry.get("with", NOTHING),
                match=_own(entry.get("match")),
                when=entry.get("when"),
                timeout=None if timeout is None else seconds(timeout),
                on_error=entry.get("on_error", "fail"),
            )


def _object_schema(schema: Any) -> Mapping[str, Any] | None:
    """A schema as a map: `true` takes anything, `false` nothing."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    return schema if schema is None else dict(schema)
