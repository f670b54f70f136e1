"""The exam that every store of runs passes."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planrunner.errors import (
    LeaseLostError,
    PlanRunNotFoundError,
    RunBusyError,
    RunFinishedError,
    StoreError,
)
from planrunner.events import DECIDED, STEP_FINISHED, STEP_STARTED, Event
from planrunner.ids import new_run_id
from planrunner.journal.base import Journal, Lease, NewRun, RunQuery
from planrunner.journal.memory import MemoryJournal
from planrunner.journal.sqlite import SqliteJournal

LEASE = 1.5
"""Seconds a lease lives in this exam."""


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    store: Journal = (
        MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "runs.db", lease_seconds=LEASE)
    )
    yield store
    store.close()


def new_run(**changes: Any) -> NewRun:
    files = {"plan.yml": "planrunner: 1\n", "prompts/ask.md": "Grüß {{ inputs.x }}"}
    run = NewRun(new_run_id(), "u1", "greeting", "a" * 64, files, time.time())
    return replace(run, **changes)


def event(number: int, key: str = "step", **body: Any) -> Event:
    return Event(STEP_STARTED, key, 1_700_000_000.25 + number, {"n": number, **body})


async def append(journal: Journal, lease: Lease, *events: Event) -> None:
    written = journal.append(lease, events)
    if written is not None:
        await written


async def numbers(journal: Journal, run_id: str) -> list[int]:
    return [each.body["n"] for each in (await journal.load(run_id)).events]


def test_a_run_is_given_back_as_it_was_written(journal: Journal) -> None:
    run = new_run()
    awkward = {
        "text": "ü 漢 \U0001f600 \x00 \x1b[31m {{ 7*7 }}",
        "lone": "\ud800",
        "huge": 10**40,
        "float": 0.1,
        "none": None,
        "list": [1, [2, {}]],
        "": True,
    }

    async def main() -> None:
        lease = await journal.create(run, [event(0)])
        assert lease.run_id == run.id
        assert lease.has_margin()
        await append(journal, lease, event(1, "looks[3]", **awkward), Event(STEP_FINISHED, "x", 1.0, {"n": 2}))
        stored = await journal.load(run.id)
        assert stored.events == (event(0), event(1, "looks[3]", **awkward), Event(STEP_FINISHED, "x", 1.0, {"n": 2}))
        assert stored.files == run.files
        assert stored.posts == ()
        summary = stored.summary
        assert (summary.id, summary.end_user_id, summary.plan_name) == (run.id, "u1", "greeting")
        assert (summary.plan_sha256, summary.state) == (run.plan_sha256, "IN_PROGRESS")
        assert summary.created_at == summary.updated_at == run.created_at

    asyncio.run(main())


def test_later_changes_to_what_was_given_do_not_reach_the_store(journal: Journal) -> None:
    run = new_run()
    body: dict[str, Any] = {"n": 0, "list": [1]}

    async def main() -> None:
        lease = await journal.create(run, [Event(DECIDED, "a", 1.0, body)])
        await append(journal, lease, Event(DECIDED, "b", 1.0, body))
        body["list"].append(2)
        stored = await journal.load(run.id)
        assert [each.body for each in stored.events] == [{"n": 0, "list": [1]}] * 2

    asyncio.run(main())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_json_cannot_tell_is_refused_and_the_run_goes_on(journal: Journal, value: Any) -> None:
    run = new_run()

    async def main() -> None:
        lease = await journal.create(run, [event(0)])
        with pytest.raises((ValueError, TypeError)):
            await append(journal, lease, event(1, bad=value))
        await append(journal, lease, event(2))
        assert await numbers(journal, run.id) == [0, 2]

    asyncio.run(main())


def test_an_id_is_used_once(journal: Journal) -> None:
    run = new_run()

    async def main() -> None:
        lease = await journal.create(run, [event(0)])
        with pytest.raises(StoreError, match="in the store already"):
            await journal.create(run, [event(9)])
        await append(journal, lease, event(1))
        assert await numbers(journal, run.id) == [0, 1]

    asyncio.run(main())


def test_unknown_runs_are_told_so(journal: Journal) -> None:
    async def main() -> None:
        for attempt in (journal.claim("prun-x"), journal.load("prun-x"), journal.post("prun-x", "k", {})):
            with pytest.raises(PlanRunNotFoundError, match="no plan run 'prun-x'"):
                await attempt

    asyncio.run(main())


def test_a_run_that_is_carried_is_busy_and_one_at_rest_is_not(journal: Journal) -> None:
    run = new_run()

    async def main() -> None:
        lease = await journal.create(run, [event(0)])
        with pytest.raises(RunBusyError, match=f"{run.id} is carried by"):
            await journal.claim(run.id)
        assert await journal.release(lease, "NEED_CLARIFICATION", 0, [event(1)]) == ()
        assert (await journal.load(run.id)).summary.state == "NEED_CLARIFICATION"
        again = await journal.claim(run.id)
        assert again.epoch > lease.epoch
        assert (await journal.load(run.id)).summary.state == "IN_PROGRESS"
        await append(journal, again, event(2))
        assert await numbers(journal, run.id) == [0, 1, 2]

    asyncio.run(main())


@pytest.mark.parametrize("state", ["COMPLETE", "FAILED"])
def test_an_ended_run_takes_nothing_more(journal: Journal, state: str) -> None:
    run = new_run()

    async def main() -> None:
        lease = await journal.create(run, [event(0)])
        await journal.post(run.id, "before", {})
        await journal.release(lease, state, 1, [event(1)])
        with pytest.raises(RunFinishedError, match=state):
            await journal.claim(run.id)
        for key in ("before", "after"):
            with pytest.raises(RunFinishedError, match=state):
                await journal.post(run.id, key, {})
        stored = await journal.load(run.id)
        assert stored.summary.state == state
        assert [post.key for post in stored.posts] == ["before"]
        assert stored.summary.updated_at >= run.created_at

    asyncio.run(main())


def test_a_lease_that_was_given_up_writes_nothing(journal: Journal) -> None:
    run = new_run()

    async def main() -> None:
        old = await journal.create(run, [event(0)])
        await journal.release(old, "IN_PROGRESS", 0)
        await refused(old)
        new = await journal.claim(run.id)
        await refused(old)
        await append(journal, new, event(1))
        assert await numbers(journal, run.id) == [0, 1]
        assert (await journal.load(run.id)).summary.state == "IN_PROGRESS"

    async def refused(lease: Lease) -> None:
        assert not lease.has_margin()
        with pytest.raises(LeaseLostError, match=run.id):
            await append(journal, lease, event(66))
        with pytest.raises(LeaseLostError):
            await journal.release(lease, "FAILED", 0, [event(66)])
        with pytest.raises(LeaseLostError):
            await journal.renew(lease)

    asyncio.run(main())


def test_a_lease_lives_as_long_as_it_is_held(journal: Journal) -> None:
    run = new_run()

    async def main() -> None:
        lease = await journal.create(run, [event(0)])
        for _ in range(10):
            await asyncio.sleep(LEASE / 4)
            assert lease.has_margin()
        with pytest.raises(RunBusyError):
            await journal.claim(run.id)
        await journal.renew(lease)
        assert lease.has_margin()

    asyncio.run(main())


def test_a_lease_that_nobody_holds_runs_out(journal: Journal) -> None:
    run = new_run()

    async def main() -> None:
        lease = await journal.create(run, [event(0)])
        del lease
        gc.collect()
        deadline = time.monotonic() + 20
        while True:
            try:
                assert (await journal.claim(run.id)).epoch > 1
            except RunBusyError:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            else:
                return

    asyncio.run(main())


def test_the_first_post_of_a_key_stands(journal: Journal) -> None:
    run, other = new_run(), new_run()

    async def main() -> None:
        lease = await journal.create(run, [])
        await journal.create(other, [])
        assert await journal.post(run.id, "clar-1", {"response": "yes"})
        assert not await journal.post(run.id, "clar-1", {"response": "no"})
        assert await journal.post(run.id, "clar-2", {"response": ["ü"]})
        assert await journal.post(other.id, "clar-1", {"response": "other"})
        posts = (await journal.load(run.id)).posts
        assert [(post.key, post.body) for post in posts] == [
            ("clar-1", {"response": "yes"}),
            ("clar-2", {"response": ["ü"]}),
        ]
        assert posts[0].seq < posts[1].seq
        assert abs(posts[0].at - time.time()) < 60
        assert await journal.release(lease, "NEED_CLARIFICATION", posts[1].seq) == ()
        assert await journal.post(run.id, "clar-3", {})

    asyncio.run(main())


def test_of_posts_at_once_one_wins(journal: Journal) -> None:
    run = new_run()

    async def ask(number: int) -> list[bool]:
        return list(await asyncio.gather(*(journal.post(run.id, "k", {"by": [number, i]}) for i in range(5))))

    asyncio.run(journal.create(run, []))
    with ThreadPoolExecutor(6) as pool:
        answers = [won for wins in pool.map(lambda n: asyncio.run(ask(n)), range(6)) for won in wins]
    assert answers.count(True) == 1
    assert len(asyncio.run(journal.load(run.id)).posts) == 1


def test_no_wake_up_is_lost(journal: Journal) -> None:
    """A post that came after the carrier last looked keeps the lease, and nothing is written."""
    run = new_run()

    async def main() -> None:
        lease = await journal.create(run, [event(0)])
        await journal.post(run.id, "a", {"x": 1})
        seen = (await journal.load(run.id)).posts[-1].seq
        await journal.post(run.id, "b", {"x": 2})
        posts = await journal.release(lease, "NEED_CLARIFICATION", seen, [event(66)])
        assert [(post.key, post.body) for post in posts] == [("b", {"x": 2})]
        assert lease.has_margin()
        with pytest.raises(RunBusyError):
            await journal.claim(run.id)
        await append(journal, lease, event(1))
        assert await journal.release(lease, "NEED_CLARIFICATION", posts[-1].seq, [event(2)]) == ()
        assert await numbers(journal, run.id) == [0, 1, 2]

    asyncio.run(main())


def test_posting_and_releasing_at_once_never_strands_a_post(journal: Journal) -> None:
    """Each post is either handed to the one who lets go, or there when the run is claimed next."""

    async def main() -> None:
        for _ in range(30):
            run = new_run()
            lease = await journal.create(run, [])
            posting = asyncio.create_task(asyncio.to_thread(lambda r: asyncio.run(journal.post(r, "k", {})), run.id))
            released = await journal.release(lease, "NEED_CLARIFICATION", 0)
            assert await posting
            if not released:
                await journal.claim(run.id)
                assert len((await journal.load(run.id)).posts) == 1

    asyncio.run(main())


def test_batches_of_many_runs_in_tasks_keep_their_order(journal: Journal) -> None:
    async def carry(user: int) -> None:
        run = new_run(end_user_id=f"u{user}")
        lease = await journal.create(run, [event(0, user=user)])
        pending = None
        for number in range(1, 40):
            pending = journal.append(lease, [event(number, user=user)])
            if number % 7 == user % 7 and pending is not None:
                await pending
            if number % 5 == 0:
                await asyncio.sleep(0)
        if pending is not None:
            await pending
        assert await numbers(journal, run.id) == list(range(40))
        assert await journal.release(lease, "COMPLETE", 0, [event(40, user=user)]) == ()
        stored = await journal.load(run.id)
        assert [each.body for each in stored.events] == [{"n": number, "user": user} for number in range(41)]

    async def main() -> None:
        await asyncio.gather(*(carry(user) for user in range(25)))

    asyncio.run(main())


def test_batches_keep_their_order_while_other_runs_come_and_go(journal: Journal) -> None:
    """Alone in the process a batch takes the short way, beside others the long one: both in one run, in order."""
    run = new_run()

    async def visitor() -> None:
        for _ in range(10):
            lease = await journal.create(new_run(), [])
            await append(journal, lease, event(0))
            await asyncio.sleep(0.001)
            await journal.release(lease, "COMPLETE", 0)

    async def main() -> None:
        lease = await journal.create(run, [event(0)])
        visitors = asyncio.gather(*(visitor() for _ in range(3)))
        number, kinds = 0, set()
        while not visitors.done() or number < 200:
            number += 1
            written = journal.append(lease, [event(number)])
            kinds.add(written is None)
            if written is not None and number % 3 == 0:
                await written
            await asyncio.sleep(0)
        assert await journal.release(lease, "COMPLETE", 0) == ()
        assert await numbers(journal, run.id) == list(range(number + 1))
        assert True in kinds
        assert isinstance(journal, MemoryJournal) or kinds == {True, False}

    asyncio.run(main())


def test_threads_with_loops_of_their_own_share_a_store(journal: Journal) -> None:
    def carry(user: int) -> None:
        asyncio.run(carry_async(user))

    async def carry_async(user: int) -> None:
        for _ in range(3):
            run = new_run(end_user_id=f"u{user}")
            lease = await journal.create(run, [event(0, user=user)])
            for number in range(1, 15):
                await append(journal, lease, event(number, user=user))
            assert await journal.release(lease, "COMPLETE", 0) == ()
            stored = await journal.load(run.id)
            assert [each.body for each in stored.events] == [{"n": n, "user": user} for n in range(15)]
            assert stored.summary.end_user_id == f"u{user}"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(carry, range(8)))
    assert len(asyncio.run(journal.list(RunQuery(state="COMPLETE")))) == 24


def test_of_claims_at_once_one_wins(journal: Journal) -> None:
    run = new_run()
    won: list[Lease] = []
    start = threading.Barrier(6)

    async def main() -> None:
        lease = await journal.create(run, [])
        await journal.release(lease, "IN_PROGRESS", 0)

    def claim() -> None:
        start.wait(10)
        try:
            won.append(asyncio.run(journal.claim(run.id)))
        except RunBusyError:
            return

    asyncio.run(main())
    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_cancelling_who_waits_does_not_undo_a_write(journal: Journal) -> None:
    run = new_run()

    async def main() -> None:
        lease = await journal.create(run, [event(0)])
        bystander = await journal.create(new_run(), [])
        written = journal.append(lease, [event(1)])
        if written is not None:
            task = asyncio.ensure_future(written)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await append(journal, lease, event(2))
        assert await numbers(journal, run.id) == [0, 1, 2]
        assert bystander.has_margin()

    asyncio.run(main())


def test_listing_filters_and_shows_the_newest_first(journal: Journal) -> None:
    async def main() -> None:
        for number in range(24):
            run = new_run(
                id=f"prun-{number}",
                end_user_id=[None, "ada", "bob"][number % 3],
                plan_name=["greeting", "refund"][number % 2],
                created_at=1000.0 + number // 2,
            )
            lease = await journal.create(run, [])
            if number % 4:
                await journal.release(lease, ["COMPLETE", "NEED_CLARIFICATION", "FAILED"][number % 4 - 1], 0)
        assert await ids() == list(range(23, -1, -1))
        assert await ids(limit=3) == [23, 22, 21]
        assert await ids(end_user_id="ada") == [22, 19, 16, 13, 10, 7, 4, 1]
        assert await ids(plan_name="refund", limit=2) == [23, 21]
        assert await ids(state="COMPLETE") == [21, 17, 13, 9, 5, 1]
        assert await ids(since=1010.0) == [23, 22, 21, 20]
        assert await ids(end_user_id="ada", state="COMPLETE") == [13, 1]
        assert await ids(end_user_id="bob", plan_name="greeting", state="NEED_CLARIFICATION") == [14, 2]
        assert await ids(end_user_id="bob", plan_name="greeting", state="NEED_CLARIFICATION", since=1002.0) == [14]
        assert await ids(end_user_id="nobody") == []

    async def ids(**query: Any) -> list[int]:
        return [int(run.id.removeprefix("prun-")) for run in await journal.list(RunQuery(**query))]

    asyncio.run(main())


def test_a_closed_store_keeps_what_it_has_and_closing_twice_is_fine(journal: Journal) -> None:
    asyncio.run(journal.create(new_run(), [event(0)]))
    journal.close()
    journal.close()
