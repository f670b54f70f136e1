"""The statements of templates: text, `if`, `for`, `set`, `with`, `filter`. Each becomes one function that writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from planrunner.template.evaluate import Evaluator, Frame, applied, expression, placed
from planrunner.template.faults import Fault, named
from planrunner.template.filters import FILTERS
from planrunner.template.names import output_named
from planrunner.template.rules import start
from planrunner.template.syntax import Node, walk
from planrunner.template.values import Out, items_of, text_of

Writer = Callable[[Frame, Out], None]
Binder = Callable[[Frame, Any], None]


def template(nodes: list[Node]) -> Writer:
    """The function that writes statements one after another."""
    writers = [_STATEMENTS[type(node).__name__](node) for node in nodes]

    def run(frame: Frame, out: Out) -> None:
        for write in writers:
            write(frame, out)

    return run


def _output(node: Node) -> Writer:
    parts = [(expression(part), output_named(part)) for part in node.nodes]

    def run(frame: Frame, out: Out) -> None:
        for part, name in parts:
            value = part(frame)
            if name is not None and frame.shorten is not None:
                value = frame.shorten(value, name)
            out.write(text_of(value, frame.budget))

    return run


def _if(node: Node) -> Writer:
    cases = [(expression(case.test), template(case.body)) for case in (node, *node.elif_)]
    otherwise = template(node.else_)

    def run(frame: Frame, out: Out) -> None:
        for test, body in cases:
            if test(frame):
                body(frame, out)
                return
        otherwise(frame, out)

    return run


def _for(node: Node) -> Writer:
    source, bind, body, otherwise = expression(node.iter), _binder(node.target), template(node.body), node.else_
    test = expression(node.test) if node.test else None
    empty, offset = template(otherwise), start(node.iter)
    uses_loop = any(getattr(part, "name", None) == "loop" for child in node.body for part in walk(child))
    cost = sum(1 for part in (node.target, node.test, *node.body) if part for _ in walk(part))

    def run(frame: Frame, out: Out) -> None:
        items = _looped(source(frame), offset)
        frame.budget.spend(len(items))
        if test is not None:
            items = [item for item in items if _kept(frame, bind, test, cost, item)]
        for index, item in enumerate(items):
            frame.budget.spend(cost)
            scope = frame.inner()
            bind(scope, item)
            if uses_loop:
                scope.local["loop"] = _loop(index, items)
            body(scope, out)
        if not items:
            empty(frame.inner(), out)

    return run


def _looped(value: Any, offset: int) -> Any:
    try:
        return items_of(value, "for")
    except Fault as fault:
        fault.offset = offset
        raise


def _kept(frame: Frame, bind: Binder, test: Evaluator, cost: int, item: Any) -> Any:
    frame.budget.spend(cost)
    scope = frame.inner()
    bind(scope, item)
    return test(scope)


def _loop(index: int, items: Any) -> dict[str, Any]:
    count = len(items)
    return {
        "index": index + 1,
        "index0": index,
        "revindex": count - index,
        "revindex0": count - index - 1,
        "first": index == 0,
        "last": index == count - 1,
        "length": count,
        "previtem": items[index - 1] if index else None,
        "nextitem": items[index + 1] if index + 1 < count else None,
    }


def _binder(target: Node) -> Binder:
    if type(target).__name__ == "Name":
        name = target.name

        def one(frame: Frame, value: Any) -> None:
            frame.local[name] = value

        return one
    inner, offset = [_binder(item) for item in target.items], target.lineno

    def several(frame: Frame, value: Any) -> None:
        if not isinstance(value, (list, tuple)) or len(value) != len(inner):
            raise Fault(f"{len(inner)} names can't take {named(value)} (for an object: `x | items`)", offset)
        for bind, item in zip(inner, value, strict=True):
            bind(frame, item)

    return several


def _set(node: Node) -> Writer:
    value, bind = expression(node.node), _binder(node.target)
    return lambda frame, _: bind(frame, value(frame))


def _set_block(node: Node) -> Writer:
    write, bind = _captured(node), _binder(node.target)
    return lambda frame, _: bind(frame, write(frame))


def _filter_block(node: Node) -> Writer:
    write = _captured(node)
    return lambda frame, out: out.write(text_of(write(frame), frame.budget))


def _captured(node: Node) -> Evaluator:
    """What the body writes, through the filters of the block."""
    body = template(node.body)

    def written(frame: Frame) -> str:
        inner = Out()
        body(frame.inner(), inner)
        return inner.text()

    return written if node.filter is None else _filtered(node.filter, written)


def _filtered(node: Node, written: Evaluator) -> Evaluator:
    subject = written if node.node is None else _filtered(node.node, written)
    return placed(applied(node, FILTERS[node.name], subject), node)


def _with(node: Node) -> Writer:
    values, binders, body = map(expression, node.values), map(_binder, node.targets), template(node.body)
    pairs = list(zip(binders, values, strict=True))

    def run(frame: Frame, out: Out) -> None:
        scope = frame.inner()
        for bind, value in pairs:
            bind(scope, value(frame))
        body(scope, out)

    return run


_STATEMENTS: Final[dict[str, Callable[[Node], Writer]]] = {
    "Assign": _set,
    "AssignBlock": _set_block,
    "FilterBlock": _filter_block,
    "For": _for,
    "If": _if,
    "Output": _output,
    "With": _with,
}
