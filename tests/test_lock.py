"""The lock is whole, and trusts nobody."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; [^\\]+)? \\$")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def pins() -> dict[str, str]:
    return {match[1]: match[2] for match in map(_PIN.match, LOCK.splitlines()) if match}


def test_every_line_is_a_pin_or_a_hash() -> None:
    wrong = [line for line in LOCK.splitlines() if not _PIN.match(line) and not _HASH.match(line)]
    assert wrong == []


def test_every_package_has_a_hash() -> None:
    lines = LOCK.splitlines()
    for place, line in enumerate(lines):
        if _PIN.match(line):
            assert _HASH.match(lines[place + 1]), line


def test_no_host_is_named() -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host|@", LOCK)


def declared() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    names = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in wanted)
    return sorted({re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name} - {"planrunner"})


@pytest.mark.parametrize("name", declared())
def test_what_the_project_needs_is_locked(name: str) -> None:
    assert name in pins()


def test_the_stolen_versions_of_litellm_are_not_locked() -> None:
    assert pins()["litellm"] not in ("1.82.7", "1.82.8")
