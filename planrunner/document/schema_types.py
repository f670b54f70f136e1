"""From a JSON Schema to what it says of values, as a type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final
from urllib.parse import unquote

from planrunner.document.types import (
    ANY,
    GONE_THROUGH,
    KINDS,
    Inner,
    Shape,
    Type,
    meet,
    one_of,
    union,
)

_WIDE: Final = tuple(kind for kind in KINDS if kind != "integer")
_DEEP: Final = 64
"""Of what `$ref` leads to over so many others nothing is known."""
_SHAPING: Final = frozenset(("properties", "additionalProperties", "patternProperties", "items", "prefixItems"))
_REF_ALONE: Final = ("draft-04", "draft-06", "draft-07")
"""In these drafts nothing that stands beside a `$ref` counts."""


def of_schema(schema: Any, builtin: bool = False) -> Type:
    """The values that meet a JSON Schema, which may be wrong or meet itself in its `$ref`."""
    return _Root(schema, builtin).of(schema)


class _Root:
    """A whole schema, in which `$ref` leads from place to place. Every part of it is read once, and when asked for."""

    def __init__(self, schema: Any, builtin: bool) -> None:
        self.whole = schema
        self.builtin = builtin
        self.known: dict[int, Type] = {}
        self.depth = 0
        draft = str(schema.get("$schema", "")) if isinstance(schema, Mapping) else ""
        self.ref_alone = any(name in draft for name in _REF_ALONE)

    def of(self, schema: Any) -> Type:
        """The type of a part of the whole. One that is being read, in a circle, narrows nothing."""
        if not isinstance(schema, Mapping):
            return ANY
        if id(schema) not in self.known:
            if self.depth > _DEEP:
                return ANY
            self.depth += 1
            self.known[id(schema)] = ANY
            self.known[id(schema)] = reduce(meet, self._parts(schema))
            self.depth -= 1
        return self.known[id(schema)]

    def _parts(self, schema: Mapping[str, Any]) -> Iterator[Type]:
        """All that a value must be at once."""
        if "$ref" in schema:
            yield self._target(schema["$ref"])
            if self.ref_alone:
                return
        yield self._own(schema)
        for word in ("anyOf", "oneOf"):
            if isinstance(schema.get(word), list):
                yield union(*map(self.of, schema[word]))
        if isinstance(schema.get("allOf"), list):
            yield from map(self.of, schema["allOf"])

    def _own(self, schema: Mapping[str, Any]) -> Type:
        """What the words on kind, values and fields say."""
        kinds = schema.get("type")
        named = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else None
        told = ANY
        shaping = not schema.keys().isdisjoint(_SHAPING)
        if named is not None or shaping:
            inner = (_OfSchema(self, schema),) if shaping else ()
            kinds = [kind for kind in named or _WIDE if kind in KINDS]
            told = Type(tuple(self._shape(kind, inner if kind in GONE_THROUGH else ()) for kind in kinds))
        if "const" in schema:
            told = meet(told, one_of((schema["const"],)))
        if isinstance(schema.get("enum"), list):
            told = meet(told, one_of(schema["enum"]))
        return told

    def _shape(self, kind: str, inner: tuple[Inner, ...]) -> Shape:
        return Shape(kind, inner=inner, builtin=self.builtin)

    def _target(self, reference: Any) -> Type:
        """What a `$ref` leads to; anything, when it does not go down from the root key by key."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return ANY
        place: Any = self.whole
        for part in unquote(reference[1:]).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(place, list) and key.isdecimal() and int(key) < len(place):
                place = place[int(key)]
            else:
                place = place.get(key) if isinstance(place, Mapping) else None
            if isinstance(place, Mapping) and "$id" in place:
                return ANY
        return self.of(place) if reference[1:2] in ("", "/") else ANY


@dataclass(frozen=True, slots=True, eq=False)
class _OfSchema:
    """What a schema says of fields and items."""

    root: _Root
    schema: Mapping[str, Any]

    def field(self, name: str) -> Type | None:
        known = self.schema.get("properties")
        if isinstance(known, Mapping) and name in known:
            return self.root.of(known[name])
        other = self.schema.get("additionalProperties")
        if other is False and not self.schema.get("patternProperties"):
            return None
        return ANY if self.schema.get("patternProperties") else self.root.of(other)

    def names(self) -> tuple[str, ...]:
        known = self.schema.get("properties")
        return tuple(map(str, known)) if isinstance(known, Mapping) else ()

    def item(self) -> Type:
        return ANY if "prefixItems" in self.schema else self.root.of(self.schema.get("items"))

    def at(self, place: int) -> Type:
        before = self.schema.get("prefixItems")
        if isinstance(before, list) and 0 <= place < len(before):
            return self.root.of(before[place])
        return self.item()
