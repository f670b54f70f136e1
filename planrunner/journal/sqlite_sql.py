"""All SQL of the SQLite store, and why the tables are as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from planrunner.journal.refusals import CARRIED, ENDED, FAILED

VERSION: Final = 1
"""`PRAGMA user_version`: raised whenever the tables change."""

APPLICATION_ID: Final = 0x706C616E
"""`PRAGMA application_id`, "plan": tells our files from the SQLite files of others."""

_STUCK_STATES: Final = (FAILED, "NEED_CLARIFICATION")
_CARRIED: Final = f"state = '{CARRIED}'"
_STUCK: Final = f"state IN {_STUCK_STATES}"
STATES: Final = frozenset((CARRIED, *_STUCK_STATES, *ENDED))
"""What a run can be in `run.state`."""

SCHEMA: Final = (
    # The text of a plan and its files, once per digest however many runs there are. files: JSON {name: text}.
    "CREATE TABLE plan (sha256 TEXT PRIMARY KEY, files TEXT NOT NULL) WITHOUT ROWID",
    # A run as listings show it, and its lease. `no` is what the other tables know it by: a small number keeps their
    # keys short. owner is null when nobody carries the run; until and the times are seconds since 1970. Every write
    # names its epoch; taking the run and giving it up both raise it.
    """CREATE TABLE run (
        no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, end_user_id TEXT, plan_name TEXT NOT NULL,
        plan_sha256 TEXT NOT NULL, state TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL,
        owner TEXT, epoch INTEGER NOT NULL, until REAL NOT NULL)""",
    # One index per combination of filters, ended by the order of listings, so that the newest fifty are fifty index
    # entries side by side, whatever was asked.
    "CREATE INDEX run_created ON run (created_at)",
    "CREATE INDEX run_user ON run (end_user_id, created_at)",
    "CREATE INDEX run_plan ON run (plan_name, created_at)",
    "CREATE INDEX run_user_plan ON run (end_user_id, plan_name, created_at)",
    # A state costs an index entry only where it is rare, for every page that a transaction touches costs as much as a
    # statement. Most runs are COMPLETE: they are found soon among the others, which are passed over. Few are carried
    # at any time: one index has them, whoever they are of. What failed or waits is what people look for among many.
    f"CREATE INDEX run_carried ON run (created_at) WHERE {_CARRIED}",
    f"CREATE INDEX run_stuck ON run (state, created_at) WHERE {_STUCK}",
    f"CREATE INDEX run_user_stuck ON run (end_user_id, state, created_at) WHERE {_STUCK}",
    f"CREATE INDEX run_plan_stuck ON run (plan_name, state, created_at) WHERE {_STUCK}",
    f"CREATE INDEX run_user_plan_stuck ON run (end_user_id, plan_name, state, created_at) WHERE {_STUCK}",
    # One row per batch. place = run.no << 32 | number of the batch within the run: one key, one tree, and the batches
    # of a run side by side in it (a key of two columns was measured to cost a third more CPU per batch).
    # body: JSON array of events. epoch: under which lease it was written, for whoever investigates.
    "CREATE TABLE ev (place INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, body TEXT NOT NULL)",
    # What was said to a run. seq counts within the run.
    """CREATE TABLE post (
        run INTEGER NOT NULL, seq INTEGER NOT NULL, key TEXT NOT NULL, at REAL NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (run, seq), UNIQUE (run, key)) WITHOUT ROWID""",
)

FLUSH: Final = "PRAGMA synchronous = FULL"
DO_NOT_FLUSH: Final = "PRAGMA synchronous = NORMAL"

# The fence stands inside the write itself: no row is written unless the run still has this epoch.
APPEND: Final = "INSERT INTO ev (place, epoch, body) SELECT no << 32 | ?, epoch, ? FROM run WHERE no = ? AND epoch = ?"

HAS_PLAN: Final = "SELECT 1 FROM plan WHERE sha256 = ?"

ADD_PLAN: Final = "INSERT INTO plan (sha256, files) VALUES (?, ?)"

ADD_RUN: Final = """INSERT INTO run
    (id, end_user_id, plan_name, plan_sha256, state, created_at, updated_at, owner, epoch, until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)"""

FIND_RUN: Final = "SELECT no, state, owner, epoch, until FROM run WHERE id = ?"

TAKE: Final = "UPDATE run SET owner = ?, epoch = epoch + 1, until = ?, state = ?, updated_at = ? WHERE no = ?"

LAST_BATCH: Final = (
    "SELECT coalesce(max(place), 0) & 0xFFFFFFFF FROM ev WHERE place BETWEEN ? << 32 AND ? << 32 | 0xFFFFFFFF"
)

RENEW: Final = "UPDATE run SET until = ? WHERE no = ? AND epoch = ?"

IS_OURS: Final = "SELECT 1 FROM run WHERE no = ? AND epoch = ?"

RELEASE: Final = """UPDATE run SET owner = NULL, until = 0, epoch = epoch + 1, state = ?, updated_at = ?
    WHERE no = ? AND epoch = ?"""

# Only the lease ends, the state stays: for a store that is closed while it still carries runs.
ABANDON: Final = "UPDATE run SET owner = NULL, until = 0, epoch = epoch + 1 WHERE no = ? AND epoch = ?"

# The next number and the check for the key are part of the write, so that of two writers one is first.
POST: Final = """INSERT OR IGNORE INTO post (run, seq, key, at, body)
    SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4 FROM post WHERE run = ?1"""

POSTS: Final = "SELECT seq, key, at, body FROM post WHERE run = ? AND seq > ? ORDER BY seq"

BATCHES: Final = "SELECT body FROM ev WHERE place BETWEEN ? << 32 AND ? << 32 | 0xFFFFFFFF ORDER BY place"

FILES: Final = "SELECT files FROM plan WHERE sha256 = ?"

SUMMARY: Final = "SELECT id, end_user_id, plan_name, plan_sha256, state, created_at, updated_at"

LOAD_RUN: Final = f"{SUMMARY}, no FROM run WHERE id = ?"


def list_runs(filters: Mapping[str, Any], since: bool) -> str:
    """The listing that filters by these columns of `run`, newest first. Parameters: their values, since, limit.

    A state is asked for twice: SQLite takes an index that has a condition of its own only for a query that says it too.
    """
    conditions = [f"{column} = ?" for column in filters]
    state = filters.get("state")
    if state == CARRIED:  # a plus keeps SQLite from the indexes of the others, where it would look through more
        conditions = [*(f"+{condition}" for condition in conditions), _CARRIED]
    elif state in _STUCK_STATES:
        conditions.append(_STUCK)
    if since:
        conditions.append("created_at >= ?")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"{SUMMARY} FROM run{where} ORDER BY created_at DESC, no DESC LIMIT ?"
