"""What is known of every check: why it is made, a file that breaks it, and the mend. Read when asked for, never before.

Each check has a page `rules/CODE.md` (with _ for -): name, level, reason, an example, what to do, the mended example.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from planrunner.document.problem import Level, Problem
from planrunner.document.rules import RULES

_READING = """
    unreadable not-a-plan too-large encoding control-character syntax tab-indent unquoted-template cut-off-by-comment
    duplicate-key key-not-text unknown-alias merge tag number second-document too-deep too-many-nodes too-many-problems
"""
_SHAPE = """
    unknown-key missing-key wrong-type wrong-value empty no-verb two-verbs template-not-here prompt-file
    subplan-file subplan-invalid subplan-cycle subplan-limit planned
"""

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "Reading the file": tuple(_READING.split()),
    "Keys and values": tuple(_SHAPE.split()),
    "What the plan means": tuple(RULES),
}
"""Every code that a problem can carry, by what is looked at. What the first two groups name is found on the way:
by the reader of YAML (`source`) and the walk over the shape (`shape`); the last has a rule for each."""

CODES: Final = tuple(code for codes in GROUPS.values() for code in codes)

_PAGE: Final = re.compile(
    r"# (?P<code>[a-z-]+): (?P<name>.+)\n\n"
    r"(?P<level>error|warning): (?P<why>.+)\n\n"
    r"```(?P<broken_kind>yaml|bytes|text)\n(?P<broken>(?:.*\n)+?)```\n\n"
    r"(?P<advice>.+)\n\n"
    r"```(?P<mended_kind>yaml|text)\n(?P<mended>(?:.*\n)+?)```\n"
)


@dataclass(frozen=True, slots=True)
class Example:
    """A plan as it is shown.

    kind  `yaml`: the very file; `bytes`: with some of its bytes as `\\xNN`; `text`: what a terminal shows, for what
          no short file can show
    """

    kind: str
    text: str

    @property
    def file(self) -> bytes | None:
        """The file itself; None for what a terminal shows."""
        if self.kind == "bytes":
            return self.text.encode("ascii").decode("unicode_escape").encode("latin-1")
        return self.text.encode() if self.kind == "yaml" else None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one check.

    code    the stable word that problems carry
    name    what is wrong, in a few words
    level   `error`: such a plan can't run; `warning`: it can
    why     the reason, one sentence
    broken  a file that breaks it
    advice  what to do
    mended  the same file, right
    """

    code: str
    name: str
    level: Level
    why: str
    broken: Example
    advice: str
    mended: Example


def facts(code: str) -> Facts | None:
    """What is known of the check with this code; None when there is none."""
    if code not in CODES:
        return None
    page = (Path(__file__).parent / "rules" / f"{code.replace('-', '_')}.md").read_text(encoding="utf-8")
    told = _PAGE.fullmatch(page)
    if told is None or told["code"] != code:
        raise ValueError(f"the page of {code!r} is not of the form that all pages have")
    return Facts(
        code,
        told["name"],
        "warning" if told["level"] == "warning" else "error",
        told["why"],
        Example(told["broken_kind"], told["broken"]),
        told["advice"],
        Example(told["mended_kind"], told["mended"]),
    )


def grouped() -> dict[str, list[Facts]]:
    """All that is known, by what is looked at."""
    known = {title: [facts(code) for code in codes] for title, codes in GROUPS.items()}
    return {title: [each for each in told if each is not None] for title, told in known.items()}


def found(told: Facts) -> tuple[Problem, ...]:
    """What the check says of its own broken example; empty where no short file shows it."""
    from planrunner.document.load import load_document

    file = told.broken.file
    if file is None:
        return ()
    problems = load_document(file, "plan.yml", path=None, root=".").problems
    return tuple(problem for problem in problems if problem.code == told.code)
