"""Checks inputs that grow by chance: `python -m tests.fuzz.worker KIND FORM FIRST COUNT`. Ends at the first that fails.

Prints what it used of memory: `grown N bytes`.
"""

from __future__ import annotations

import resource
import shutil
import sys
from pathlib import Path

from tests.fuzz.checking import _folder, check
from tests.fuzz.growing import Chance, any_bytes, grown, signs


def made(kind: str, form: str, seed: int) -> bytes:
    """The input of this number."""
    choices = Chance((kind, form, seed))
    return grown(kind, choices) if form == "structures" else signs(choices) if form == "signs" else any_bytes(choices)


def run(kind: str, form: str, first: int, count: int) -> None:
    """Check them one after another; SystemExit with the input when one breaks a promise."""
    for seed in range(first, first + count):
        text = made(kind, form, seed)
        try:
            check(kind, text)
        except BaseException:
            print(f"{kind} {form} {seed}: {text!r}", file=sys.stderr, flush=True)
            raise


def _memory() -> int:
    """The most memory so far; ru_maxrss also counts the process that started this one."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used if sys.platform == "darwin" else used * 1024


if __name__ == "__main__":
    kind, form, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    run(kind, form, first, 50)
    before = _memory()
    try:
        run(kind, form, first, count)
    finally:
        shutil.rmtree(_folder(), ignore_errors=True)
    print(_memory() - before)
