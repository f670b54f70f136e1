"""The plan language as one JSON Schema (2020-12): for editors, and for our own checker, which walks this very data.

`doNotSuggest` and `errorMessage` are words of the language servers of VS Code; everybody else passes over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from planrunner.document.shapes import Schema, closed, ref
from planrunner.document.tables import ANY_STEP, DEFS, TOP, WRAPS
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


@cache
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
    """Any step: dispatched on its verb, so that a mistake is told by the one shape that was meant.

    What is no map yet, the step that somebody is about to write, has to come to the last else as well: without the
    type it would meet every `required`, and an editor would offer the keys of the first verb alone.
    """
    shape = _without_verb(kinds)
    for kind in reversed(kinds):
        is_it = {"type": "object", "required": [kind.verb]}
        shape = {"if": is_it, "then": ref(f"step_{kind.verb}"), "else": shape}
    expected = "a step, a map with an id and one verb"
    return {"type": "object", "x-kind": "step", "x-expected": expected, **shape}


def _without_verb(kinds: list[StepKind]) -> Schema:
    """A step that has no verb yet: editors offer all of them, and mark a key that goes with none."""
    wanted = f"a step needs one verb: {', '.join(kind.verb for kind in kinds)}"
    verbs = {kind.verb: {"type": _type_of(kind.schema), "description": kind.schema["description"]} for kind in kinds}
    later: Schema = {
        key: {"description": sub["description"], "doNotSuggest": True}
        for kind in kinds
        for key, sub in {**kind.beside, **WRAPS}.items()
    }
    shape = closed({**ANY_STEP, **verbs, **later}, "id")
    del shape["type"]  # told by the step itself
    return {**shape, "anyOf": [{"required": [verb], "errorMessage": wanted} for verb in verbs]}


def _type_of(shape: Mapping[str, Any]) -> str:
    """The type that an editor begins the value with."""
    if "$ref" in shape:
        return _type_of(DEFS[shape["$ref"].removeprefix("#/$defs/")])
    types = shape.get("type", "string")
    return str(types if isinstance(types, str) else types[0])


def published_schema() -> dict[str, Any]:
    """The schema as editors get it: where a value is not what it should be, they say it in our words."""
    told: dict[str, Any] = _in_our_words(plan_schema())
    return told


def _in_our_words(shape: Any) -> Any:
    """The same shape, with `errorMessage` where a value can be wrong; on a map it would hide which key is."""
    if isinstance(shape, list):
        return [_in_our_words(part) for part in shape]
    if not isinstance(shape, dict):
        return shape
    told = {key: _in_our_words(part) for key, part in shape.items()}
    if "x-expected" in shape and not shape.keys() & {"properties", "patternProperties", "required"}:
        told["errorMessage"] = f"expected {shape['x-expected']}"
    return told


def schema_text() -> str:
    """The text of `schemas/plan.schema.json`."""
    import json

    return json.dumps(published_schema(), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write `plan.schema.json` into the folder."""
    (folder / "plan.schema.json").write_text(schema_text(), encoding="utf-8")
