"""A plan as a flowchart for Mermaid, which Markdown shows in many places.

What a label holds is data: every character that Mermaid, Markdown or HTML could read as their own stands as a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from planrunner.plan import Plan
from planrunner.render.flow import DECISION, ERROR, HANDLED, NEXT, RUNS, Arrow, Box, Part, flow_of
from planrunner.render.words import Style

_ARROWS: Final = {NEXT: "-->", ERROR: "-.->", RUNS: "==>"}
_SHAPES: Final = {
    "tool": "[{}]",
    "set": "[{}]",
    "task": "({})",
    "clarify": "{{{{{}}}}}",
    "plan": "[[{}]]",
    "exit": "([{}])",
    HANDLED: "[{}]",
    DECISION: "{{{}}}",
}
# Letters and digits of any script, spaces, commas, and `.`, `-`, `_`, `/` between letters or digits mean nothing.
_TO_CODE: Final = re.compile(r"(?:(?<=[^\W_])[._/-](?=[^\W_])|[^\W_]|[ ,])+|(.)")


def mermaid(plan: Plan, _style: Style) -> str:
    """`flowchart TD`, with the plan's name as its title."""
    flow = flow_of(plan)
    lines = ["---", f'title: "{flow.title}"', "---", "flowchart TD"]
    for part in flow.parts:
        lines += _part(part, "    ")
    lines += (f"    {_arrow(arrow)}" for arrow in flow.arrows)
    return "\n".join(lines) + "\n"


def _part(part: Part, indent: str) -> Iterator[str]:
    if isinstance(part, Box):
        yield f"{indent}subgraph {part.key}[{_label(part.lines)}]"
        for inner in part.inner:
            yield from _part(inner, indent + "    ")
        yield f"{indent}end"
    else:
        yield f"{indent}{part.key}{_SHAPES[part.shape].format(_label(part.lines))}"


def _arrow(arrow: Arrow) -> str:
    label = f"|{_label((arrow.label,))}|" if arrow.label else ""
    return f"{arrow.start} {_ARROWS[arrow.kind]}{label} {arrow.end}"


def _label(lines: tuple[str, ...]) -> str:
    return f'"{"<br/>".join(map(_coded, lines))}"'


def _coded(text: str) -> str:
    return _TO_CODE.sub(lambda match: f"#{ord(match[1])};" if match[1] else match[0], text)
