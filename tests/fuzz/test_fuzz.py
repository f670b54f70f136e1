"""Whatever a file holds, checking it ends in a plan or in problems: never an exception, a second, or 200 MB.

`pytest tests/fuzz --full` checks 1,000,000 inputs, spread over the processors.
"""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import PROJECT, Size
from tests.fuzz.checking import KINDS, check
from tests.fuzz.growing import grown

_MEMORY = 200 * 1024 * 1024
_SHARES = {"structures": 400_000, "signs": 200_000, "bytes": 100_000}
"""How many inputs of each form the full run checks that grow by chance; plans are half of them."""
_COVERAGE = {"bytes": 150_000, "structures": 100_000}
_HYPOTHESIS = 50_000


class Drawn:
    """Choices that hypothesis makes, and makes smaller when an input fails."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def below(self, end: int) -> int:
        return self._data.draw(st.integers(0, end - 1))


def _run(*command: object) -> str:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)], capture_output=True, text=True, errors="replace", env=environment
    )
    assert done.returncode == 0, (done.stderr or done.stdout)[-4000:]
    return done.stdout


def _work(job: tuple[str, str, int, int]) -> None:
    assert int(_run("tests.fuzz.worker", *job)) < _MEMORY


@pytest.mark.parametrize("form", _SHARES)
def test_inputs_that_grow_by_chance(form: str, size: Size) -> None:
    count = size(600, _SHARES[form])
    shares = {kind: count // 2 if kind == "plan" else count // 2 // (len(KINDS) - 1) for kind in KINDS}
    chunk = size(1000, 5000)
    jobs = [(k, form, first, min(chunk, n - first)) for k, n in shares.items() for first in range(0, n, chunk)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_work, jobs))


@pytest.mark.parametrize("kind", KINDS)
def test_structures_that_hypothesis_chooses(kind: str, size: Size) -> None:
    @settings(derandomize=True, max_examples=size(20, _HYPOTHESIS // 2 // len(KINDS)), deadline=None, database=None)
    @given(st.data())
    def run(data: Any) -> None:
        check(kind, grown(kind, Drawn(data)))

    run()


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_that_hypothesis_chooses(kind: str, size: Size) -> None:
    @settings(derandomize=True, max_examples=size(50, _HYPOTHESIS // 2 // len(KINDS)), deadline=None, database=None)
    @given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
    def run(text: bytes) -> None:
        check(kind, text)

    run()


def _seeds(form: str, folder: Path) -> None:
    """What the fuzzer begins with: the plans of the tests, or choices by chance."""
    files = sorted((PROJECT / "tests" / "plans").glob("*/*.yml"))
    for number, file in enumerate(files[:: 1 if form == "bytes" else 8]):
        content = file.read_bytes() if form == "bytes" else random.Random(number).randbytes(1500)
        (folder / str(number)).write_bytes(bytes([number % len(KINDS) if form == "structures" else 0]) + content)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="needs `pip install atheris`")
@pytest.mark.parametrize("form", _COVERAGE)
def test_inputs_that_reach_what_no_other_reached(form: str, size: Size, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    _seeds(form, seeds)
    runs = size(1000, _COVERAGE[form])
    options = ("-max_len=4096", "-rss_limit_mb=1024", "-timeout=300", "-seed=6", f"-artifact_prefix={tmp_path}/")
    _run("tests.fuzz.coverage", form, f"-runs={runs}", *options, seeds)
