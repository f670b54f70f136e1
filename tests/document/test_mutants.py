"""Right plans are let be, and a mistake that is put into one of them is found on its line.

Each kind of mistake says in its own file what it is, which line is the right one, and what is left out because the
plan that comes of it is right. With --full every mutant is checked, else every fifth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pytest
import yaml

from planrunner.document.problem import Problem
from tests.conftest import Size
from tests.document.mutations import dropped, gates, keys, references, types
from tests.document.mutations.corpus import Plan, right_plans
from tests.document.mutations.reading import Mutant, line_of, read

KINDS: Final[dict[str, tuple[Callable[[Plan], Iterator[Mutant]], int]]] = {
    "a typo in a key": (keys.mutants, 15_000),
    "a typo in a reference": (references.mutants, 8_000),
    "a dropped step": (dropped.mutants, 300),
    "a dropped gate": (gates.mutants, 100),
    "a swapped type": (types.mutants, 12_000),
}
"""Kind → what makes its mutants, and how many there are at least."""

FEW: Final = 1_000
"""So many mutants of a kind are always checked."""

NOT_YET: Final = ("not-supported", "subplan-file")
"""What the pages and the right plans may show although this version, or this folder, does not have it."""


def _wrong(plan: Plan) -> list[Problem]:
    return [problem for problem in plan.problems() if problem.code not in NOT_YET]


@pytest.mark.parametrize("plan", right_plans(), ids=lambda plan: plan.name)
def test_right_plans_are_let_be(plan: Plan) -> None:
    assert _wrong(plan) == []


def test_every_folder_of_right_plans_and_the_docs_are_among_them() -> None:
    names = [plan.name for plan in right_plans()]
    for beginning, count in {
        "plans/": 6,
        "tests/runs/": 120,
        "tests/plans/ok/": 10,
        "docs/": 60,
        "README.md": 1,
    }.items():
        assert sum(name.startswith(beginning) for name in names) >= count, beginning


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_is_found_on_its_line(kind: str, size: Size) -> None:
    make, least = KINDS[kind]
    every = [mutant for plan in right_plans() for mutant in make(plan)]
    assert len(every) >= least
    some = every if len(every) < FEW else every[:: size(5, 1)]
    missed = [mutant for mutant in some if not _is_found(mutant)]
    print(f"{kind}: {len(some) - len(missed)} of {len(some)} mutants found", *map(_shown, missed), sep="\n  ")
    assert len(missed) <= len(some) * 0.05


def _is_found(mutant: Mutant) -> bool:
    """Whether a problem is told on each of the right lines."""
    told = {problem.line for problem in mutant.plan.problems(mutant.text)}
    return all(told & lines for lines in mutant.lines)


def _shown(mutant: Mutant) -> str:
    at = [min(lines) for lines in mutant.lines]
    return f"{mutant.plan.name}: {mutant.what}: " + " · ".join(f"{line}: {_line(mutant.text, line)}" for line in at)


def _line(text: str, number: int) -> str:
    return text.splitlines()[number - 1].strip()


@pytest.mark.parametrize("plan", right_plans(), ids=lambda plan: plan.name)
def test_a_plan_without_a_step_or_a_gate_is_still_a_yaml_file_without_that_alone(plan: Plan) -> None:
    """That a mutant is found must not be due to a file that can't be read at all."""
    ids = _ids(plan.text)
    for mutant in dropped.mutants(plan):
        assert _ids(mutant.text) == ids - set(mutant.what.removeprefix("without ").split("/")), mutant.what
    for mutant in gates.mutants(plan):
        assert _ids(mutant.text) <= ids, mutant.what


def _ids(text: str) -> set[str]:
    return {key.value.value for key in read(text) if (key.role, key.path[-1]) == ("step", "id")}


@pytest.mark.parametrize("plan", right_plans(), ids=lambda plan: plan.name)
def test_with_a_guard_the_same_irreversible_call_is_let_be(plan: Plan) -> None:
    for mutant in gates.mutants(plan):
        if mutant.what.startswith("unguarded "):
            text = gates.guarded(plan, mutant.what.removeprefix("unguarded "))
            assert text is not None
            assert [problem for problem in plan.problems(text) if problem.code not in NOT_YET] == []


def test_what_the_mutations_take_for_a_line_is_that_of_the_yaml_library() -> None:
    node = yaml.compose("a:\n  b: 1\n", Loader=yaml.CSafeLoader)
    inner = node.value[0][1].value[0][0]
    assert line_of("a:\n  b: 1\n", inner.start_mark.index) == inner.start_mark.line + 1 == 2
