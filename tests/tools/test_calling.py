import asyncio
import subprocess
import sys
import threading
import time
from contextvars import ContextVar

import pytest

from planrunner.errors import DeadlineError, RejectedError, ToolHardError, ToolSoftError, TransientError
from planrunner.tools import threads
from planrunner.tools.base import Tool
from planrunner.tools.calling import call_tool
from planrunner.tools.python import tool

who: ContextVar[str] = ContextVar("who", default="nobody")


class Sync(Tool):
    id = "sync"

    def run(self, ctx, **args):
        return args, ctx.end_user_id, who.get(), threading.current_thread()


class Inline(Sync):
    id = "inline"
    inline = True


class Async(Tool):
    id = "async"

    async def arun(self, ctx, **args):
        await asyncio.sleep(0)
        return args, ctx.end_user_id, who.get(), threading.current_thread()


@pytest.mark.parametrize("kind", [Sync, Inline, Async])
def test_args_context_and_context_variables_arrive(ctx, kind):
    async def main():
        who.set("Ada")
        return await call_tool(kind(), ctx, {"a": 1, "func": 2, "work": 3})

    args, end_user_id, name, thread = asyncio.run(main())
    assert (args, end_user_id, name) == ({"a": 1, "func": 2, "work": 3}, "u1", "Ada")
    assert (thread is threading.main_thread()) == (kind is not Sync)


def test_what_a_tool_sets_in_a_thread_stays_there(ctx):
    @tool
    def sets():
        who.set("Eve")

    async def main():
        await call_tool(sets, ctx, {})
        return who.get()

    assert asyncio.run(main()) == "nobody"


@pytest.mark.parametrize("inline", [True, False])
def test_a_sync_function_that_returns_an_awaitable_is_awaited(call, inline):
    async def later():
        return 7

    assert call(tool(inline=inline)(lambda: later())) == 7


class _Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class _Wished(ToolSoftError):
    pass


@pytest.mark.parametrize(
    ("raised", "kind", "message"),
    [
        (ToolSoftError("try again"), ToolSoftError, "try again"),
        (ToolHardError("never"), ToolHardError, "never"),
        (_Wished("again"), _Wished, "again"),
        (ValueError("bad"), ToolHardError, "ValueError: bad"),
        (ValueError(), ToolHardError, "ValueError"),
        (KeyError("k"), ToolHardError, "KeyError: 'k'"),
        (StopIteration(3), ToolHardError, "StopIteration: 3"),
        (StopAsyncIteration(), ToolHardError, "StopAsyncIteration"),
        (TimeoutError("slow"), ToolHardError, "TimeoutError: slow"),
        (TransientError("503"), ToolHardError, "TransientError: 503"),
        (DeadlineError("late"), ToolHardError, "DeadlineError: late"),
        (RejectedError("no"), ToolHardError, "RejectedError: no"),
        (RecursionError("deep"), ToolHardError, "RecursionError: deep"),
        (MemoryError(), ToolHardError, "MemoryError"),
        (SystemExit(3), ToolHardError, "raising tried to end the process: SystemExit: 3"),
        (asyncio.CancelledError(), ToolHardError, "raising cancelled itself"),
        (_Unprintable(), ToolHardError, "_Unprintable: (its message can't be told)"),
        (ValueError("a\ud800b"), ToolHardError, "ValueError: a\\ud800b"),
        (ToolSoftError("a\ud800b"), ToolSoftError, "a\\ud800b"),
    ],
)
@pytest.mark.parametrize("way", ["thread", "inline", "async"])
def test_every_failure_gets_its_kind(call, raised, kind, message, way):
    def raising():
        raise raised

    async def raising_async():
        raise raised

    raising_async.__name__ = "raising"
    made = tool(raising_async) if way == "async" else tool(inline=way == "inline")(raising)
    with pytest.raises((ToolSoftError, ToolHardError)) as caught:
        call(made)
    expected = message
    if way == "async" and isinstance(raised, StopIteration):  # Python's own rule for coroutines
        expected = "RuntimeError: coroutine raised StopIteration"
    assert type(caught.value) is kind
    assert str(caught.value) == expected


@pytest.mark.parametrize("way", ["thread", "inline"])
def test_ctrl_c_in_a_tool_is_no_failure_of_the_tool(call, way):
    @tool(inline=way == "inline")
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(interrupted)


def test_an_endless_message_is_cut(call):
    @tool
    def wordy():
        raise ToolHardError("x" * 1_000_000)

    with pytest.raises(ToolHardError) as caught:
        call(wordy)
    assert len(str(caught.value)) < 5_000
    assert "1000000 characters" in str(caught.value)


def test_the_cause_is_kept(call):
    @tool
    def failing():
        return 1 / 0

    with pytest.raises(ToolHardError) as caught:
        call(failing)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_cancelling_reaches_an_async_tool_and_passes(ctx):
    seen = []

    @tool
    async def waiting():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await call_tool(waiting, ctx, {})

    asyncio.run(main())
    assert seen == ["cancelled"]


def test_a_cancelled_call_abandons_its_thread_and_drops_the_result(ctx):
    go_on, ended = threading.Event(), threading.Event()

    @tool
    def slow():
        go_on.wait(30)
        ended.set()
        return "too late"

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await call_tool(slow, ctx, {})
        go_on.set()
        assert await asyncio.to_thread(ended.wait, 30)
        return await call_tool(tool(lambda: "next"), ctx, {})

    assert asyncio.run(main()) == "next"


def test_a_thread_whose_loop_is_gone_ends_in_silence(ctx, capfd):
    go_on, ended = threading.Event(), threading.Event()

    @tool
    def slow():
        go_on.wait(30)
        ended.set()

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await call_tool(slow, ctx, {})

    asyncio.run(main())
    go_on.set()
    assert ended.wait(30)
    assert asyncio.run(call_tool(tool(lambda: 1), ctx, {})) == 1
    assert capfd.readouterr().err == ""


def test_a_hundred_calls_run_side_by_side(ctx):
    """Each waits for all the others: with fewer threads than calls none would ever end."""
    barrier = threading.Barrier(100, timeout=60)

    @tool
    def meet():
        barrier.wait()
        return threading.current_thread().name

    async def main():
        return await asyncio.gather(*(call_tool(meet, ctx, {}) for _ in range(100)))

    assert len(set(asyncio.run(main()))) == 100


def test_idle_threads_are_used_again_and_then_end(ctx, monkeypatch):
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.05)

    @tool
    def name():
        return threading.current_thread().name

    async def main():
        return [await call_tool(name, ctx, {}) for _ in range(50)]

    used = set(asyncio.run(main()))
    assert len(used) < 50
    deadline = time.monotonic() + 30
    while {thread.name for thread in threading.enumerate()} & used and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not {thread.name for thread in threading.enumerate()} & used
    assert asyncio.run(main())


_ABANDONING = """
import asyncio, time
from planrunner.tools.calling import call_tool
from planrunner.tools.python import tool

@tool
def endless():
    while True:
        time.sleep(0.01)

async def main():
    try:
        async with asyncio.timeout(0.1):
            await call_tool(endless, None, {})
    except TimeoutError:
        print("abandoned")

asyncio.run(main())
"""

_FORKING = """
import asyncio, os
from planrunner.tools.calling import call_tool
from planrunner.tools.python import tool

call = lambda: asyncio.run(call_tool(tool(lambda: "called"), None, {}))
call()
child = os.fork()
os.write(1, call().encode() + b"\\n")
if child:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize(("code", "printed"), [(_ABANDONING, "abandoned\n"), (_FORKING, "called\n" * 2)])
def test_a_process_with_such_threads_ends_and_forks(code, printed):
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, printed), ended.stderr


def test_a_tool_without_run_says_so(call):
    with pytest.raises(ToolHardError, match=r"the tool 'empty' has neither run\(\) nor arun\(\)"):
        call(Tool(id="empty"))
