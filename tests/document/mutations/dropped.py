"""A step left out.

Right line: of each reference to it, or to a step inside of it, that stays: `steps.ID` in an expression, `needs`, a
hook's `match.step`. Of the only step of a list: the line of the list's key.

Equivalent, and left out: a step that nothing refers to. What stays is a right plan that does less. A step that marks a
value with an anchor is left out as well: without it the file is no YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import yaml

from tests.document.mutations.corpus import Plan
from tests.document.mutations.reading import Key, Mutant, changed, line_of, read
from tests.document.mutations.templates import expressions, paths

_ANCHOR: Final = re.compile(r"[:-] &\w")


def mutants(plan: Plan) -> Iterator[Mutant]:
    """The plan without each of its steps."""
    keys = read(plan.text)
    for key in keys:
        if key.role == "steps":
            whole = next(each for each in keys if each.path == key.path[:-1])
            yield from _without(plan, key, whole, keys)


def _without(plan: Plan, step: Key, whole: Key, keys: list[Key]) -> Iterator[Mutant]:
    start, end = span(plan.text, whole.value, int(step.path[-1]))
    text = changed(plan.text, start, end, "")
    gone = {key.value.value for key in keys if key.path[: len(step.path)] == step.path and _is_id(key)}
    used = [at for at in references(plan.text, keys, gone) if not start <= at < end]
    if len(whole.value.value) == 1 and whole.key is not None:
        used.append(whole.key.start_mark.index)
    if used and not _ANCHOR.search(plan.text, start, end):
        lines = tuple(frozenset((line_of(text, at if at < start else at - (end - start)),)) for at in used)
        yield Mutant(plan, f"without {'/'.join(sorted(gone))}", text, lines)


def _is_id(key: Key) -> bool:
    return key.role == "step" and key.path[-1] == "id" and isinstance(key.value, yaml.ScalarNode)


def references(text: str, keys: list[Key], ids: set[str]) -> Iterator[int]:
    """Where in the text steps with these ids are named."""
    for key in keys:
        place = (key.role, key.path[-1] if key.key is not None else key.path[-2])
        named = place in (("step", "needs"), ("match", "step"))
        if named and isinstance(key.value, yaml.ScalarNode) and key.value.value in ids:
            yield key.value.start_mark.index
    for expression in expressions(keys, text):
        for path in paths(expression):
            if path.words[0] == "steps" and len(path.words) > 1 and path.words[1] in ids:
                yield path.start


def span(text: str, items: yaml.SequenceNode, number: int) -> tuple[int, int]:
    """From where to where in the text an item of a list stands, its dash or comma included."""
    item = items.value[number]
    start, end = item.start_mark.index, item.end_mark.index
    if items.flow_style:
        after = text.find(",", end) if number + 1 < len(items.value) else -1
        before = text.rfind(",", 0, start) if number else -1
        return (start, after + 1) if after >= 0 else (before if before >= 0 else start, end)
    begins = text.rfind("\n", 0, start) + 1
    if number + 1 < len(items.value):
        return begins, text.rfind("\n", 0, items.value[number + 1].start_mark.index) + 1
    ends = text.find("\n", end) + 1 if item.flow_style or isinstance(item, yaml.ScalarNode) else end
    return begins, max(text.rfind("\n", 0, ends) + 1, begins) if ends < len(text) and ends else len(text)
