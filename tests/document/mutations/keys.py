"""A typo in a key.

Right line: that of the key.

Which keys can be misspelt: every word of the language in every construct, the keywords of JSON Schema, and those keys
of the author's of which the plan itself says what they may be: arguments of a built-in tool, or of one with an
`args_schema` that takes no others or requires this one, and the settings of built-in hooks.

Equivalent, and left out: a typo that is again a key of such a map; other keys of the author's (in a value that is
computed, in the `args` of a tool of which nothing is told), which are right as they are spelt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

import yaml

from planrunner.document.source import parse, plain
from planrunner.registry import load
from planrunner.tools.builtin import BUILTIN
from tests.document.mutations.corpus import Plan, right_plans
from tests.document.mutations.reading import OF_THE_AUTHOR, Key, Mutant, read
from tests.document.mutations.typos import misspelt


def mutants(plan: Plan) -> Iterator[Mutant]:
    """Each key misspelt in each way."""
    keys = read(plan.text)
    data = plain(parse(plan.text.encode(), plan.name).root)
    for key in keys:
        if key.key is not None:
            others = _others(key, data)
            if others is not None:
                yield from misspelt(plan, f"key of {key.role}", key.key.start_mark.index, key.word, others)


def _others(key: Key, data: Any) -> Collection[str] | None:
    """What may stand there beside this key; None where anything may."""
    if key.role not in OF_THE_AUTHOR:
        return _words().get(key.role)
    around = _at(data, key.path[:-2])
    if key.role == "settings":
        return _words()["settings"] if ":" not in str(around.get("use")) else None
    if key.role == "args" and key.path[-2] == "args" and "tool" in around:
        schema = args_schema(data, around["tool"])
        if key.word in schema.get("required", ()) or _takes_no_others(schema, key.word):
            return list(schema.get("properties", ()))
    return None


def _takes_no_others(schema: Any, word: str) -> bool:
    return schema.get("additionalProperties") is False and word in schema.get("properties", ())


def args_schema(data: Any, tool: str) -> Any:
    """What a tool takes, as far as the plan tells: of its own entry, or of a built-in tool."""
    entry = data.get("tools", {}).get(tool)
    if isinstance(entry, dict) and "args_schema" in entry:
        return entry["args_schema"] or {}
    known = tool in BUILTIN and not (isinstance(entry, dict) and "use" in entry)
    return load(BUILTIN[tool]).args_schema if known else {}


def _at(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


@cache
def _words() -> dict[str, frozenset[str]]:
    """Role → every key that some right plan has in a map of that role."""
    found: dict[str, set[str]] = {}
    for plan in right_plans():
        for key in read(plan.text):
            if isinstance(key.key, yaml.ScalarNode) and key.role:
                found.setdefault(key.role, set()).add(key.word)
    return {role: frozenset(words) for role, words in found.items()}
