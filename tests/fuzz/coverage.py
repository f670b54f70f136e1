"""Lets atheris look for inputs that reach code no other input has reached: `python -m tests.fuzz.coverage FORM`.

FORM is `bytes` (the first byte says the kind of file, the others are the file) or `structures` (the bytes are the
choices by which a file grows). What follows goes to libFuzzer: `-runs=100000 -max_len=4096 FOLDER`.

Needs `pip install atheris` (Linux, Python 3.11 to 3.13, 35 MB); it stands in no lock, and without it the test that
runs this is skipped.
"""

from __future__ import annotations

import resource
import sys

import atheris

with atheris.instrument_imports(include=["planrunner.document", "planrunner.template", "planrunner.render"]):
    from tests.fuzz.checking import KINDS, check
    from tests.fuzz.growing import grown


class Given:
    """Choices that the fuzzer makes."""

    def __init__(self, data: bytes) -> None:
        self._data = atheris.FuzzedDataProvider(data)

    def below(self, end: int) -> int:
        return int(self._data.ConsumeIntInRange(0, end - 1))


def of_bytes(data: bytes) -> None:
    """One input, as it is."""
    if data:
        check(KINDS[data[0] % len(KINDS)], data[1:])


def of_structures(data: bytes) -> None:
    """One input that grows by what the bytes choose."""
    if data:
        kind = KINDS[data[0] % len(KINDS)]
        check(kind, grown(kind, Given(data[1:])))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    form = {"bytes": of_bytes, "structures": of_structures}[sys.argv.pop(1)]
    atheris.Setup(sys.argv, form)
    atheris.Fuzz()
