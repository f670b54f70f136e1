"""A model is named by its alias as the alias is spelled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from planrunner.document.problem import Problem
from planrunner.document.rules.scope import models
from planrunner.document.view import Document
from planrunner.registry import suggest

_LIKE_AN_ALIAS: Final = re.compile(r"[a-z][a-z0-9_]{3,}")
"""So are aliases spelled; what has a sign or is very short is a name of a provider's."""
_LOOKED_AT: Final = 100


def check(document: Document) -> Iterator[Problem]:
    """Every model that is no alias of the plan and nearly spelled like one. Other names only a provider can know."""
    meant = misspelt(document)
    for node in models(document):
        if node.value in meant:
            told = f"no model of the plan is called {node.value!r}; did you mean {meant[node.value]!r}?"
            yield document.problem(node, "unknown-model", f"{told} One of a provider is PROVIDER/NAME", "warning")


def misspelt(document: Document) -> dict[str, str]:
    """Name → the alias that was meant. Of very many names and aliases only the first are looked at."""
    aliases = document.named("models")
    names = dict.fromkeys(node.value for node in models(document) if node.value not in aliases)
    like = islice(filter(_LIKE_AN_ALIAS.fullmatch, names), _LOOKED_AT)
    near = {name: suggest(name, islice(aliases, _LOOKED_AT)) for name in like}
    return {name: alias for name, alias in near.items() if alias is not None}
