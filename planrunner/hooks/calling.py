"""Calls one hook: async ones are awaited, others run in a thread, and none takes longer than its binding allows."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from planrunner.errors import HookError
from planrunner.hooks.base import Binding
from planrunner.tools.threads import in_thread


async def in_time(binding: Binding, arguments: Sequence[Any], settings: Mapping[str, Any]) -> Any:
    """What the hook returns before its time is over. HookError then, and when it cancels itself."""
    try:
        async with asyncio.timeout(binding.timeout) as clock:
            return await _run(binding, arguments, settings)
    except TimeoutError:
        if not clock.expired():
            raise
        raise HookError(f"the hook {binding.name} took longer than {binding.timeout:g} s") from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise HookError(f"the hook {binding.name} cancelled itself") from None


async def _run(binding: Binding, arguments: Sequence[Any], settings: Mapping[str, Any]) -> Any:
    """Async hooks are awaited; others run in a thread, but for those that never block."""

    def work() -> Any:
        return binding.hook(*arguments, **settings)

    if binding.inline or inspect.iscoroutinefunction(binding.hook):
        said = work()
    else:
        said, error = await in_thread(work)
        if error is not None:
            raise error
    return await said if inspect.isawaitable(said) else said
