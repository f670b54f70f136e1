"""Where schemas stand within a JSON Schema, and how much work it is to hold a value against them.

A few lines of `$ref` to `$ref` can spell out billions of schemas, and a schema that stands in itself twice doubles
its work with every level of a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

Path = tuple[str | int, ...]

MAX_SPELLED: Final = 20_000
"""So many schemas may a schema stand for, `$ref` spelled out."""
_MAX_DEPTH: Final = 200
"""So deep may they lie in each other, `$ref` followed."""
_VISITS: Final = 5_000
_VISITS_OF_ONE: Final = 10
"""So often may the schemas in a schema be held against the values in a value, if every mistake is to be told: so
often at all, and so often more for each of the values."""


def words(*lines: str) -> frozenset[str]:
    """The words of some lines."""
    return frozenset(" ".join(lines).split())


# What stands elsewhere (const, enum, default, examples) is data.
ONE: Final = words(
    "items additionalItems additionalProperties contains not if then else propertyNames unevaluatedItems",
    "unevaluatedProperties contentSchema",
)
MANY: Final = words("allOf anyOf oneOf prefixItems items")
NAMED: Final = words("properties patternProperties $defs definitions dependentSchemas dependencies")
_UNREAD: Final = ("$defs", "definitions")
"""What stands there counts only where a `$ref` leads to it."""
_SAME_VALUE: Final = words("allOf anyOf oneOf not if then else dependentSchemas dependencies")
"""Their schemas are for the very value that the schema around them is for."""


def subschemas(schema: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The schema and every schema within it, with their paths."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for inner, sub in _parts(schema):
        yield from subschemas(sub, (*path, *inner))


def _parts(schema: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The schemas that stand right in a schema."""
    for key, value in schema.items():
        if key in ONE and isinstance(value, dict):
            yield (key,), value
        elif key in MANY and isinstance(value, list):
            yield from (((key, index), item) for index, item in enumerate(value))
        elif key in NAMED and isinstance(value, dict):
            yield from (((key, name), item) for name, item in value.items())


def leads_to(whole: Any, reference: Any) -> Any:
    """What a `$ref` leads to that goes down from the root key by key; None for every other one."""
    if not isinstance(reference, str) or reference[:1] != "#" or reference[1:2] not in ("", "/"):
        return None
    place = whole
    for part in unquote(reference[1:]).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and key.isdecimal() and len(key) < 9 and int(key) < len(place):
            place = place[int(key)]
        else:
            place = place.get(key) if isinstance(place, Mapping) else None
    return place


def is_too_large(schema: Any) -> bool:
    """Whether a schema stands for more than MAX_SPELLED schemas. One that stands in itself counts once there."""
    return _Size(schema).of(schema, 0) > MAX_SPELLED


class _Size:
    """How many schemas the parts of one schema stand for, up to MAX_SPELLED and one."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self._known: dict[int, int] = {}

    def of(self, schema: Any, depth: int) -> int:
        if not isinstance(schema, Mapping):
            return 1
        if id(schema) not in self._known:
            if depth > _MAX_DEPTH:
                return MAX_SPELLED + 1
            self._known[id(schema)] = 1
            self._known[id(schema)] = self._sum(schema, depth)
        return self._known[id(schema)]

    def _sum(self, schema: Mapping[str, Any], depth: int) -> int:
        inner = [sub for path, sub in _parts(schema) if path[0] not in _UNREAD]
        total = 1
        for sub in (*inner, leads_to(self._whole, schema.get("$ref"))):
            total += 0 if sub is None else self.of(sub, depth + 1)
            if total > MAX_SPELLED:
                break
        return total


def can_tell(schema: Any, value: Any) -> bool:
    """Whether every mistake in the value can be told in bounded time: not where forms of forms multiply."""
    visits = _Visits(schema, _VISITS + _VISITS_OF_ONE * _count(value))
    visits.go(schema, value)
    return visits.left >= 0


def _count(value: Any) -> int:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count, inner))


class _Visits:
    """Counts how often schemas are held against values when every mistake is looked for."""

    def __init__(self, whole: Any, most: int) -> None:
        self._whole = whole
        self._open: set[tuple[int, int]] = set()
        self.left = most

    def go(self, schema: Any, value: Any) -> None:
        place = id(schema), id(value)
        if not isinstance(schema, Mapping) or place in self._open or self.left < 0:
            return
        self.left -= 1 if len(self._open) < _MAX_DEPTH else self.left + 1
        self._open.add(place)
        for sub, held in self._held(schema, value):
            self.go(sub, held)
        self._open.discard(place)

    def _held(self, schema: Mapping[str, Any], value: Any) -> Iterator[tuple[Any, Any]]:
        """What is held against what, in a schema that is held against a value."""
        yield leads_to(self._whole, schema.get("$ref", schema.get("$dynamicRef"))), value
        for path, sub in _parts(schema):
            word = path[0]
            if word in _SAME_VALUE:
                yield sub, value
            elif isinstance(value, Mapping):
                named = (value[path[1]],) if word == "properties" and path[1] in value else ()
                yield from ((sub, each) for each in (named if word in NAMED else value.values()))
            elif isinstance(value, list) and word not in NAMED:
                yield from ((sub, each) for each in value)
