"""What is known of the checks: one for people who met its code, all of them as a list or as a page of the docs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from planrunner.document.facts import Example, Facts, found
from planrunner.render import json
from planrunner.render import text as for_people
from planrunner.render.checked import Checked
from planrunner.render.words import Style, pad, width

Groups = Mapping[str, Sequence[Facts]]
"""What is looked at → the checks of it."""

_PAGE = """\
# Checks

<!-- Written by the tool: planrunner explain --format markdown > docs/reference/checks.md -->

What `planrunner validate` finds in a plan, and `run` before anything runs. A problem ends in the code of its check, and
`planrunner explain CODE` tells what stands here. A plan with an error can't run; a warning leaves it as it is, and with
`validate --strict` counts as an error.
"""


def text(told: Facts, style: Style) -> str:
    """Name and reason, the example with what `validate` prints of it, what to do, the mended example."""
    head = f"{style(told.code, 'bold')} ({_level(told, style)}): {told.name}\n\n{told.why}\n"
    said = for_people.problems_of(_checked(told), style)
    broken = f"{_indented(told.broken.text)}{_indented(said)}"
    return f"{head}\n{broken}{told.advice}\n\n{_indented(told.mended.text)}".rstrip("\n") + "\n"


def text_list(groups: Groups, style: Style) -> str:
    """Code, level and name of each, by what is looked at."""
    longest = max(width(told.code) for checks in groups.values() for told in checks)
    parts = []
    for title, checks in groups.items():
        lines = [f"  {pad(told.code, longest)}  {_level(told, style, 7)}  {told.name}\n" for told in checks]
        parts.append(f"{style(title, 'bold')}\n{''.join(lines)}")
    return "\n".join(parts)


def json_one(told: Facts, _style: Style) -> str:
    """`{code, name, level, why, broken, problems: [{file, line, column, code, message, level}], advice, mended}`."""
    return json.text({**_plain(told), "problems": [asdict(problem) for problem in found(told)]})


def json_list(groups: Groups, _style: Style) -> str:
    """A list of `{code, name, level, why, broken, advice, mended}`."""
    return json.text([_plain(told) for checks in groups.values() for told in checks])


def markdown(told: Facts, _style: Style) -> str:
    """The section of the docs about this one."""
    said = "".join(f"plan.yml:{problem.line}:{problem.column}: {_said(problem)}\n" for problem in found(told))
    told_of_it = f"```text\n{said}```\n\n" if said else ""
    return (
        f"### {told.code}\n\n{told.level.capitalize()}: {told.name}.\n{told.why}\n\n"
        f"{_fenced(told.broken)}{told_of_it}{told.advice}\n\n{_fenced(told.mended)}"
    )


def markdown_page(groups: Groups, style: Style) -> str:
    """The page `docs/reference/checks.md`."""
    parts = [_PAGE]
    for title, checks in groups.items():
        parts.append(f"## {title}\n\n| code | level | what is wrong |\n|---|---|---|\n{''.join(_rows(checks))}\n")
        parts += [markdown(told, style) for told in checks]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _rows(checks: Sequence[Facts]) -> Iterator[str]:
    for told in checks:
        yield f"| [{told.code}](#{told.code}) | {told.level} | {told.name} |\n"


def _level(told: Facts, style: Style, columns: int = 0) -> str:
    return style(pad(told.level, columns), "red" if told.level == "error" else "yellow")


def _checked(told: Facts) -> Checked:
    lines = (told.broken.file or b"").decode("utf-8", "replace").split("\n")
    return Checked("plan.yml", found(told), lines)


def _indented(block: str) -> str:
    """A block that stands by itself, an empty line below it; nothing for no block."""
    return "".join(f"    {line}\n" for line in block.splitlines()) + ("\n" if block else "")


def _said(problem: Any) -> str:
    return f"{problem.level}: {problem.message} [{problem.code}]"


def _fenced(example: Example) -> str:
    return f"```{'yaml' if example.kind == 'yaml' else 'text'}\n{example.text}```\n\n"


def _plain(told: Facts) -> dict[str, str]:
    return {**asdict(told), "broken": told.broken.text, "mended": told.mended.text}
