"""The store of commands that only look at runs or go on with them: a mistyped name must not make an empty one."""

from __future__ import annotations

import os

from planrunner.cli.options import OnStore
from planrunner.document.load import find_root
from planrunner.errors import PlanRunNotFoundError, StoreUnusableError
from planrunner.journal import store_file
from planrunner.settings import Settings, load_settings


def store_settings(told: OnStore, policy: str | None = None) -> Settings:
    """The settings of the project around the working folder, with the store that the flag names.

    StoreUnusableError when --store names one that is not there; nothing is made.
    """
    settings = load_settings(find_root(None), store=told.store, policy=policy)
    if told.store is not None and is_missing(settings):
        raise StoreUnusableError(
            f"there is no store at {told.store}: check the path; `run` makes a store, others do not"
        )
    return settings


def settings_of_run(told: OnStore, run_id: str, policy: str | None = None) -> Settings:
    """As `store_settings`, for a command about one run: PlanRunNotFoundError when there is no store at all."""
    settings = store_settings(told, policy)
    if is_missing(settings):
        raise PlanRunNotFoundError(f"there is no run {run_id!r}: no runs in {settings.store}; is it another project's?")
    return settings


def is_missing(settings: Settings) -> bool:
    """Whether nobody has made this store yet. What can't be told counts as there: opening it says why."""
    file = store_file(settings.store)
    if file is None:
        return False
    try:
        os.stat(file)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False
