"""The words in which every store refuses, so that a user reads the same whatever the store."""

from __future__ import annotations

from typing import Final

from planrunner.errors import LeaseLostError, PlanRunNotFoundError, RunBusyError, RunFinishedError

FAILED: Final = "FAILED"
ENDED: Final = ("COMPLETE", FAILED)
"""The states that end a run."""

CARRIED: Final = "IN_PROGRESS"
"""The state of a run that someone carries."""


def not_found(run_id: str, where: str) -> PlanRunNotFoundError:
    """No such run. `where` names the store."""
    return PlanRunNotFoundError(
        f"there is no plan run {run_id!r} in {where}; `planrunner runs list` shows the runs there are"
    )


def finished(run_id: str, state: str) -> RunFinishedError:
    """The run has ended."""
    again = f"; `planrunner resume {run_id} --retry` opens a new try of what failed" if state == FAILED else ""
    return RunFinishedError(
        f"plan run {run_id} has ended ({state}): there is nothing left to carry or to answer{again}"
    )


def busy(run_id: str, holder: str) -> RunBusyError:
    """The run is carried. `holder` says by whom, and until when unless renewed."""
    return RunBusyError(
        f"plan run {run_id} is carried by {holder}; wait until it comes to rest, or end that process and try again"
    )


def lost(run_id: str) -> LeaseLostError:
    """The lease is no longer the run's."""
    return LeaseLostError(
        f"this process no longer carries plan run {run_id}: its lease was given up or another process took the run"
        " over; nothing was written, and the run goes on where it is carried now"
    )
