"""`planrunner schema`: JSON Schemas for editors and other programs."""

from __future__ import annotations

import click

from planrunner.cli.options import Common, OneOf, common
from planrunner.cli.streams import data
from planrunner.errors import EXIT_COMPLETE
from planrunner.registry import load
from planrunner.render import json

SCHEMAS: dict[str, tuple[str, str]] = {
    "plan": ("planrunner.document.schema:published_schema", "a plan file"),
    "run": ("planrunner.render.record_schema:record_schema", "the record of a run"),
    "test": ("planrunner.testing.schema:plan_test_schema", "a plan test"),
}
"""Name → the function that gives the schema, and what it describes."""


def schema_text(name: str) -> str:
    """The schema as it stands in `schemas/`."""
    return json.text(load(SCHEMAS[name][0])())


@click.command()
@click.argument("name", type=OneOf(list(SCHEMAS)), required=False)
@common
def schema(_told: Common, name: str | None) -> int:
    """Print a JSON Schema (2020-12); without a name, list those there are."""
    if name is None:
        data("".join(f"{known:<6}{what}\n" for known, (_, what) in SCHEMAS.items()))
    else:
        data(schema_text(name))
    return EXIT_COMPLETE
