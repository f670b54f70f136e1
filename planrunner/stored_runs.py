"""From a plan to a stored run, and back from what is stored to plan, state and record."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from planrunner import events
from planrunner.descriptions import described
from planrunner.document.beside import InSnapshot
from planrunner.document.load import load_document, not_valid
from planrunner.errors import InvalidPlanError, StoreError
from planrunner.events import Event
from planrunner.facade import run_sync
from planrunner.fold import fold
from planrunner.ids import new_run_id
from planrunner.journal import store_folder
from planrunner.journal.base import Journal, NewRun, RunQuery, RunSummary, StoredRun
from planrunner.plan import NOTHING, Handed, Plan
from planrunner.plan_run import PlanRun
from planrunner.questions import with_posts
from planrunner.record_file import write_record
from planrunner.run_state import RunState
from planrunner.sent import SentPrompt, sent_prompts

_log = logging.getLogger("planrunner")


def started(plan: Plan, inputs: dict[str, Any], context: dict[str, Any], at: float) -> Event:
    """The first event of a fresh run. `at` is in seconds since 1970."""
    body = {
        "id": new_run_id(),
        "plan": {"name": plan.name, "version": plan.version, "sha256": plan.sha256},
        "root": plan.root,
        "steps": [step.id for step in (*plan.steps, *plan.finally_)],
        **({"finally": [step.id for step in plan.finally_]} if plan.finally_ else {}),
        **described(plan),
        "inputs": inputs,
        "context": context,
    }
    if plan.handed is not None:
        body["handed"] = {
            "tools": list(plan.handed.tools),
            "models": list(plan.handed.models),
            "hooks": list(plan.handed.hooks),
        }
    return Event(events.RUN_STARTED, "", at, body)


def new_run(plan: Plan, start: Event) -> NewRun:
    """What the journal is told of it."""
    return NewRun(
        id=start.body["id"],
        end_user_id=start.body["context"]["end_user_id"],
        plan_name=plan.name,
        plan_sha256=plan.sha256,
        files=plan.files,
        created_at=start.at,
    )


def pinned_plan(stored: StoredRun, state: RunState) -> Plan:
    """The plan as it was when the run began, with its prompt files as they were; one that a planner wrote is held again
    against what it was handed.
    """
    (name, text), *_ = stored.files.items()
    beside, handed = InSnapshot(stored.files), _handed(stored)
    loaded = load_document(text.encode(), name, path=None, root=state.root, beside=beside, handed=handed)
    if loaded.plan is None:
        what = f"the plan of run {state.id} is not valid for this version of planrunner"
        raise InvalidPlanError(f"{what}: {not_valid(loaded)}", loaded.problems)
    return loaded.plan


def _handed(stored: StoredRun) -> Handed | None:
    body = stored.events[0].body.get("handed")
    if body is None:
        return None
    return Handed(dict.fromkeys(body["tools"], NOTHING), tuple(body["models"]), tuple(body["hooks"]))


def state_of(stored: StoredRun) -> RunState:
    """The run as it stands, with answers that wait to be taken in."""
    return with_posts(fold(stored.summary.id, stored.events), stored.posts)


def keep_record(state: RunState, store: str) -> PlanRun:
    """The record of a run that has ended, also left as a file where the store is a folder."""
    record = PlanRun.from_state(state)
    folder = store_folder(store)
    if folder is not None:
        try:
            write_record(folder, record.id, record.model_dump_json(indent=2))
        except StoreError as error:  # the run itself is stored, and its record is what we return
            _log.warning("%s", error)
    return record


class Runs:
    """The stored runs of a Runner's store: `runner.runs`.

    find     the run of an id, and the store it is in
    journal  the store of the working folder's project
    """

    def __init__(
        self, find: Callable[[str], Coroutine[Any, Any, tuple[Journal, StoredRun]]], journal: Callable[[], Journal]
    ) -> None:
        self._find = find
        self._journal = journal

    def list(self, query: RunQuery | None = None) -> builtins.list[RunSummary]:
        """The newest runs that match."""
        return run_sync(self._journal().list(query or RunQuery()))

    def get(self, run_id: str) -> PlanRun:
        """The record of a run as it stands. PlanRunNotFoundError when there is none."""
        return PlanRun.from_state(state_of(self._load(run_id)))

    def events(self, run_id: str) -> tuple[Event, ...]:
        """Everything that happened in a run, in order. PlanRunNotFoundError when there is none."""
        return self._load(run_id).events

    def prompts(self, run_id: str) -> builtins.list[SentPrompt]:
        """What models were sent in a run, call by call. PlanRunNotFoundError when there is none."""
        return sent_prompts(run_id, self._load(run_id).events)

    def _load(self, run_id: str) -> StoredRun:
        return run_sync(self._find(run_id))[1]
