"""Carries runs in the process and event loop of the one who asks."""

from __future__ import annotations

from planrunner.dispatch.base import Carry


class LocalDispatcher:
    """The default."""

    async def dispatch(self, run_id: str, carry: Carry) -> None:
        await carry()
