"""From a plan to a stored run, and back from what is stored to plan, state and record."""

from __future__ import annotations

import logging
from typing import Any

from planrunner import events
from planrunner.document.beside import InSnapshot
from planrunner.document.load import load_document
from planrunner.errors import InvalidPlanError, StoreError
from planrunner.events import Event
from planrunner.ids import new_run_id
from planrunner.journal import store_folder
from planrunner.journal.base import NewRun, StoredRun
from planrunner.plan import Plan
from planrunner.plan_run import PlanRun
from planrunner.questions import with_posts
from planrunner.record_file import write_record
from planrunner.run_state import RunState, apply, fold

_log = logging.getLogger("planrunner")


def begin(plan: Plan, inputs: dict[str, Any], context: dict[str, Any], at: float) -> tuple[RunState, Event]:
    """A fresh run, and the event that says so. `at` is in seconds since 1970."""
    state = RunState(new_run_id())
    body = {
        "id": state.id,
        "plan": {"name": plan.name, "version": plan.version, "sha256": plan.sha256},
        "root": plan.root,
        "steps": [step.id for step in (*plan.steps, *plan.finally_)],
        **({"finally": [step.id for step in plan.finally_]} if plan.finally_ else {}),
        "descriptions": {step.id: step.description for step in plan.walk() if step.description is not None},
        "inputs": inputs,
        "context": context,
    }
    start = Event(events.RUN_STARTED, "", at, body)
    apply(state, start)
    return state, start


def new_run(plan: Plan, state: RunState) -> NewRun:
    """What the journal is told of it."""
    return NewRun(
        id=state.id,
        end_user_id=state.context["end_user_id"],
        plan_name=plan.name,
        plan_sha256=plan.sha256,
        files=plan.files,
        created_at=state.created_at,
    )


def pinned_plan(stored: StoredRun, state: RunState) -> Plan:
    """The plan as it was when the run began, with its prompt files as they were."""
    name, text = next(iter(stored.files.items()))
    loaded = load_document(text.encode(), name, path=None, root=state.root, beside=InSnapshot(stored.files))
    if loaded.plan is None:
        raise InvalidPlanError(
            f"the plan of run {state.id} is not valid for this version of planrunner", loaded.problems
        )
    return loaded.plan


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
