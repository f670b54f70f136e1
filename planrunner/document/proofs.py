"""What conditions prove: which values are surely there, and which steps surely ran, where a condition came out so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from planrunner.document.types import is_among
from planrunner.template.names import path_of
from planrunner.template.syntax import CONSTANTS, Node, children

Path = tuple[str | int, ...]
_FALLING_BACK: Final = ("default", "d")
_MAY_BE_MISSING: Final = ("defined", "undefined")
_SOMETHING: Final = ("mapping", "string", "number", "integer", "float", "boolean", "sequence", "iterable", "true")
_MIRRORED: Final = {"eq": "ne", "ne": "eq", "in": "notin", "notin": "in"}


class Proof:
    """All that follows from a few conditions.

    of_step  the conditions under which a step runs, each with whether it came out true
    """

    def __init__(self, of_step: Callable[[str], Iterable[tuple[Node, bool]]]) -> None:
        self._of_step = of_step
        self._held: set[tuple[str, bool]] = set()
        self._there: set[Path] = set()
        self._values: dict[Path, Any] = {}
        self._ran: set[str] = set()

    def learn(self, node: Node, truth: bool) -> None:
        """A condition came out so."""
        kind = type(node).__name__
        if kind == "Not":
            self.learn(node.node, not truth)
        elif kind == ("And" if truth else "Or"):
            self.learn(node.left, truth)
            self.learn(node.right, truth)
        else:
            self._held.add((repr(node), truth))
            for path in _read(node):
                self._note(path)
            if kind == "Compare" and len(node.ops) == 1:
                self._compared(node, truth)
            else:
                subject = node.node if kind == "Test" and _tells(node, truth) else node if truth else None
                self._note((subject is not None and _path(subject)) or ())

    def is_there(self, path: Path) -> bool:
        """Whether the value at this path is surely not null."""
        return path in self._there

    def has_value(self, path: Path, value: Any) -> bool:
        """Whether the value at this path is surely this one."""
        return path in self._values and is_among(self._values[path], [value])

    def ran(self, step: str) -> bool:
        """Whether a step was surely not skipped."""
        return step in self._ran or all(self.holds(node, truth) for node, truth in self._of_step(step))

    def holds(self, node: Node, truth: bool) -> bool:
        """Whether a condition surely comes out so."""
        kind = type(node).__name__
        if kind == "Not":
            return self.holds(node.node, not truth)
        if kind in ("And", "Or"):
            every = all if (kind == "And") is truth else any
            if every((self.holds(node.left, truth), self.holds(node.right, truth))):
                return True
        if (repr(node), truth) in self._held:
            return True
        if kind == "Compare" and len(node.ops) == 1:
            return self._follows(node, truth)
        return False

    def _note(self, path: Path) -> None:
        """A value is there, and so is all on the way to it."""
        self._there.update(path[:end] for end in range(1, len(path) + 1))
        if path[:1] == ("steps",) and path[2:3] == ("output",):
            self._note_ran(str(path[1]))

    def _note_ran(self, step: str) -> None:
        """A step ran, and so its own conditions held."""
        if step not in self._ran:
            self._ran.add(step)
            for node, truth in self._of_step(step):
                self.learn(node, truth)

    def _compared(self, node: Node, truth: bool) -> None:
        sign, path, values = _sides(node, truth)
        if path is None or values is None:
            return
        if sign == "ne" and values == [None]:
            self._note(path)
        elif sign in ("eq", "in") and None not in values:
            self._state(path, values)
            self._note(path)
            if len(values) == 1:
                self._values[path] = values[0]

    def _state(self, path: Path, values: list[Any]) -> None:
        if path[0] == "steps" and path[2:] == ("state",) and "SKIPPED" not in values and "NOT_STARTED" not in values:
            self._note_ran(str(path[1]))

    def _follows(self, node: Node, truth: bool) -> bool:
        """Whether a comparison follows from what a value is known to be."""
        sign, path, values = _sides(node, truth)
        if path is None or values is None:
            return False
        if sign == "ne" and values == [None] and path in self._there:
            return True
        if path not in self._values:
            return False
        among = is_among(self._values[path], values)
        return among if sign in ("eq", "in") else not among


def _path(node: Node) -> Path | None:
    path = path_of(node)
    if path is None or (path[0].name in CONSTANTS and not path[1]):
        return None
    return path[0].name, *path[1]


def _sides(node: Node, truth: bool) -> tuple[str, Path | None, list[Any] | None]:
    """A comparison as sign, path, and the values it is compared with; what came out false is turned round."""
    operand = node.ops[0]
    sign = operand.op if truth else _MIRRORED.get(operand.op, "")
    left, right = node.expr, operand.expr
    if sign in ("eq", "ne") and _path(left) is None:
        left, right = right, left
    items = right.items if sign in ("in", "notin") and type(right).__name__ in ("List", "Tuple") else [right]
    if sign in ("in", "notin") and items == [right]:
        return "", None, None
    values = [_constant(item) for item in items]
    return sign, _path(left), None if any(value is _UNKNOWN for value in values) else values


_UNKNOWN: Final = object()


def _constant(node: Node) -> Any:
    kind = type(node).__name__
    if kind == "Const":
        return node.value
    return CONSTANTS[node.name] if kind == "Name" and node.name in CONSTANTS else _UNKNOWN


def _tells(node: Node, truth: bool) -> bool:
    """Whether a test that came out so shows that its value is not null."""
    return (node.name in _SOMETHING and truth) or (node.name == "none" and not truth)


def _read(node: Node) -> Iterator[Path]:
    """What holds the fields that this part surely reads: reading them would have failed on null."""
    kind = type(node).__name__
    if kind in ("And", "Or", "CondExpr"):
        yield from _read(node.test if kind == "CondExpr" else node.left)
    elif (kind == "Filter" and node.name in _FALLING_BACK) or (kind == "Test" and node.name in _MAY_BE_MISSING):
        return
    elif path := _path(node):
        if len(path) > 1:
            yield path[:-1]
    else:
        for child in children(node):
            yield from _read(child)
