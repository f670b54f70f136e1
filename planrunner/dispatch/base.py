"""Who carries runs: here and now, or somewhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

Carry = Callable[[], Awaitable[None]]
"""Carries one claimed run to its end; raises only what is no outcome of the run."""


class Dispatcher(Protocol):
    """Has runs carried."""

    async def dispatch(self, run_id: str, carry: Carry) -> None:
        """Return once the run has come as far as it can."""
        ...
