"""Files that mean harm: small to make, and dear to read for whoever is not careful."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

_HEAD: Final = "planrunner: 1\nname: hostile\nsteps:\n"
_STEP: Final = "  - id: only\n    set: 1\n"
_MIB: Final = 1024 * 1024


def _alias_bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    return "\n".join(lines)


def _merge_bomb() -> str:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}], k{n}: *a{n - 1}}}" for n in range(1, 30)]
    return "\n".join(lines)


def _block_depth() -> str:
    return "".join(" " * (level % 400) + f"k{level}:\n" for level in range(400)) + "- " * 20_000


def _random_bytes() -> bytes:
    return random.Random(6).randbytes(_MIB)


def _chain(count: int) -> str:
    steps = [f"  - {{id: s{n}, needs: [s{n - 1}], set: 1}}\n" for n in range(1, count)]
    return (
        _HEAD
        + "  - {id: s0, set: 1}\n"
        + "".join(steps)
        + f"output: '{{{{ steps.s0.output }}}} {'x' * 20}'\nwrong: 1\n"
    )


def _shared(template: str) -> str:
    steps = "".join(f"  - {{id: s{n}, task: *it}}\n" for n in range(10_000))
    return f"x-it: &it '{template}'\n{_HEAD}{steps}"


def _ring(count: int) -> str:
    steps = [f"  - {{id: s{n}, needs: [s{(n + 1) % count}], set: 1}}\n" for n in range(count)]
    return _HEAD + "".join(steps)


HOSTILE: Final[dict[str, Callable[[], str | bytes]]] = {
    "alias bomb": _alias_bomb,
    "merge bomb": _merge_bomb,
    "flow depth 20,000": lambda: "[" * 20_000,
    "flow maps depth 20,000": lambda: "{a: " * 20_000,
    "block depth 20,000": lambda: "- " * 20_000,
    "block maps in depth": _block_depth,
    "question marks": lambda: "? " * 20_000,
    "random bytes": _random_bytes,
    "random text": lambda: _random_bytes().decode("latin-1"),
    "NUL": lambda: b"\0" * _MIB,
    "one key of 4 MiB": lambda: "k" * (4 * _MIB - 10) + ": 1\n",
    "one quoted text of 3 MiB": lambda: f"{_HEAD}  - {{id: a, set: '{'{{ ' * _MIB}'}}",
    "a long sum": lambda: f"{_HEAD}  - {{id: a, set: '{{{{ {'1 + ' * 200_000}x }}}}'}}",
    "brackets in a template": lambda: f"{_HEAD}  - {{id: a, set: '{{{{ {'(' * 100_000} }}}}'}}",
    "dots in a template": lambda: f"{_HEAD}  - {{id: a, set: '{{{{ a{'.b' * 100_000} }}}}'}}",
    "blocks in a template": lambda: f"{_HEAD}  - {{id: a, set: '{'{% if x %}' * 100_000}'}}",
    "unknown keys": lambda: _HEAD + _STEP + "".join(f"unknown{n}: 1\n" for n in range(60_000)),
    "the same key": lambda: "k: 1\n" * 60_000,
    "steps without verbs": lambda: _HEAD + "  - {id: a, taks: 1}\n" * 30_000,
    "unknown tools": lambda: _HEAD + "".join(f"  - {{id: s{n}, tool: t{n}}}\n" for n in range(30_000)) + "wrong: 1\n",
    "wrong schemas": lambda: "inputs:\n" + "".join(f"  i{n}: {{type: s{n}}}\n" for n in range(30_000)) + _HEAD + _STEP,
    "many templates": lambda: (
        _HEAD + "  - id: a\n    set:\n" + "".join(f"      - '{{{{ x{n} }}}}'\n" for n in range(100_000))
    ),
    "needs in a row": lambda: _chain(15_000),
    "needs in a ring": lambda: _ring(15_000),
    "one template in very many places": lambda: _shared("{{ run.id }}" * 2800),
    "one wrong template in very many places": lambda: _shared("{{ gone }}" * 2800),
    "one id": lambda: _HEAD + "  - {id: a, set: 1}\n" * 35_000,
    "anchors": lambda: "".join(f"- &a{n} x\n- *a{n}\n" for n in range(80_000)) + "- *b\n",
    "a long number": lambda: _HEAD + f"  - {{id: a, set: {'9' * _MIB}}}\n",
    "a long pattern": lambda: "inputs: {a: {pattern: '" + "(a+)+" * 50_000 + "'}}\n" + _HEAD + _STEP + "wrong: 1",
    "colons": lambda: ": " * _MIB,
    "percent signs": lambda: "%\n" * _MIB,
    "empty lines": lambda: "\n" * (3 * _MIB) + "a: [",
    "UTF-16": lambda: ("planrunner: 1\n" * 10_000).encode("utf-16"),
}
"""What it is → its text."""
