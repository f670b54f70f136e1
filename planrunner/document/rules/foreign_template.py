"""What reads a value in the way of another tool is no template here, and would go out as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from planrunner.document.problem import Problem
from planrunner.document.view import Document

_TAGS: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_FOREIGN: Final = re.compile(
    r"\$\{\s*([a-z_]\w*(?:\.[\w-]+)+)\s*\}|(?<![{$\w])\{\s*([a-z_]\w*(?:\.[\w-]+)+)\s*\}(?!\})"
)
_LONGEST: Final = 20_000
"""Longer texts are not looked at."""
_OURS: Final = ("inputs", "steps", "context")
_THEIRS: Final = ("workflow", "outputs", "needs", "nodes")


def check(document: Document) -> Iterator[Problem]:
    """Every `${steps.x}` and `{steps.x}`, and every `${x.output}` where x is a step, outside of braces that count.

    A text that stands in several places is told of once.
    """
    seen: set[str] = set()
    for site in document.readable:
        text = site.node.value
        if site.bare or text in seen or len(text) > _LONGEST:
            continue
        seen.add(text)
        outside = _TAGS.sub(lambda tag: " " * len(tag[0]), text)
        for found in _FOREIGN.finditer(outside) if "{" in outside else ():
            meant = _meant(document, found[1] or found[2], bool(found[1]))
            if meant is not None:
                message = f"`{found[0]}` is no template, and stays as it is written: a value is read as {meant}"
                use = document.use(site)
                yield document.problem_in(site, found.start(), "foreign-template", message + use, "warning")


def _meant(document: Document, path: str, dollar: bool) -> str | None:
    """What to write; None where the text may be meant as it stands."""
    first, *rest = path.split(".")
    if first in _OURS:
        return f"`{{{{ {path} }}}}`"
    if first in document.by_id and rest[0] in ("output", "outputs"):
        return f"`{{{{ {'.'.join(('steps', first, 'output', *rest[1:]))} }}}}`"
    return "`{{ inputs.NAME }}` or `{{ steps.ID.output }}`" if dollar and first in _THEIRS else None
