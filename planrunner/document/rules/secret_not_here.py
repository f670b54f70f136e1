"""Secrets stand where only the seam that makes the call sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planrunner.document.problem import Problem
from planrunner.document.shape import Path
from planrunner.document.view import Document

_OF_SERVERS: Final = ("env", "headers")


def check(document: Document) -> Iterator[Problem]:
    """Every `secrets.NAME` whose value would go into a prompt, a question, a condition or an output."""
    for site, reference in document.references:
        if reference.names[0] == "secrets" and not _may_stand(document, site.path):
            message = (
                "a secret can't stand here, where models and people read: it can in the 'args' of a tool step, in "
                "'env' and 'headers' of mcp_servers, and in 'models'"
            )
            yield document.problem_in(site, reference.offset, "secret-not-here", message)


def _may_stand(document: Document, path: Path) -> bool:
    if path[0] in ("models", "mcp_servers"):
        return path[0] == "models" or path[2] in _OF_SERVERS
    step = document.step_at(path)
    return step is not None and step.verb == "tool" and path[len(step.path)] == "args"
