"""The plan language as one JSON Schema (2020-12): for editors, and for our own checker, which walks this very data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from planrunner.document.tables import ANY_STEP, DEFS, TOP, WRAPS, Schema, closed, ref
from planrunner.registry import load
from planrunner.steps import VERBS
from planrunner.steps.base import StepKind


@cache
def plan_schema() -> dict[str, Any]:
    """The schema of a plan file. Shared: not to be changed."""
    kinds = [kind(verb) for verb in VERBS]
    expected = "a map with the keys planrunner, name and steps"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "planrunner plan, language 1",
        **closed(
            TOP,
            "planrunner",
            "name",
            "steps",
            **{"x-kind": "plan", "x-expected": expected},
        ),
        "$defs": {**DEFS, "step": _step(kinds), **{f"step_{kind.verb}": _step_of(kind) for kind in kinds}},
    }


def kind(verb: str) -> StepKind:
    """What this verb says of itself."""
    found = load(VERBS[verb])
    if not isinstance(found, StepKind):
        raise TypeError(f"{VERBS[verb]} is no StepKind")
    return found


def _step_of(kind: StepKind) -> Schema:
    """All keys of a step with this verb."""
    wraps = {key: WRAPS[key] for key in WRAPS if key in kind.wraps}
    return closed({**ANY_STEP, kind.verb: dict(kind.schema), **kind.beside, **wraps}, "id", kind.verb)


def _step(kinds: list[StepKind]) -> Schema:
    """Any step: dispatched on its verb, so that a mistake is told by the one shape that was meant."""
    verbs = {kind.verb: {"description": kind.schema.get("description", "")} for kind in kinds}
    shape: Schema = {
        "properties": {**{key: ANY_STEP[key] for key in ("id", "description")}, **verbs},
        "required": ["id"],
        "anyOf": [{"required": [verb]} for verb in verbs],
    }
    for kind in reversed(kinds):
        shape = {"if": {"required": [kind.verb]}, "then": ref(f"step_{kind.verb}"), "else": shape}
    expected = "a step, a map with an id and one verb"
    return {"type": "object", "x-kind": "step", "x-expected": expected, **shape}


def schema_text() -> str:
    """The text of `schemas/plan.schema.json`."""
    import json

    return json.dumps(plan_schema(), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write `plan.schema.json` into the folder."""
    (folder / "plan.schema.json").write_text(schema_text(), encoding="utf-8")
