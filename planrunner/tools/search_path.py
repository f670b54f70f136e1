"""Where the modules and packages that a plan names are looked for. One process may serve many projects."""

from __future__ import annotations

import os
import sys
from typing import Final

appended_roots: Final[set[str]] = set()
"""Project roots that we put on `sys.path`: modules of one project must not serve the plans of another."""


def search_path(root: str) -> list[str]:
    """`sys.path` as the plans of this project see it: without other projects' roots, and with its own one last."""
    own = os.path.realpath(root)
    others = appended_roots - {own}
    return [*(entry for entry in sys.path if entry not in others), own]
