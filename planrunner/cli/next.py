"""What to type next about a run, ready to be pasted."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planrunner.document.load import find_root
from planrunner.errors import UsageError
from planrunner.plan import NOTHING
from planrunner.settings import load_settings


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands about a run of one store.

    store  the flag that leads to it, empty where none is needed
    again  the flags of this command that going on needs again, empty where none was given
    """

    store: str
    again: str = ""

    def show(self, run_id: str) -> str:
        """Shows the run."""
        return f"planrunner runs show {run_id}{self.store}"

    def resume(self, run_id: str) -> str:
        """Goes on with the run."""
        return f"planrunner resume {run_id}{self.store}{self.again}"

    def answer(self, run_id: str, question_id: str) -> str:
        """Answers a question of the run; VALUE stands for the answer."""
        return f"planrunner answer {run_id} {question_id} VALUE{self.store}"


_AGAIN = ("policy", "model", "script")
"""Flags that a run does not remember: without them it would go on under other rules, or for real."""


def commands_for(store: str, given: Mapping[str, Any] = NOTHING) -> Commands | None:
    """The commands for this store, as the settings tell it. None when nothing will be left of a run.

    given  the flags of this command, for the commands that need them again
    """
    if store == "memory":
        return None
    try:
        usual = load_settings(find_root(None)).store
    except UsageError:
        usual = ""
    same = os.path.abspath(usual) == os.path.abspath(store)
    again = "".join(f" --{flag} {shlex.quote(given[flag])}" for flag in _AGAIN if given.get(flag) is not None)
    return Commands("" if same else f" --store {shlex.quote(store)}", again)
