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
    ContextContract,
    HookEntry,
    Limits,
    ModelAlias,
    Plan,
    Retry,
    Step,
    ToolEntry,
)
from planrunner.times import seconds

_EXTRA: Final = "x-"


def build(document: Document, data: Mapping[str, Any], files: Mapping[str, str], path: str | None, root: str) -> Plan:
    """The plan of a file without problems.

    data   the file's value, with the texts of prompt files in their places
    files  name → text of every file of the plan, the plan itself first
    """
    return Plan(
        name=data["name"],
        sha256=digest(files.values()),
        steps=tuple(_step(step, data) for step in document.lists[0].steps),
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


def _step(view: StepView, whole: Mapping[str, Any]) -> Step:
    data: Any = whole
    for key in view.path:
        data = data[key]
    verb = str(view.verb)
    options = {key: _option(key, data[key]) for key in kind(verb).beside if key in data}
    when = data.get("when")
    defaults = whole.get("defaults", {})
    wraps = {**defaults, **data} if "retry" in kind(verb).wraps else {}
    return Step(
        id=data["id"],
        index=view.index,
        verb=verb,
        value=data[verb],
        options=options or NOTHING,
        description=data.get("description"),
        when=str(when).lower() if isinstance(when, bool) else when,
        needs=tuple(data["needs"]) if "needs" in data else None,
        retry=_retry(wraps["retry"]) if "retry" in wraps else None,
        timeout=seconds(wraps["timeout"]) if "timeout" in wraps else None,
        path=data["id"],
    )


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
