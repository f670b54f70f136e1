"""Calls a tool: asynchronous ones are awaited, others run in a thread, and every failure gets its kind."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from planrunner.errors import DeadlineError, StepError, ToolHardError, ToolSoftError, step_error
from planrunner.tools.base import ReadyResponse, Tool, ToolRunContext, is_async
from planrunner.tools.threads import in_thread

_log = logging.getLogger("planrunner")
_MAX_MESSAGE = 4_000
_PLAIN = frozenset((str, int, float, bool, type(None), dict, list, tuple))


GRACE_SECONDS = 1.0
"""So long an asynchronous tool that is past its deadline may take to clean up; then it is left alone."""


async def call_tool(tool: Tool, ctx: ToolRunContext, args: Mapping[str, Any], seconds: float | None = None) -> Any:
    """What the tool returns for these args, which the caller has checked.

    seconds  when they are over: DeadlineError. None: as long as it likes

    Raises ToolSoftError and ToolHardError as the tool raised them; every other failure of the tool, also its wish to
    end the process, is a ToolHardError that begins with the name of the exception. Past the deadline, or when this call
    is cancelled, an asynchronous tool is cancelled; a tool in a thread can't be stopped: it is abandoned, and what it
    returns is dropped.
    """
    if seconds is None or tool.inline:
        return await _call(tool, ctx, args)
    call = asyncio.ensure_future(_call(tool, ctx, args))
    try:
        await asyncio.wait((call,), timeout=seconds)
        if call.done():
            return call.result()
    finally:
        call.cancel()
    if is_async(tool):
        await asyncio.wait((call,), timeout=GRACE_SECONDS)
        raise DeadlineError(f"{tool.id} did not end within {seconds:g} s; it was cancelled")
    raise DeadlineError(
        f"{tool.id} did not end within {seconds:g} s; it may still be at work, but what it comes to is dropped"
    )


async def _call(tool: Tool, ctx: ToolRunContext, args: Mapping[str, Any]) -> Any:
    try:
        if is_async(tool):
            return await tool.arun(ctx, **args)
        if tool.inline:
            value = tool.run(ctx, **args)
        else:
            value, failure = await in_thread(partial(tool.run, ctx, **args))
            if failure is not None:
                raise failure
        if type(value) not in _PLAIN and inspect.isawaitable(value):
            return await value
        return value
    except (ToolSoftError, ToolHardError) as error:
        _let_cancel_through(error)
        raise _storable(error) from error.__cause__
    except asyncio.CancelledError as error:
        if _is_being_cancelled():
            raise
        raise ToolHardError(f"{tool.id} cancelled itself") from error
    except SystemExit as error:
        raise ToolHardError(f"{tool.id} tried to end the process: {error_text(error)}") from error
    except Exception as error:
        _let_cancel_through(error)
        _log.debug("the tool %s failed", tool.id, exc_info=error)  # where, for its author: the record has the message
        raise ToolHardError(error_text(error)) from error


def _let_cancel_through(error: BaseException) -> None:
    """A tool that answers its cancellation with an error of its own is cancelled all the same."""
    if _is_being_cancelled():
        raise asyncio.CancelledError from error


async def call_ready(tool: Tool, ctx: ToolRunContext) -> ReadyResponse:
    """What the tool says of itself, asked in a thread. Its failure is a ToolHardError."""
    said, error = await in_thread(partial(tool.ready, ctx))
    if error is not None:
        raise ToolHardError(f"{tool.id} can't say whether it is ready: {error_text(error)}") from error
    response: ReadyResponse = said
    return response


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
