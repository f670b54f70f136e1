"""What a store of runs must do. Every store passes the same exam (`tests/contracts/test_journal.py`).

The truth about a run is its list of events; they are only ever appended. Whoever carries a run holds a *lease* with
an *epoch*; every write says its epoch, and a write of an older epoch is refused by the store itself, so that of two
processes on one run exactly one goes on, whatever either believes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from planrunner.events import Event

LEASE_SECONDS = 15.0
RENEW_SECONDS = 5.0
MARGIN_SECONDS = 2.0
"""An effect may begin only while the lease has at least this long to live by a monotonic clock."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run about to be created. `files` is the plan's snapshot (name → text), kept once per `plan_sha256`."""

    id: str
    end_user_id: str | None
    plan_name: str
    plan_sha256: str
    files: Mapping[str, str] = field(repr=False)
    created_at: float


class Lease(Protocol):
    """The right to write to one run."""

    run_id: str
    epoch: int

    def has_margin(self) -> bool:
        """Whether an effect may still begin under this lease."""
        ...


class Post(NamedTuple):
    """Something anyone may say to a run (an answer, a cancel). `seq` grows within a run; one `key` is said once."""

    seq: int
    key: str
    at: float
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredRun:
    """Everything the store has of a run."""

    summary: RunSummary
    events: tuple[Event, ...]
    posts: tuple[Post, ...]
    files: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of a listing. `state` is the stored state, times are seconds since 1970."""

    id: str
    end_user_id: str | None
    plan_name: str
    plan_sha256: str
    state: str
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs to list, newest first. None means any."""

    end_user_id: str | None = None
    state: str | None = None
    plan_name: str | None = None
    since: float | None = None
    limit: int = 50


class Journal(Protocol):
    """A store of runs. Safe to use from several threads and event loops at once.

    `create` and `release` run in the caller's task until they first wait, and may then go on in another: no
    `asyncio.timeout` may stand around that wait.
    """

    async def create(self, run: NewRun, events: Sequence[Event], *, flush: bool = True) -> Lease:
        """Store a new run in state IN_PROGRESS with its first events, durably, and claim it in the same transaction.

        flush  as for `append`
        """
        ...

    async def claim(self, run_id: str, *, failed: bool = False) -> Lease:
        """Take over an unfinished run with a higher epoch; with `failed` also one that has FAILED, for a new try.

        Raises PlanRunNotFoundError, RunFinishedError, or RunBusyError while a living process holds the lease. A
        lease whose owner is a dead process of this host is taken over at once.
        """
        ...

    async def renew(self, lease: Lease) -> None:
        """Lengthen the lease. Stores renew by themselves every RENEW_SECONDS; LeaseLostError when it is gone."""
        ...

    def append(self, lease: Lease, events: Sequence[Event], *, flush: bool = True) -> Awaitable[None] | None:
        """Write the events as one batch, after all earlier batches of this lease.

        flush  whether the batch must outlive a power cut at once, where the store promises that; else it outlives the
               death of the process at once, and a power cut from the next flush of the run on

        None means that they are durable already; else await the result. LeaseLostError (raised here or by the
        awaitable) when the epoch is no longer the run's: nothing of the batch was written. An outage of the store is
        waited out; StoreError when it lasts longer than the lease.
        """
        ...

    async def release(self, lease: Lease, state: str, seen: int, events: Sequence[Event] = ()) -> tuple[Post, ...]:
        """Write the last events, the state, and end the lease, in one transaction.

        When posts with a `seq` above `seen` have come, they are returned and nothing else is done: no wake-up is lost.
        """
        ...

    def abandon(self, lease: Lease) -> None:
        """Stop renewing the lease; writes nothing and raises nothing. For a carrier that can't write any more."""
        ...

    async def post(self, run_id: str, key: str, body: Mapping[str, Any]) -> bool:
        """Say something to a run, durably. False when this key was said before: the first one stands."""
        ...

    async def posts(self, run_id: str, seen: int) -> tuple[Post, ...]:
        """What was said to a run since the post with the number `seen`. Cheap: carriers ask every second."""
        ...

    async def load(self, run_id: str) -> StoredRun:
        """All there is of a run. PlanRunNotFoundError when there is none."""
        ...

    async def list(self, query: RunQuery) -> list[RunSummary]:
        """The newest runs that match, by an index that is in their order, never by reading what happened in them."""
        ...

    def close(self) -> None:
        """Let go of threads and files. What was acknowledged stays."""
        ...
