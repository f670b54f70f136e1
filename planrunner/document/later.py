"""What the plan language has and this version can't run yet: refused by name, and never given as advice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from planrunner.document.words import listed
from planrunner.registry import load
from planrunner.steps import VERBS

TOP: Final = ("secrets", "mcp_servers")
TOOL: Final = ("auth", "secrets")
NOT_YET: Final = "is in the plan language, but this version of planrunner can't run it yet"

_NAMED = re.compile(r"'([a-z_]+)\b")


@cache
def later(kind: str) -> frozenset[str]:
    """The keys of this kind of map (`x-kind` of the schema) that can't be used yet."""
    if kind == "step":
        return frozenset(verb for verb, where in VERBS.items() if load(where).run is None)
    return {"plan": frozenset(TOP), "tool entry": frozenset(TOOL)}.get(kind, frozenset())


def now(names: Iterable[str], kind: str) -> list[str]:
    """Those of the names that this version runs."""
    return [name for name in names if name not in later(kind)]


def not_yet(advice: str, kind: str) -> str:
    """What is to be added to advice that names, in quotes, what can't be run yet; nothing else."""
    unbuilt = later(kind) | frozenset(TOP if kind in ("plan", "step") else ())
    named = [name for name in dict.fromkeys(_NAMED.findall(advice)) if name in unbuilt]
    return f" (this version can't run {listed(map(repr, named), 'and')} yet)" if named else ""
