"""What is wrong with a value, or with a schema, in planrunner's own words: short, however large what was found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from planrunner.jsonsafe import dumps
from planrunner.registry import hint
from planrunner.schema_parts import Path

TYPES: Final = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_DEMANDS: Final = {
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "exclusiveMinimum": "must be more than {limit}",
    "exclusiveMaximum": "must be less than {limit}",
    "minLength": "must have at least {limit} characters",
    "maxLength": "must have at most {limit} characters",
    "minItems": "must have at least {limit} items",
    "maxItems": "must have at most {limit} items",
    "minProperties": "must have at least {limit} entries",
    "maxProperties": "must have at most {limit} entries",
    "multipleOf": "must be a multiple of {multiple_of}",
    "pattern": "must match the pattern {pattern}",
    "format": "must be of the format {format!r}",
    "uniqueItems": "must not hold an item twice",
    "contains": "must hold items of the kind its schema asks for, as many as it says",
    "additionalItems": "must have at most {limit} items",
    "unevaluatedItems": "has more items than its schema allows",
    "not": "must not be what its schema excludes",
    "falseSchema": "may not be given",
}
_ONE: Final = {"characters": "character", "items": "item", "entries": "entry"}
_LONGEST: Final = 80
_LONGEST_NAME: Final = 60
_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """One mistake. `path` leads from the checked value (or schema) to it; `message` says what was expected there."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{path_text(self.path) or 'the value'}: {self.message}"


def path_text(path: Sequence[str | int]) -> str:
    """`items[3].price`."""
    return "".join(map(_path_part, path)).removeprefix(".")


def _path_part(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    short = _cut(part, _LONGEST_NAME)
    return f".{short}" if part.removeprefix("$").isidentifier() else f"[{short!r}]"


def shown(value: Any) -> str:
    """The value as JSON, cut to a length that fits a message."""
    return _cut(dumps(value), _LONGEST, "...")


def names_told(names: Collection[str]) -> str:
    """`a, b, c`, of very many the first: names from outside, which could be long or hold what steers a terminal."""
    short = (_cut(name, _LONGEST_NAME) for name in islice(names, _LISTED))
    return _some([name if name.isprintable() else repr(name) for name in short], len(names))


def told(error: Any, schema: Any = None) -> Iterator[SchemaProblem]:
    """One error of the validator in our words; an error about several names becomes one problem each."""
    path, name, said = tuple(error.instance_path), error.kind.name, error.kind.as_dict()
    if name in ("additionalProperties", "unevaluatedProperties"):
        known = _known_names(schema, error.schema_path[:-1])
        for extra in said["unexpected"]:
            guess = hint(extra, [each for each in known if each not in error.instance])
            takes = f"; known here: {names_told(known)}" if known and not guess else ""
            yield SchemaProblem((*path, extra), f"is not a known name{guess or takes}")
    elif name == "propertyNames":
        inner = next(told(said["error"]))
        yield SchemaProblem((*path, str(said["error"].instance)), f"its name {inner.message}")
    elif name == "required":
        yield SchemaProblem((*path, said["property"]), "is missing")
    else:
        yield SchemaProblem(path, _sentence(name, said, error))


def _known_names(schema: Any, path: Sequence[str | int]) -> list[str]:
    """The names that the object schema at the path declares; none when the path leads elsewhere (through a `$ref`)."""
    for key in path:
        if not isinstance(schema, dict) or key not in schema:
            return []
        schema = schema[key]
    return list(schema.get("properties", ())) if isinstance(schema, dict) else []


def _sentence(name: str, said: dict[str, Any], error: Any) -> str:
    value = error.instance
    if name == "type":
        return f"must be {_types(said['types'])}, is {_kind(value)}"
    if name == "enum":
        return f"{_one_of(said['options'])}, is {shown(value)}{_option_meant(value, said['options'])}"
    if name == "const":
        return f"must be {shown(said['expected_value'])}, is {shown(value)}"
    if name in ("anyOf", "oneOf") and said.get("context"):
        return _forms(error, said["context"])
    if name in _DEMANDS:
        return f"{_demand(name, said)}, is {shown(value)}"
    return _cut(str(error.message), 2 * _LONGEST)


def _demand(name: str, said: dict[str, Any]) -> str:
    """What a keyword demands: of one thing in the singular, and of a pattern no more than fits."""
    if name == "pattern":
        said = {"pattern": names_told([said["pattern"]])}
    words = _DEMANDS[name].format(**said)
    many = words.rpartition(" ")[2]
    return words.removesuffix(many) + _ONE[many] if said.get("limit") == 1 and many in _ONE else words


def _one_of(options: Sequence[Any]) -> str:
    if not options:
        return "may not be given: its schema lists no value"
    told_of = _some([shown(each) for each in options[:_LISTED]], len(options))
    return f"must be one of {told_of}" if len(options) > 1 else f"must be {told_of}"


def _option_meant(value: Any, options: Sequence[Any]) -> str:
    return hint(value, [each for each in options if isinstance(each, str)]) if isinstance(value, str) else ""


def _types(types: Sequence[str]) -> str:
    return " or ".join(TYPES.get(each, each) for each in types)


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return shown(value)
    kind = {str: "the string", int: "the number", float: "the number", list: "the list"}.get(type(value), "the object")
    return f"{kind} {shown(value)}"


def _forms(error: Any, context: Sequence[Sequence[Any]]) -> str:
    """None of several forms: their types when that is all there is to say, else the first complaint of each."""
    firsts = [branch[0] for branch in context if branch]
    if not firsts:
        return "fits more than one of the forms of which it must have exactly one"
    if all(first.kind.name == "type" and first.instance_path == error.instance_path for first in firsts):
        types = [each for first in firsts for each in first.kind.as_dict()["types"]]
        return f"must be {_types(types)}, is {_kind(error.instance)}"
    complaints = dict.fromkeys(_complaint(first, len(error.instance_path)) for first in firsts)
    return f"fits none of the forms it may have: {' · '.join(complaints)}"


def _complaint(error: Any, depth: int) -> str:
    problem = next(told(error))
    inner = path_text(problem.path[depth:])
    return f"{inner} {problem.message}" if inner else problem.message


def _some(shown_ones: Sequence[str], count: int) -> str:
    more = f" and {count - len(shown_ones):,} more" if count > len(shown_ones) else ""
    return ", ".join(shown_ones) + more


def _cut(text: str, longest: int, end: str = "…") -> str:
    return text if len(text) <= longest else text[: longest - len(end)] + end
