"""Calls a tool: asynchronous ones are awaited, others run in a thread of their own, and every failure gets its kind."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from itertools import count
from typing import Any

from planrunner.errors import StepError, ToolHardError, ToolSoftError, step_error
from planrunner.tools.base import Tool, ToolRunContext, is_async

_MAX_MESSAGE = 4_000
_PLAIN = frozenset((str, int, float, bool, type(None), dict, list, tuple))
_numbers = count(1)
_Outcome = tuple[Any, BaseException | None]


async def call_tool(tool: Tool, ctx: ToolRunContext, args: Mapping[str, Any]) -> Any:
    """What the tool returns for these args, which the caller has checked.

    Raises ToolSoftError and ToolHardError as the tool raised them; every other failure of the tool, also its wish to
    end the process, is a ToolHardError that begins with the name of the exception. Cancelling this call cancels an
    asynchronous tool; a tool in a thread can't be stopped: it is abandoned, and what it returns is dropped.
    """
    try:
        if is_async(tool):
            return await tool.arun(ctx, **args)
        value = tool.run(ctx, **args) if tool.inline else await _in_thread(partial(tool.run, ctx, **args))
        if type(value) not in _PLAIN and inspect.isawaitable(value):
            return await value
        return value
    except (ToolSoftError, ToolHardError) as error:
        raise _storable(error) from error.__cause__
    except asyncio.CancelledError as error:
        if _is_being_cancelled():
            raise
        raise ToolHardError(f"{tool.id} cancelled itself") from error
    except SystemExit as error:
        raise ToolHardError(f"{tool.id} tried to end the process (SystemExit: {error})") from error
    except Exception as error:
        raise ToolHardError(error_text(error)) from error


def error_text(error: BaseException) -> str:
    """`TypeName: message`, in text that can be stored, and not longer than a screen or two."""
    try:
        message = str(error)
    except Exception:
        message = "(its message can't be told)"
    name = type(error).__name__
    return _clean(f"{name}: {message}" if message else name)


def _storable(error: StepError) -> StepError:
    """The error itself, unless its text holds what no store takes (lone surrogates) or has no end."""
    text = str(error)
    clean = _clean(text)
    return error if clean == text else step_error(error.kind, clean)


def _clean(text: str) -> str:
    if len(text) > _MAX_MESSAGE:
        text = f"{text[:_MAX_MESSAGE]}… ({len(text)} characters)"
    return text.encode("utf-8", "backslashreplace").decode()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _in_thread(work: Callable[[], Any]) -> Any:
    """Run the work in a new thread and wait for it.

    A thread of its own for every call, and not a pool: any number may run side by side, one that hangs takes nothing
    from the others, and being a daemon it never keeps the process alive.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Outcome] = loop.create_future()
    context = copy_context()

    def done_with(outcome: _Outcome) -> None:
        if not done.done():
            done.set_result(outcome)

    def carry() -> None:
        outcome: _Outcome
        try:
            outcome = (context.run(work), None)
        except BaseException as error:
            outcome = (None, error)
        with suppress(RuntimeError):  # The loop is closed: nobody waits for this call any more.
            loop.call_soon_threadsafe(done_with, outcome)

    threading.Thread(target=carry, name=f"planrunner-tool-{next(_numbers)}", daemon=True).start()
    value, error = await done
    if error is not None:
        raise error
    return value
