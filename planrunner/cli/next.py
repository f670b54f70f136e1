"""What to type next about a run, ready to be pasted."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

from planrunner.document.load import find_root
from planrunner.errors import UsageError
from planrunner.settings import load_settings


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands about a run of one store.

    store   the flag that leads to it, empty where none is needed
    policy  the flag that names the policy again, empty where none did
    """

    store: str
    policy: str = ""

    def show(self, run_id: str) -> str:
        """Shows the run."""
        return f"planrunner runs show {run_id}{self.store}"

    def resume(self, run_id: str) -> str:
        """Goes on with the run."""
        return f"planrunner resume {run_id}{self.store}{self.policy}"

    def answer(self, run_id: str, question_id: str) -> str:
        """Answers a question of the run; VALUE stands for the answer."""
        return f"planrunner answer {run_id} {question_id} VALUE{self.store}"


def commands_for(store: str, policy: str | None = None) -> Commands | None:
    """The commands for this store, as the settings tell it. None when nothing will be left of a run.

    policy  the file that a flag named, for the commands that need it again
    """
    if store == "memory":
        return None
    try:
        usual = load_settings(find_root(None)).store
    except UsageError:
        usual = ""
    same = os.path.abspath(usual) == os.path.abspath(store)
    named = "" if policy is None else f" --policy {shlex.quote(policy)}"
    return Commands("" if same else f" --store {shlex.quote(store)}", named)
