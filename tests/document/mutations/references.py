"""A typo in a reference.

Right line: that of the reference, within a text of several lines too. Where a name is misspelt at the place that
declares it, each line that names it, or the line of the declaration.

Which words are references: every name in an expression that the language gives (`steps`, `inputs.x`, `steps.x.output`,
`loop.index`, an item's name), every field of which a schema, an answer's form, or a value written in the plan says
that there are no others, every filter; and outside of expressions the names of steps, agents, tools, models, hooks,
sub-plans, prompt files, the data an agent sees, and the values that the language lists (effects, kinds of errors).

Equivalent, and left out: a typo that is again such a name; the code that `use` names, which checking never imports;
fields of values of which the plan says nothing; a declared name that nothing refers to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from planrunner.document.source import parse, plain
from tests.document.mutations.corpus import Plan
from tests.document.mutations.reading import Key, Mutant, changed, line_of, read
from tests.document.mutations.schemas import is_closed, schema_of
from tests.document.mutations.templates import Words, expressions, filters, paths
from tests.document.mutations.typos import misspelt, typos

_NAMED: Final = frozenset(
    (
        ("step", "agent"), ("step", "tool"), ("step", "plan"), ("step", "needs"), ("agent", "tools"),
        ("binding", "use"), ("match", "tool"), ("match", "step"), ("settings", "tools"), ("words", "file"),
        ("agent", "model"), ("defaults", "model"), ("agent", "sees"),
    )
)  # fmt: skip
_LISTED: Final = frozenset(
    (
        ("tool", "effect"), ("handler", "match"), ("words", "on"), ("words", "backoff"), ("exit", "state"),
        ("clarify", "type"), ("context", "end_user_id"), ("schema", "type"),
    )
)  # fmt: skip
_FIXED: Final = {"run": 1, "error": 1, "loop": 1, "context": 1, "inputs": 1, "steps": 2, "tool": 1, "step": 1}
"""First words of paths → so many words after it are given by the language, or declared in the plan."""


def mutants(plan: Plan) -> Iterator[Mutant]:
    """Each reference misspelt in each way."""
    keys = read(plan.text)
    data = plain(parse(plan.text.encode(), plan.name).root)
    names = _names(keys)
    for key in keys:
        place = _place(key)
        if isinstance(key.value, yaml.ScalarNode) and _is_known(place, key.value.value, data, plan):
            yield from misspelt(plan, f"{place[1]} of {place[0]}", key.value.start_mark.index, key.value.value, names)
    for expression in expressions(keys, plan.text):
        for start, name in filters(expression):
            yield from misspelt(plan, "filter", start, name, ("d", "e"))
        for path in paths(expression):
            yield from _of_path(plan, path, data, names)
    yield from _declarations(plan, keys)


def _place(key: Key) -> tuple[str, str]:
    """The role, and the key under which the value stands, alone or in a list."""
    return key.role, str(key.path[-1] if key.key is not None else key.path[-2])


def _is_known(place: tuple[str, str], word: str, data: Any, plan: Plan) -> bool:
    if place == ("binding", "use") or place in (("match", "tool"), ("match", "step"), ("settings", "tools")):
        return ":" not in word and not re.search(r"[*?\[]", word)
    if place[1] == "model":
        return word in data.get("models", {})
    if place == ("agent", "sees"):
        return word in ((data.get("context") or {}).get("additional_data") or {})
    if place == ("words", "file"):
        return plan.path is not None
    return place in _NAMED or (place in _LISTED and isinstance(word, str))


def _names(keys: list[Key]) -> frozenset[str]:
    """Every name and every value of the plan: a typo that is one of them may be right."""
    values = (key.value.value for key in keys if isinstance(key.value, yaml.ScalarNode))
    return frozenset((*values, *(key.word for key in keys if key.key is not None), "int", "item", "none"))


def _of_path(plan: Plan, path: Words, data: Any, names: frozenset[str]) -> Iterator[Mutant]:
    for number, word in enumerate(path.words):
        if _is_given(path, number, data):
            yield from misspelt(plan, f"word {number} of {path.words[0]}", path.at(number), word, names)


def _is_given(path: Words, number: int, data: Any) -> bool:
    """Whether the plan says which words there can be at this place of a path."""
    first = path.words[0]
    if number == 0:
        return first not in ("output", "args", "secrets") or path.key.role != "binding"
    if path.key.path[0] == "hooks" and first not in ("tool", "step", "run"):
        return False  # `output` and `args` are whatever the call has
    if number <= _FIXED.get(first, 0):
        return True
    if first == "steps" and number == 3 and path.words[2] == "error":
        return True
    return is_closed(schema_of(data, path.words[:number]))


def _declarations(plan: Plan, keys: list[Key]) -> Iterator[Mutant]:
    """Names misspelt where they are declared."""
    for key in keys:
        uses = list(_uses(plan, key, keys))
        node = key.value if key.role == "step" and key.word == "id" else key.key
        if uses and node is not None:
            start, word = node.start_mark.index, str(node.value)
            own = line_of(plan.text, start)
            for typo in typos(word):
                if typo and re.fullmatch(r"[a-z]\w*", typo) and typo not in _names(keys):
                    text = changed(plan.text, start, start + len(word), typo)
                    lines = tuple(frozenset((line_of(plan.text, use), own)) for use in uses)
                    yield Mutant(plan, f"declared {key.path[0]} {typo!r}", text, lines)


def _uses(plan: Plan, key: Key, keys: list[Key]) -> Iterator[int]:
    """Where in the text a name is used that this key declares."""
    match key.path:
        case ("inputs", name):
            yield from _in_paths(plan, keys, ("inputs", str(name)))
        case ("context", "additional_data", name):
            yield from _in_paths(plan, keys, ("context", "additional_data", str(name)))
        case ("agents", name):
            yield from _values(keys, {("step", "agent")}, str(name))
        case ("tools", name):
            yield from _values(keys, {("step", "tool"), ("agent", "tools")}, str(name))
        case ("models", name):
            yield from _values(keys, {("agent", "model"), ("defaults", "model")}, str(name))
        case (*_, "id") if key.role == "step" and isinstance(key.value, yaml.ScalarNode):
            yield from _values(keys, {("step", "needs")}, key.value.value)
            yield from _in_paths(plan, keys, ("steps", key.value.value))


def _values(keys: list[Key], places: set[tuple[str, str]], name: str) -> Iterator[int]:
    for key in keys:
        if _place(key) in places and isinstance(key.value, yaml.ScalarNode) and key.value.value == name:
            yield key.value.start_mark.index


def _in_paths(plan: Plan, keys: list[Key], beginning: tuple[str, ...]) -> Iterator[int]:
    for expression in expressions(keys, plan.text):
        for path in paths(expression):
            if path.words[: len(beginning)] == beginning:
                yield path.start
