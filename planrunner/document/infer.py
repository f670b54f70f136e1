"""What an expression gives and what a template reads, by the types of the names in it.

It follows `template.evaluate`: what fails there for every value that can come is told here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

from planrunner.document.complaints import Finding, called, may_be_null, no_field, not_among
from planrunner.document.filtered import attribute_of, gives, parts_of
from planrunner.document.types import (
    ANY,
    BOOLEAN,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    WHOLE,
    Gap,
    Type,
    list_of,
    look,
    made,
    one_of,
    union,
)
from planrunner.template.names import path_of
from planrunner.template.rules import start
from planrunner.template.syntax import CONSTANTS, Node, children, walk

Path = tuple[str | int, ...]
Assumed = tuple[tuple[Node, bool], ...]
"""Conditions, and whether they came out true."""

_DEFAULTS: Final = ("default", "d")
_NUMBERS: Final = ("Neg", "Pos", "Sub", "Div", "FloorDiv", "Mod", "Pow")


class Names(Protocol):
    """What a template finds at its place."""

    def resolve(self, name: str, keys: list[str | int]) -> tuple[Type, int]:
        """The type at the beginning of a path, and how many of the keys lead there."""
        ...

    def is_sure(self, path: Path, gap: Gap, assumed: Assumed) -> bool:
        """Whether what stands at the path is surely not null for that reason."""
        ...


class View(NamedTuple):
    """How far the walk has come.

    local      types of the names that the template binds itself; grows as `set` binds more
    assumed    what the conditions around this part say
    forgiving  what is missing does no harm here
    sometimes  this part may be passed over
    """

    local: dict[str, Type]
    assumed: Assumed = ()
    forgiving: bool = False
    sometimes: bool = False

    def inner(self, **bound: Type) -> View:
        """A scope within, with more names."""
        return self._replace(local={**self.local, **bound})

    def when(self, condition: Node, truth: bool) -> View:
        """The same, where a condition came out so."""
        return self._replace(assumed=(*self.assumed, (condition, truth)))


class Inference:
    """One walk over a text; `findings` grows."""

    def __init__(self, text: str, names: Names) -> None:
        self.text = text
        self.names = names
        self.findings: list[Finding] = []
        self._doubted: set[Path] = set()

    def of(self, node: Node, view: View) -> Type:
        """The type of an expression."""
        kind = type(node).__name__
        if kind in ("Name", "Getattr", "Getitem"):
            return self._path(node, view)
        if kind in _NUMBERS:
            self._all(children(node), view)
            return NUMBER
        work = _EXPRESSIONS.get(kind)
        if work is not None:
            return work(self, node, view)
        self._all(children(node), view)
        return ANY

    def body(self, nodes: Iterable[Node], view: View) -> None:
        """The statements of a template, one after another."""
        for node in nodes:
            work = _STATEMENTS.get(type(node).__name__)
            if work is not None:
                work(self, node, view)
            else:
                self.of(node, view)

    def _all(self, nodes: Iterable[Node], view: View) -> None:
        for node in nodes:
            self.of(node, view)

    def _path(self, node: Node, view: View) -> Type:
        path = path_of(node)
        if path is None:
            return self._subscript(node, view)
        name, keys = path[0].name, path[1]
        if name in CONSTANTS and not keys:
            return one_of((CONSTANTS[name],))
        whole, known = (view.local[name], 0) if name in view.local else self.names.resolve(name, keys)
        chain = _chain(node)
        for place in range(known, len(keys)):
            whole = self._under(whole, (name, *keys[:place]), keys[place], chain[place], view)
        return whole

    def _subscript(self, node: Node, view: View) -> Type:
        """A key of what is no plain path, or a key that is worked out."""
        whole = self.of(node.node, view)
        if type(node).__name__ == "Getattr":
            return self._under(whole, (), node.attr, node, view)
        kind = type(node.arg).__name__
        if kind == "Const" and isinstance(node.arg.value, (str, int)):
            return self._under(whole, (), node.arg.value, node, view)
        self._all(children(node.arg) if kind == "Slice" else (node.arg,), view)
        if kind == "Slice":
            return whole if whole.kinds == {"array"} else TEXT if whole.kinds == {"string"} else ANY
        return whole.item() if whole.kinds == {"array"} else ANY

    def _under(self, whole: Type, path: Path, key: str | int, node: Node, view: View) -> Type:
        self._doubt(whole, path, node, view)
        looked = look(whole, key)
        if looked.missing:
            self.findings.append(no_field(whole, path, key, _offset_of(self.text, node, key)))
        return looked.type

    def _doubt(self, whole: Type, path: Path, node: Node, view: View) -> None:
        """Whether null is read like an object."""
        if view.forgiving or not path or path in self._doubted:
            return
        gaps = [gap for gap in whole.gaps if not self.names.is_sure(path, gap, view.assumed)]
        if gaps:
            self._doubted.add(path)
            self.findings.append(may_be_null(path, gaps[0], start(node)))

    def _filter(self, node: Node, view: View) -> Type:
        forgiving = node.name in _DEFAULTS
        given = ANY if node.node is None else self.of(node.node, view._replace(forgiving=view.forgiving or forgiving))
        args = [self.of(each, view) for each in (*node.args, *(each.value for each in node.kwargs))]
        if forgiving:
            some = given.without("null")
            return union(some, args[0] if args else TEXT) if given.shapes else ANY
        picked = self._picked(node, given)
        return self._mapped(node, given, picked, args) if node.name == "map" else gives(node.name, given, bool(args))

    def _picked(self, node: Node, given: Type) -> Type:
        """What stands in each item under the attribute that a filter names."""
        named, whole = attribute_of(node), given.item()
        if named is None:
            return ANY
        path = path_of(node.node)
        name = called((path[0].name, *path[1]) if path else ())
        told, offset = "an item of " + name, int(named.lineno)
        for part in parts_of(named.value):
            looked = look(whole, part)
            offset = max(self.text.find(str(part), offset), offset)
            if looked.missing:
                self.findings.append(no_field(whole, (), part, offset, told))
                return ANY
            whole, told = looked.type, f"{f'item {part}' if isinstance(part, int) else repr(part)} of {told}"
        return whole

    def _mapped(self, node: Node, given: Type, picked: Type, args: list[Type]) -> Type:
        """The list that `map` makes, of an attribute or by another filter."""
        if node.args:
            name = getattr(node.args[0], "value", None)
            of = gives(name, given.item(), len(args) > 1) if isinstance(name, str) else ANY
            return list_of(partial(_itself, of))
        default = [told for told, each in zip(args, node.kwargs, strict=True) if each.key == "default"]
        if default and picked.shapes:
            picked = union(picked.without("null"), *default)
        return list_of(partial(_itself, picked))

    def _test(self, node: Node, view: View) -> Type:
        forgiving = view.forgiving or node.name in ("defined", "undefined")
        self.of(node.node, view._replace(forgiving=forgiving))
        self._all(node.args, view)
        return BOOLEAN

    def _compare(self, node: Node, view: View) -> Type:
        left, told = node.expr, self.of(node.expr, view)
        for operand in node.ops:
            right = self.of(operand.expr, view)
            self._compared(operand.op, left, told, operand.expr, right)
            left, told = operand.expr, right
        return BOOLEAN

    def _compared(self, sign: str, left: Node, told: Type, right: Node, other: Type) -> None:
        if sign in ("eq", "ne"):
            self._among(left, other, right)
            self._among(right, told, left)
        elif sign in ("in", "notin"):
            if type(right).__name__ in ("List", "Tuple"):
                for item in right.items:
                    self._among(item, told, left)
            elif other.kinds == {"array"}:
                self._among(left, other.item(), right, "an item of ")

    def _among(self, constant: Node, told: Type, of: Node, part: str = "") -> None:
        """Whether a value that is written out can be one of those that it is compared with."""
        if type(constant).__name__ != "Const" or constant.value is None or type(of).__name__ == "Const":
            return
        if told.bounded and not told.can_be(constant.value):
            path = path_of(of)
            what = part + called((path[0].name, *path[1]) if path else ())
            self.findings.append(not_among(what, constant.value, told, constant.lineno))

    def _and(self, node: Node, view: View) -> Type:
        left = self.of(node.left, view)
        right = self.of(node.right, view.when(node.left, True)._replace(sometimes=True))
        return BOOLEAN if left.kinds == right.kinds == {"boolean"} else union(left, right)

    def _or(self, node: Node, view: View) -> Type:
        left = self.of(node.left, view)
        right = self.of(node.right, view.when(node.left, False)._replace(sometimes=True))
        return union(left.truthy(), right) if left.truthy().shapes else ANY if not left.shapes else right

    def _not(self, node: Node, view: View) -> Type:
        self.of(node.node, view)
        return BOOLEAN

    def _condition(self, node: Node, view: View) -> Type:
        self.of(node.test, view)
        return union(self.of(node.expr1, view.when(node.test, True)), self.of(node.expr2, view.when(node.test, False)))

    def _constant(self, node: Node, view: View) -> Type:
        return one_of((node.value,))

    def _text(self, node: Node, view: View) -> Type:
        self._all(node.nodes, view)
        return TEXT

    def _list(self, node: Node, view: View) -> Type:
        items = union(*(self.of(item, view) for item in node.items)) if node.items else ANY
        return list_of(lambda: items)

    def _object(self, node: Node, view: View) -> Type:
        fields: dict[Any, Type] = {}
        for pair in node.items:
            keys, value = self.of(pair.key, view).values, self.of(pair.value, view)
            fields[keys[0] if keys and len(keys) == 1 else None] = value
        if None in fields:
            return OBJECT
        return made({str(key): partial(_itself, value) for key, value in fields.items()})

    def _range(self, node: Node, view: View) -> Type:
        self._all(node.args, view)
        return list_of(lambda: WHOLE)

    def _output(self, node: Node, view: View) -> None:
        self._all(node.nodes, view)

    def _if(self, node: Node, view: View) -> None:
        self.of(node.test, view)
        taken = view.when(node.test, True)._replace(sometimes=True)
        passed = view.when(node.test, False)._replace(sometimes=True)
        self.body(node.body, taken)
        for other in node.elif_:
            self.of(other.test, passed)
            self.body(other.body, passed.when(other.test, True))
            passed = passed.when(other.test, False)
        self.body(node.else_, passed)

    def _for(self, node: Node, view: View) -> None:
        items = self.of(node.iter, view).item()
        inner = view.inner(**_bound(node.target, items), loop=_loop(items))
        if node.test is not None:
            self.of(node.test, inner)
            inner = inner.when(node.test, True)
        self.body(node.body, inner._replace(sometimes=False))
        self.body(node.else_, view.inner())

    def _assign(self, node: Node, view: View) -> None:
        value = self.of(node.node, view)
        if type(node.target).__name__ == "Name" and not view.sometimes:
            view.local[node.target.name] = value
        else:
            view.local.update(_unknown(node.target))

    def _assign_block(self, node: Node, view: View) -> None:
        self.body(node.body, view.inner())
        view.local.update(_unknown(node.target))

    def _with(self, node: Node, view: View) -> None:
        types = [self.of(value, view) for value in node.values]
        inner = view.inner()._replace(sometimes=False)
        for target, found in zip(node.targets, types, strict=True):
            inner.local.update(_bound(target, found))
        self.body(node.body, inner)

    def _filter_block(self, node: Node, view: View) -> None:
        self._all((*node.filter.args, *(each.value for each in node.filter.kwargs)), view)
        self.body(node.body, view.inner()._replace(sometimes=False))


def _itself(value: Type) -> Type:
    return value


def _bound(target: Node, whole: Type) -> dict[str, Type]:
    """The names that a target binds, and what each of them then is."""
    if type(target).__name__ == "Name":
        return {target.name: whole}
    parts = enumerate(target.items)
    return {each.name: look(whole, place).type for place, each in parts if type(each).__name__ == "Name"}


def _loop(items: Type) -> Type:
    """What `loop` is in a `for`. See `template.statements`."""
    beside = union(items, NULL) if items.shapes else ANY
    types = {
        **dict.fromkeys(("index", "index0", "revindex", "revindex0", "length"), WHOLE),
        **dict.fromkeys(("first", "last"), BOOLEAN),
        **dict.fromkeys(("previtem", "nextitem"), beside),
    }
    return made({name: partial(_itself, told) for name, told in types.items()})


def _unknown(target: Node) -> dict[str, Type]:
    """The names that a target binds, of which nothing is known."""
    return {node.name: ANY for node in walk(target) if type(node).__name__ == "Name"}


def _chain(node: Node) -> list[Node]:
    """The dots and brackets of a path, from its first name on."""
    found = []
    while type(node).__name__ != "Name":
        found.append(node)
        node = node.node
    return found[::-1]


def _offset_of(text: str, node: Node, key: str | int) -> int:
    """Where a key stands: after its dot, or in its bracket. (Jinja places a node at the dot or bracket.)"""
    if type(node).__name__ == "Getitem":
        return int(node.arg.lineno)
    offset: int = node.lineno
    return max(text.find(str(key), offset + 1), offset)


_EXPRESSIONS: Final[dict[str, Callable[[Inference, Node, View], Type]]] = {
    "And": Inference._and,
    "Call": Inference._range,
    "Compare": Inference._compare,
    "Concat": Inference._text,
    "CondExpr": Inference._condition,
    "Const": Inference._constant,
    "Dict": Inference._object,
    "Filter": Inference._filter,
    "List": Inference._list,
    "Not": Inference._not,
    "Or": Inference._or,
    "Test": Inference._test,
    "Tuple": Inference._list,
}
_STATEMENTS: Final[dict[str, Callable[[Inference, Node, View], None]]] = {
    "Assign": Inference._assign,
    "AssignBlock": Inference._assign_block,
    "FilterBlock": Inference._filter_block,
    "For": Inference._for,
    "If": Inference._if,
    "Output": Inference._output,
    "With": Inference._with,
}
