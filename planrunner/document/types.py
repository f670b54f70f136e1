"""What is known of a value before a run: a small algebra over JSON Schema.

A type is a union of shapes, each of one kind of JSON. It is always at least as wide as what can really come: a word of
JSON Schema that is not understood here narrows nothing, and where nothing is known the type is ANY.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any, Final, NamedTuple, Protocol

KINDS: Final = ("object", "array", "string", "number", "integer", "boolean", "null")
_MAX_SHAPES: Final = 24
_MAX_INNER: Final = 8


class Gap(NamedTuple):
    """Why a value may be null though no schema says so.

    step  the id of the step whose output it is; empty for `previous`
    why   in words
    """

    step: str
    why: str


SKIPPED: Final = "its step may be skipped"
NO_CASE: Final = "no case of the switch may give one"
NO_OUTPUT: Final = "what handles its error may give none"
UNREACHED: Final = "the run may end before its step"
FIRST_ROUND: Final = "there is none before the first round"


class Inner(Protocol):
    """What is known of what lies in an object or a list."""

    def field(self, name: str) -> Type | None:
        """The type under a key; None when no such key can be there."""
        ...

    def names(self) -> tuple[str, ...]:
        """The keys that are told of."""
        ...

    def item(self) -> Type:
        """The type of every item."""
        ...

    def at(self, place: int) -> Type:
        """The type of the item at this place."""
        ...


class Values(tuple[Any, ...]):
    """The only values of a shape, all of one kind."""

    @cached_property
    def known(self) -> frozenset[Any]:
        """The same, to look one up among very many."""
        return frozenset(self)


@dataclass(frozen=True, slots=True)
class Shape:
    """Values of one kind.

    values   the only ones it can be, as far as that is known
    inner    all that is known of what lies in it, all of which holds; nothing: anything may lie in it
    gap      of a null that no schema tells of
    builtin  it is known from a built-in tool, in whose place the Python caller may put another
    """

    kind: str
    values: Values | None = None
    inner: tuple[Inner, ...] = ()
    gap: Gap | None = None
    builtin: bool = False

    def field(self, name: str) -> Type | None:
        """The type under a key of the object; None when it can't be there."""
        if len(self.inner) == 1:
            return self.inner[0].field(name)
        found = [inner.field(name) for inner in self.inner]
        return None if None in found else reduce(meet, (each for each in found if each is not None), ANY)

    def has(self, value: Any) -> bool:
        """Whether a plain value can be of this shape, as far as its values are known."""
        values = _values(self)
        if values is None:
            return True
        return not isinstance(value, (dict, list)) and _is_one(value, self.kind) and value in values.known

    def item(self) -> Type:
        """The type of the items of the list."""
        if len(self.inner) == 1:
            return self.inner[0].item()
        return reduce(meet, (inner.item() for inner in self.inner), ANY)

    def at(self, place: int) -> Type:
        """The type of the item at this place of the list."""
        if len(self.inner) == 1:
            return self.inner[0].at(place)
        return reduce(meet, (inner.at(place) for inner in self.inner), ANY)


class Type(NamedTuple):
    """A union of shapes; without any, nothing is known."""

    shapes: tuple[Shape, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of JSON it can be; none when nothing is known."""
        return frozenset(shape.kind for shape in self.shapes)

    @property
    def builtin(self) -> bool:
        """Whether any of it is known from a built-in tool."""
        return any(shape.builtin for shape in self.shapes)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Why it may be null."""
        return tuple(shape.gap for shape in self.shapes if shape.gap is not None)

    @property
    def values(self) -> tuple[Any, ...] | None:
        """The only values it can have; None when they are not known one by one."""
        if not self.bounded:
            return None
        return tuple(value for shape in self.shapes for value in _values(shape) or ())

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that are known of its objects."""
        return tuple(dict.fromkeys(n for shape in self.shapes for inner in shape.inner for n in inner.names()))

    @property
    def bounded(self) -> bool:
        """Whether the only values it can have are known one by one."""
        return bool(self.shapes) and all(_values(shape) is not None for shape in self.shapes)

    def can_be(self, value: Any) -> bool:
        """Whether a `bounded` one can be this value."""
        return any(shape.has(value) for shape in self.shapes)

    def without(self, *gone: str) -> Type:
        """The same, and never of these kinds; ANY when nothing else is left."""
        return Type(tuple(shape for shape in self.shapes if shape.kind not in gone))

    def truthy(self) -> Type:
        """What of it can count as true."""
        kept = []
        for shape in self.without("null").shapes:
            values = _values(shape)
            if values is None:
                kept.append(shape)
            elif any(values):
                kept.append(replace(shape, values=Values(filter(None, values))))
        return Type(tuple(kept))

    def item(self) -> Type:
        """What is met when it is gone through: the items of lists, the keys of objects."""
        met = [TEXT if shape.kind == "object" else shape.item() for shape in self.shapes if shape.kind in GONE_THROUGH]
        return union(*met) if met else ANY


GONE_THROUGH: Final = ("object", "array")
ANY: Final = Type()


def of_kind(kind: str) -> Type:
    """Anything of one kind."""
    return Type((Shape(kind),))


TEXT: Final = of_kind("string")
BOOLEAN: Final = of_kind("boolean")
NULL: Final = of_kind("null")
OBJECT: Final = of_kind("object")
NUMBER: Final = of_kind("number")
WHOLE: Final = of_kind("integer")


def one_of(values: Iterable[Any]) -> Type:
    """One of these values; ANY without any."""
    by_kind: dict[str, list[Any]] = {}
    for value in values:
        by_kind.setdefault(kind_of(value), []).append(value)
    return Type(tuple(_of_values(kind, Values(each)) for kind, each in by_kind.items()))


def _of_values(kind: str, values: Values) -> Shape:
    """Of objects and lists only the kind is remembered."""
    return Shape(kind, None if kind in GONE_THROUGH else values)


def kind_of(value: Any) -> str:
    """The kind of JSON of a plain value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    kinds = ((str, "string"), (int, "integer"), (float, "number"), (Mapping, "object"))
    return next((kind for of, kind in kinds if isinstance(value, of)), "array")


def gap(step: str, why: str) -> Type:
    """Null, for that reason."""
    return Type((Shape("null", gap=Gap(step, why)),))


def made(fields: Mapping[str, Callable[[], Type]]) -> Type:
    """An object with these fields and no other."""
    return Type((Shape("object", inner=(_Made(fields),)),))


def list_of(item: Callable[[], Type]) -> Type:
    """A list of such items."""
    return Type((Shape("array", inner=(_ListOf(item),)),))


def pair(first: Callable[[], Type], second: Callable[[], Type]) -> Type:
    """A list of two."""
    return Type((Shape("array", inner=(_Pair(first, second),)),))


def union(*types: Type) -> Type:
    """One of them."""
    return types[0] if len(types) == 1 else one_of_all(types)


def one_of_all(types: Iterable[Type]) -> Type:
    """One of very many; they are gone through only as long as anything is known."""
    shapes: list[Shape] = []
    for each in types:
        shapes += [shape for shape in each.shapes if shape not in shapes]
        if not each.shapes or len(shapes) > _MAX_SHAPES:
            return ANY
    return Type(tuple(shapes))


def meet(left: Type, right: Type) -> Type:
    """Both at once."""
    if not left.shapes or not right.shapes:
        return left if left.shapes else right
    pairs = [_meet(one, other) for one in left.shapes for other in right.shapes]
    return union(*(Type((shape,)) for shape in pairs if shape is not None))


def _meet(left: Shape, right: Shape) -> Shape | None:
    if left.kind != right.kind:
        if {left.kind, right.kind} != {"integer", "number"}:
            return None
        left, right = replace(left, kind="integer"), replace(right, kind="integer")
    values = left.values if right.values is None else right.values
    if left.values is not None and right.values is not None:
        values = Values(value for value in left.values if right.has(value))
        if not values:
            return None
    inner = (*left.inner, *(each for each in right.inner if each not in left.inner))[:_MAX_INNER]
    return Shape(left.kind, values, inner, left.gap or right.gap, left.builtin or right.builtin)


def is_among(value: Any, values: Iterable[Any]) -> bool:
    """Whether the value is one of them, as in JSON: true is not 1."""
    return any(value == each and isinstance(value, bool) is isinstance(each, bool) for each in values)


def can_meet(left: Type, right: Type) -> bool:
    """Whether any value is of both, as far as is known without looking into objects and lists."""
    if not left.shapes or not right.shapes:
        return True
    return any(_overlaps(one, other) for one in left.shapes for other in right.shapes)


def _overlaps(left: Shape, right: Shape) -> bool:
    numbers = {"integer", "number"}
    if left.kind != right.kind and not {left.kind, right.kind} <= numbers:
        return False
    return left.values is None or right.values is None or any(map(right.has, left.values))


def _values(shape: Shape) -> Values | None:
    return _FEW.get(shape.kind) if shape.values is None else shape.values


_FEW: Final = {"boolean": Values((True, False)), "null": Values((None,))}
"""Kinds that have so few values that all are known."""


def _is_one(value: Any, kind: str) -> bool:
    """As in JSON, true is not 1."""
    return isinstance(value, bool) is (kind == "boolean")


class Looked(NamedTuple):
    """What stands under a key. `missing`: surely nothing, whatever the value is."""

    type: Type
    missing: bool = False


def look(whole: Type, key: str | int) -> Looked:
    """What stands under a key of an object, or at a place of a list or text. Of null nothing is said."""
    if len(whole.shapes) == 1 and whole.shapes[0].kind != "null":
        only = _under(whole.shapes[0], key)
        return _NOTHING if only is None else Looked(only)
    some = whole.without("null").shapes
    found = [each for each in (_under(shape, key) for shape in some) if each is not None]
    return Looked(union(*found)) if found else Looked(ANY, bool(some))


_NOTHING: Final = Looked(ANY, True)


def _under(shape: Shape, key: str | int) -> Type | None:
    if isinstance(key, str):
        return shape.field(key) if shape.kind == "object" else None
    if shape.kind == "array":
        return shape.at(key)
    return TEXT if shape.kind == "string" else None


@dataclass(frozen=True, eq=False, slots=True)
class _Made:
    """An object that the plan makes itself."""

    fields: Mapping[str, Callable[[], Type]]

    def field(self, name: str) -> Type | None:
        known = self.fields.get(name)
        return None if known is None else known()

    def names(self) -> tuple[str, ...]:
        return tuple(self.fields)

    def item(self) -> Type:
        return ANY

    def at(self, place: int) -> Type:
        return ANY


@dataclass(frozen=True, eq=False, slots=True)
class _ListOf:
    """A list that the plan makes itself."""

    of: Callable[[], Type]

    def field(self, name: str) -> Type | None:
        return ANY

    def names(self) -> tuple[str, ...]:
        return ()

    def item(self) -> Type:
        return self.of()

    def at(self, place: int) -> Type:
        return self.of()


@dataclass(frozen=True, eq=False, slots=True)
class _Pair:
    """A list of two."""

    first: Callable[[], Type]
    second: Callable[[], Type]

    def field(self, name: str) -> Type | None:
        return ANY

    def names(self) -> tuple[str, ...]:
        return ()

    def item(self) -> Type:
        return union(self.first(), self.second())

    def at(self, place: int) -> Type:
        return {0: self.first, -2: self.first, 1: self.second, -1: self.second}.get(place, lambda: ANY)()
