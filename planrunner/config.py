"""The settings under the name that Python callers look for: a thin face over `settings`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planrunner.document.load import find_root
from planrunner.settings import Settings, load_settings

__all__ = ["Settings", "default_config"]


def default_config(**fields: Any) -> Settings:
    """The settings in force in the working folder, for `Runner(settings=…)`; `fields` replace single ones.

    Raises UsageError for a project file or an environment that does not fit, TypeError for a field there is not.
    """
    return replace(load_settings(find_root(None)), **fields)
