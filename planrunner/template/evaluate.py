"""From a syntax tree to functions that evaluate it.

Each node becomes one small function, so that nothing but what is written here can ever happen in a template: there
is no Python code to escape into, no attribute to reach, nothing to call. Every loop and everything whose size the
template decides is paid for from a budget before it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from planrunner.template.faults import MAX_RANGE, Budget, Fault, MissingFault, named
from planrunner.template.filters import FILTERS
from planrunner.template.names import path_of
from planrunner.template.predicates import TESTS
from planrunner.template.rules import start
from planrunner.template.syntax import CONSTANTS, Node
from planrunner.template.values import (
    ARITHMETIC,
    calculate,
    compare,
    joined,
    look_up,
    negate,
    sized,
    text_of,
    unknown_name,
)

Shorten = Callable[[Any, str], Any]


class Frame:
    """What one evaluation sees: the names given, those the template bound itself, and the budget.

    shorten  what becomes of an output before it is written, `(value, its name)`; None: it is written whole
    """

    __slots__ = ("budget", "local", "names", "shorten")

    def __init__(
        self, names: Mapping[str, Any], local: dict[str, Any], budget: Budget, shorten: Shorten | None = None
    ) -> None:
        self.names = names
        self.local = local
        self.budget = budget
        self.shorten = shorten

    def inner(self) -> Frame:
        """A scope within: it sees what stands here, and what it binds ends with it."""
        return Frame(self.names, dict(self.local), self.budget, self.shorten)


Evaluator = Callable[[Frame], Any]


def expression(node: Node) -> Evaluator:
    """The function that evaluates an expression. Faults that it raises know where they stand."""
    kind = type(node).__name__
    if kind in ARITHMETIC:
        return placed(_arithmetic(node, kind), node)
    if kind in ("Getattr", "Getitem", "Name"):
        return placed(_path(node), node)
    return placed(_EXPRESSIONS[kind](node), node) if kind in _FAILING else _EXPRESSIONS[kind](node)


def placed(evaluate: Evaluator, node: Node) -> Evaluator:
    """The same, and faults that it raises know where in the text they stand."""
    offset = start(node)

    def run(frame: Frame) -> Any:
        try:
            return evaluate(frame)
        except Fault as fault:
            if fault.offset is None:
                fault.offset = offset
            raise

    return run


def _path(node: Node) -> Evaluator:
    path = path_of(node)
    if path is None:
        return _subscript(node)
    name, keys = path[0].name, path[1]
    if name in CONSTANTS and not keys:
        return _constant_of(CONSTANTS[name])

    def walk_path(frame: Frame) -> Any:
        value = top = frame.local[name] if name in frame.local else _outer(frame, name)
        try:
            for key in keys:
                value = value[key]
        except (KeyError, TypeError, IndexError):
            return _step_by_step(top, name, keys)
        return value

    return walk_path


def _step_by_step(value: Any, place: str, keys: list[str | int]) -> Any:
    """The same walk again, to say what was found where it ended."""
    for key in keys:
        value = look_up(value, key, place)
        place = _deeper(place, key)
    return value


def _outer(frame: Frame, name: str) -> Any:
    try:
        return frame.names[name]
    except KeyError:
        raise unknown_name(name, {**frame.names, **frame.local}) from None


def _deeper(place: str, key: str | int) -> str:
    return f"{place}.{key}" if isinstance(key, str) and key.isidentifier() else f"{place}[{key!r}]"


def _subscript(node: Node) -> Evaluator:
    base = expression(node.node)
    if type(node).__name__ == "Getitem" and type(node.arg).__name__ == "Slice":
        return _slice(base, node.arg)
    key = _constant_of(node.attr) if type(node).__name__ == "Getattr" else expression(node.arg)
    path = path_of(node.node)
    place = ".".join((path[0].name, *map(str, path[1]))) if path else "the value"
    return lambda frame: look_up(base(frame), key(frame), place)


def _slice(base: Evaluator, node: Node) -> Evaluator:
    bounds = [
        _constant_of(None) if bound is None else expression(bound) for bound in (node.start, node.stop, node.step)
    ]

    def cut(frame: Frame) -> Any:
        value = base(frame)
        if not isinstance(value, (str, list, tuple)):
            raise Fault(f"[:] cuts lists and strings, and this is {named(value)}")
        limits = [bound(frame) for bound in bounds]
        if limits[2] == 0 or not all(limit is None or type(limit) is int for limit in limits):
            raise Fault("[:] takes whole numbers, and a step that is not 0")
        sized(len(value), frame.budget)
        return value[slice(*limits)]

    return cut


def _constant_of(value: Any) -> Evaluator:
    return lambda _: value


def _constant(node: Node) -> Evaluator:
    return _constant_of(node.data if type(node).__name__ == "TemplateData" else node.value)


def _list(node: Node) -> Evaluator:
    items = [expression(item) for item in node.items]
    return lambda frame: [item(frame) for item in items]


def _key(value: Any) -> str:
    if not isinstance(value, str):
        raise Fault(f"the keys of an object are strings, and this is {named(value)}")
    return value


def _dict(node: Node) -> Evaluator:
    pairs = [(expression(pair.key), expression(pair.value)) for pair in node.items]

    def make(frame: Frame) -> dict[str, Any]:
        return {_key(key(frame)): value(frame) for key, value in pairs}

    return make


def _condition(node: Node) -> Evaluator:
    test, yes, no = expression(node.test), expression(node.expr1), expression(node.expr2)
    return lambda frame: yes(frame) if test(frame) else no(frame)


def _and(node: Node) -> Evaluator:
    left, right = expression(node.left), expression(node.right)
    return lambda frame: left(frame) and right(frame)


def _or(node: Node) -> Evaluator:
    left, right = expression(node.left), expression(node.right)
    return lambda frame: left(frame) or right(frame)


def _not(node: Node) -> Evaluator:
    inner = expression(node.node)
    return lambda frame: not inner(frame)


def _neg(node: Node) -> Evaluator:
    inner = expression(node.node)
    return lambda frame: negate(inner(frame))


def _pos(node: Node) -> Evaluator:
    inner = expression(node.node)
    return lambda frame: negate(negate(inner(frame)))


def _arithmetic(node: Node, kind: str) -> Evaluator:
    left, right = expression(node.left), expression(node.right)
    return lambda frame: calculate(kind, left(frame), right(frame), frame.budget)


def _concat(node: Node) -> Evaluator:
    parts = [expression(part) for part in node.nodes]
    return lambda frame: joined([text_of(part(frame), frame.budget) for part in parts], frame.budget)


def _compare(node: Node) -> Evaluator:
    first, rest = expression(node.expr), [(operand.op, expression(operand.expr)) for operand in node.ops]

    def run(frame: Frame) -> bool:
        left = first(frame)
        for kind, other in rest:
            right = other(frame)
            if not compare(kind, left, right, frame.budget):
                return False
            left = right
        return True

    return run


def _arguments(node: Node) -> tuple[list[Evaluator], dict[str, Evaluator]]:
    keywords = {keyword.key: expression(keyword.value) for keyword in node.kwargs}
    return [expression(argument) for argument in node.args], keywords


def applied(node: Node, work: Callable[..., Any], subject: Evaluator) -> Evaluator:
    """A filter or test at work."""
    args, keywords = _arguments(node)

    def run(frame: Frame) -> Any:
        value = subject(frame)
        given = [arg(frame) for arg in args]
        extra = {key: keyword(frame) for key, keyword in keywords.items()}
        try:
            frame.budget.spend(1)
            return work(frame.budget, value, *given, **extra)
        except TypeError:
            raise Fault(f"`{node.name}` can't take these arguments") from None

    return run


def _filter(node: Node) -> Evaluator:
    subject = expression(node.node)
    if node.name in ("default", "d"):
        subject = _forgiving(subject)
    return applied(node, FILTERS[node.name], subject)


def _forgiving(inner: Evaluator) -> Evaluator:
    def run(frame: Frame) -> Any:
        try:
            return inner(frame)
        except MissingFault:
            return None

    return run


def _test(node: Node) -> Evaluator:
    subject = expression(node.node)
    if node.name in ("defined", "undefined"):
        return _defined(subject, node.name == "defined")
    return applied(node, TESTS[node.name], subject)


def _defined(inner: Evaluator, wanted: bool) -> Evaluator:
    def run(frame: Frame) -> bool:
        try:
            inner(frame)
        except MissingFault:
            return not wanted
        return wanted

    return run


def _range(node: Node) -> Evaluator:
    args = [expression(argument) for argument in node.args]

    def run(frame: Frame) -> list[int]:
        limits = [arg(frame) for arg in args]
        if not all(type(limit) is int for limit in limits) or limits[2:] == [0]:
            raise Fault("range takes whole numbers, and a step that is not 0")
        numbers = range(*limits)
        if numbers[MAX_RANGE:]:
            raise Fault(f"range makes more than {MAX_RANGE:,} numbers: count less far")
        frame.budget.spend(len(numbers))
        return list(numbers)

    return run


_EXPRESSIONS: Final[dict[str, Callable[[Node], Evaluator]]] = {
    "And": _and,
    "Call": _range,
    "Compare": _compare,
    "Concat": _concat,
    "CondExpr": _condition,
    "Const": _constant,
    "Dict": _dict,
    "Filter": _filter,
    "List": _list,
    "Neg": _neg,
    "Not": _not,
    "Or": _or,
    "Pos": _pos,
    "TemplateData": _constant,
    "Test": _test,
    "Tuple": _list,
}
_FAILING: Final = frozenset(("Call", "Compare", "Concat", "Dict", "Filter", "Neg", "Pos", "Test"))
"""Those that fail of themselves, not only by what stands in them."""
