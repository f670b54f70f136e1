"""A plan as a graph for Graphviz: `planrunner graph PLAN --format dot | dot -Tsvg`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from planrunner.plan import Plan
from planrunner.render.flow import DECISION, ERROR, HANDLED, NEXT, RUNS, Arrow, Box, Node, Part, flow_of
from planrunner.render.words import Style

_HEAD: Final = (
    "compound=true",
    'node [fontname="sans-serif", fontsize=11, shape=box]',
    'edge [fontname="sans-serif", fontsize=10]',
    'graph [fontname="sans-serif", fontsize=11, labeljust=l, style=rounded, color=gray]',
)
_ARROWS: Final = {NEXT: "", ERROR: "style=dashed", RUNS: "style=bold"}
_SHAPES: Final = {
    "tool": "shape=box",
    "set": "shape=box",
    "task": 'shape=box, style="rounded"',
    "clarify": "shape=hexagon",
    "plan": "shape=box, peripheries=2",
    "exit": "shape=oval",
    HANDLED: "shape=note",
    DECISION: "shape=diamond",
}
_CODES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})


def dot(plan: Plan, _style: Style) -> str:
    """A `digraph` named as the plan."""
    flow = flow_of(plan)
    boxes: dict[str, Box] = {}
    lines = [f"digraph {_text(flow.title)} {{", *(f"  {line};" for line in _HEAD)]
    for part in flow.parts:
        lines += _part(part, "  ", boxes)
    lines += (f"  {_arrow(arrow, boxes)};" for arrow in flow.arrows)
    return "\n".join((*lines, "}")) + "\n"


def _part(part: Part, indent: str, boxes: dict[str, Box]) -> Iterator[str]:
    if isinstance(part, Node):
        yield f"{indent}{part.key} [label={_label(part.lines)}, {_SHAPES[part.shape]}];"
        return
    boxes[part.key] = part
    yield f"{indent}subgraph cluster_{part.key} {{"
    yield f"{indent}  label={_label(part.lines)};"
    for inner in part.inner:
        yield from _part(inner, indent + "  ", boxes)
    yield f"{indent}}}"


def _arrow(arrow: Arrow, boxes: Mapping[str, Box]) -> str:
    """Arrows join nodes: one at a box is drawn to a node inside of it and cut at the box's border."""
    traits = [_ARROWS[arrow.kind]] if _ARROWS[arrow.kind] else []
    if arrow.label:
        traits.append(f"label={_text(arrow.label)}")
    if arrow.start in boxes:
        traits.append(f"ltail=cluster_{arrow.start}")
    if arrow.end in boxes:
        traits.append(f"lhead=cluster_{arrow.end}")
    told = f" [{', '.join(traits)}]" if traits else ""
    return f"{_node(arrow.start, boxes, -1)} -> {_node(arrow.end, boxes, 0)}{told}"


def _node(key: str, boxes: Mapping[str, Box], place: int) -> str:
    """The node itself, or the first (0) or last (-1) inside of a box."""
    while key in boxes:
        key = boxes[key].inner[place].key
    return key


def _label(lines: tuple[str, ...]) -> str:
    return '"' + "\\n".join(line.translate(_CODES) for line in lines) + '"'


def _text(text: str) -> str:
    return _label((text,))
