"""Of random plans: whatever dies, in whatever order things happen and people answer, a run comes to the same end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import Size
from tests.random_plans.growing import Case, cases
from tests.random_plans.living import BACKWARDS, ONE_BY_ONE, Survivor, failed, left, masked, some_deaths


@pytest.fixture(autouse=True)
def _dying_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio tells of each write that a death cut short."""
    caplog.set_level("CRITICAL", logger="asyncio")


@pytest.fixture(autouse=True)
def _no_breath(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the event loop has its turn does not depend on how busy the machine is."""
    monkeypatch.setattr("planrunner.scope.BREATH_SECONDS", float("inf"))


ASIDE = pytest.mark.parametrize("aside", [False, True], ids=["one after another", "side by side"])


def for_plans(number: int, aside: bool, property_: Callable[[Case, int], None]) -> None:
    """Let the property hold of so many plans. What it is called with beside the case is a seed."""
    quick = number < 100  # then the same plans every time
    kept = settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=quick,
        print_blob=not quick,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    kept(given(cases(aside=aside), st.integers(0, 1000))(property_))()


def is_settled(survivor: Survivor, aside: bool) -> bool:
    """Whether what began at all depends on nothing but the plan: a failure, or an exit, lets nothing more begin."""
    return not aside or not (failed(survivor.events) or left(survivor.events))


@ASIDE
def test_a_run_that_dies_anywhere_ends_as_one_that_does_not(aside: bool, size: Size) -> None:
    def dies(case: Case, seed: int) -> None:
        whole = Survivor(case, seed=seed)
        record = masked(whole.carry())
        chance = Random(seed)
        for deaths in some_deaths(chance, whole.all_writes, 3):
            survivor = Survivor(case, deaths=deaths, seed=seed)
            again = masked(survivor.carry())
            if is_settled(whole, aside) and is_settled(survivor, aside):
                assert again == record

    for_plans(size(20, 1000), aside, dies)


@ASIDE
def test_a_run_in_a_file_that_dies_anywhere_ends_as_one_that_does_not(aside: bool, size: Size) -> None:
    def dies(case: Case, seed: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            whole = Survivor(case, seed=seed, path=Path(folder) / "whole.db")
            record = masked(whole.carry())
            for number, deaths in enumerate(some_deaths(Random(seed), whole.all_writes, 2)):
                survivor = Survivor(case, deaths=deaths, seed=seed, path=Path(folder) / f"{number}.db")
                again = masked(survivor.carry())
                if is_settled(whole, aside) and is_settled(survivor, aside):
                    assert again == record
                survivor.close()
            whole.close()

    for_plans(size(8, 300), aside, dies)


@ASIDE
def test_how_long_calls_take_changes_nothing(aside: bool, size: Size) -> None:
    def varies(case: Case, seed: int) -> None:
        runs = [Survivor(case, seed=seed + turn) for turn in range(3)]
        first, *others = [masked(run.carry()) for run in runs]
        if all(is_settled(run, aside) for run in runs):
            assert all(other == first for other in others)

    for_plans(size(15, 500), aside, varies)


@ASIDE
@pytest.mark.parametrize("answering", [ONE_BY_ONE, BACKWARDS])
def test_the_order_of_answers_changes_nothing(aside: bool, answering: str, size: Size) -> None:
    def answers(case: Case, seed: int) -> None:
        together, apart = Survivor(case, seed=seed), Survivor(case, seed=seed)
        first, second = masked(together.carry()), masked(apart.carry(answering))
        # An exit takes back what is still asked, and that depends on who answers first.
        if is_settled(together, aside) and is_settled(apart, aside) and not left(together.events):
            assert second == first

    for_plans(size(10, 400), aside, answers)


@ASIDE
def test_a_new_try_keeps_what_is_finished(aside: bool, size: Size) -> None:
    def tries(case: Case, seed: int) -> None:
        whole, survivor = Survivor(case, seed=seed), None
        if whole.carry().state != "FAILED":
            return
        kept, before = whole.kept(), len(whole.world.calls)
        record = masked(whole.try_again())
        again = {call.key for call in whole.world.calls[before:]}
        assert not kept & again, "a new try repeats what was finished"
        (deaths,) = some_deaths(Random(seed), whole.all_writes, 1)
        survivor = Survivor(case, deaths=deaths, seed=seed)
        assert survivor.carry().state == "FAILED" or not is_settled(whole, aside)
        if is_settled(whole, aside):
            assert masked(survivor.try_again()) == record

    for_plans(size(15, 500), aside, tries)
