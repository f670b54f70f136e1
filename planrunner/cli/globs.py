"""Globs that no shell has expanded: they were quoted, or stand in a workflow or on Windows."""

from __future__ import annotations

import os
from pathlib import Path

from planrunner.errors import UsageError

_MAGIC = frozenset("*?[")


def is_glob(path: str) -> bool:
    """Whether this is a glob, and no file of that very name."""
    return not _MAGIC.isdisjoint(path) and not os.path.lexists(path)


def matches(glob: str) -> list[str]:
    """The files and folders that a glob matches, sorted. `**` stands for any folders and follows no links.

    Hidden ones are matched only where the glob itself has a name with a dot in front. UsageError when there are none.
    """
    parts = Path(glob).parts
    first = next(place for place, part in enumerate(parts) if not _MAGIC.isdisjoint(part))
    base, rest = Path(*parts[:first]), parts[first:]
    try:
        found = sorted(base.glob(os.path.join(*rest)))
    except ValueError:
        raise UsageError(f"{glob} is no glob: `**` stands alone between slashes, as in plans/**/*.yml") from None
    except OSError as error:
        raise UsageError(f"{glob} can't be looked for: {error.strerror}") from None
    if not any(part.startswith(".") for part in rest):
        found = [path for path in found if not _hidden(path.relative_to(base))]
    if not found:
        raise UsageError(f"nothing matches {glob}; `**` stands for any folders, as in plans/**/*.yml")
    return [str(path) for path in found]


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
