"""What a template may not hold though Jinja's grammar has it, and what names it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import Any, Final, NamedTuple

from planrunner.template.filters import FILTERS, others
from planrunner.template.predicates import TESTS
from planrunner.template.syntax import CONSTANTS, Node

_REFUSED: Final = {
    "Include": "include: a template reaches nothing outside of itself",
    "Import": "import: a template reaches nothing outside of itself",
    "FromImport": "import: a template reaches nothing outside of itself",
    "Extends": "extends: a template reaches nothing outside of itself",
    "Block": "block: templates are not extended",
    "Macro": "macro: write the text where it is needed, or use a for loop",
    "CallBlock": "call: there are no macros",
    "ScopedEvalContextModifier": "autoescape: nothing is ever escaped",
    "NSRef": "setting of fields: what is set in a loop ends with its round",
}
_INSTEAD: Final = {
    "items": "x | items",
    "keys": "x | list",
    "values": "x | items | map(attribute=1)",
    "get": "x.NAME | default(...)",
    "strip": "x | trim",
    "split": "a tool, or a step that returns a list",
    **dict.fromkeys(("startswith", "startsWith"), "x[:N] == '...'"),
    **dict.fromkeys(("endswith", "endsWith"), "x[-N:] == '...'"),
    **dict.fromkeys(("contains", "includes"), "'part' in x"),
    **dict.fromkeys(("always", "cancelled"), "the plan's finally, whose steps are run whatever the outcome"),
    **dict.fromkeys(("success", "failure"), "steps.ID.state, or the on_error of the step that fails"),
    **dict.fromkeys(("toJSON", "dumps"), "x | tojson"),
    **dict.fromkeys(("fromJSON", "loads"), "a task with returns, which gives an object"),
    **dict.fromkeys(("type", "isinstance"), "x is string, x is number, x is mapping"),
    "sorted": "x | sort",
    "toLowerCase": "x | lower",
    "toUpperCase": "x | upper",
    "append": "LIST + [x]",
    "isoformat": "x | date('%Y-%m-%d')",
    "len": "x | length",
    "str": "x | string",
    "now": "run.started_at (there is no clock: a resumed run must render the same text)",
}
_OTHER_FILTERS: Final = {
    **dict.fromkeys(("size", "len"), "length"),
    **dict.fromkeys(("json", "to_json", "to_nice_json"), "tojson"),
    **dict.fromkeys(("split", "from_json", "fromjson", "parse_json"), "it as a tool, or as a task with returns"),
    "attr": "x['NAME']",
    "bool": "a comparison, as in x == 'true'",
    "ternary": "A if CONDITION else B",
    **dict.fromkeys(("upcase", "uppercase", "to_upper"), "upper"),
    **dict.fromkeys(("downcase", "lowercase", "to_lower"), "lower"),
}
_SPECIAL_TESTS: Final = ("defined", "undefined")


class Finding(NamedTuple):
    """Something refused, and where in the text."""

    offset: int
    message: str


def findings(nodes: Iterable[Node]) -> list[Finding]:
    """Everything among the nodes of a tree that is refused, in the order of the text."""
    found = [Finding(_offset(node), message) for node in nodes for message in _refusal(node)]
    return sorted(set(found))


def _offset(node: Node) -> int:
    return node.lineno if isinstance(node.lineno, int) else 0


_FIRST: Final = {"Compare": "expr", "CondExpr": "expr1"}


def start(node: Node) -> int:
    """The offset of the first word of an expression. (Jinja places many nodes at their operator.)"""
    while True:
        kind = type(node).__name__
        field = _FIRST.get(kind) or next((name for name in ("node", "left") if name in node.fields), None)
        below = getattr(node, field) if field else None
        if kind == "Concat":
            below = node.nodes[0]
        if below is None or isinstance(below, str):
            return _offset(node)
        node = below


def _refusal(node: Node) -> Iterable[str]:
    kind = type(node).__name__
    if kind in _REFUSED:
        return [f"there is no {_REFUSED[kind]}"]
    check = _CHECKS.get(kind)
    return () if check is None else check(node)


def _call(node: Node) -> Iterator[str]:
    called = getattr(node.node, "attr", None) or getattr(node.node, "name", None)
    if called == "range" and type(node.node).__name__ == "Name":
        if node.kwargs or node.dyn_args or node.dyn_kwargs or not 1 <= len(node.args) <= 3:
            yield "range takes one to three numbers: range(STOP), range(START, STOP), range(START, STOP, STEP)"
        return
    if not isinstance(called, str):
        yield "nothing can be called in a template: there are only filters (x | upper)"
    elif called in _INSTEAD:
        yield f"`{called}()` can't be called in a template: use {_INSTEAD[called]}"
    elif called in FILTERS:
        yield f"`{called}()` can't be called in a template: write x | {called}"
    else:
        yield f"`{called}()` can't be called in a template: there are only filters (x | upper)"


def _filter(node: Node) -> Iterator[str]:
    if node.name not in FILTERS:
        other = _OTHER_FILTERS.get(node.name)
        yield f"there is no filter `{node.name}`{others(node.name, FILTERS) if other is None else f': write {other}'}"
    else:
        yield from _arguments(node, FILTERS[node.name], "filter")


def _test(node: Node) -> Iterator[str]:
    if node.name in _SPECIAL_TESTS:
        if node.args or node.kwargs:
            yield f"`is {node.name}` takes nothing"
    elif node.name in ("null", "Null", "NULL", "nil"):
        yield f"`is {node.name}` is not known: write `== null` (or `!= null`)"
    elif node.name not in TESTS:
        yield f"there is no test `is {node.name}`{others(node.name, (*TESTS, *_SPECIAL_TESTS))}"
    else:
        yield from _arguments(node, TESTS[node.name], "test")


def _arguments(node: Node, work: Callable[..., Any], what: str) -> Iterator[str]:
    """Whether the function behind the name can take these arguments."""
    if node.dyn_args or node.dyn_kwargs:
        yield "`*` and `**` can't stand among arguments"
        return
    names, required, open_ended = _signature(work)
    keywords = [keyword.key for keyword in node.kwargs]
    given = [*names[: len(node.args)], *keywords]
    lacks = any(name not in given for name in names[:required])
    exceeds = len(node.args) > len(names) or any(given.count(key) > 1 or key not in names for key in keywords)
    if lacks or (exceeds and not open_ended):
        takes = f"takes ({', '.join(names)})" if names else "takes nothing"
        yield f"the {what} `{node.name}` {takes}"


def _signature(work: Callable[..., Any]) -> tuple[list[str], int, bool]:
    """The names of the arguments after the value, how many are required, and whether more may follow."""
    code: Any = work.__code__
    names = list(code.co_varnames[2 : code.co_argcount])
    return names, len(names) - len(getattr(work, "__defaults__", None) or ()), bool(code.co_flags & 0x0C)


def _condition(node: Node) -> Iterator[str]:
    if node.expr2 is None:
        yield "`A if CONDITION` needs an `else`: write `A if CONDITION else ''`"


def _loop(node: Node) -> Iterator[str]:
    if node.recursive:
        yield "there are no recursive loops: take 'recursive' out"


def _name(node: Node) -> Iterator[str]:
    if node.ctx != "load" and (node.name in CONSTANTS or node.name == "loop"):
        yield f"`{node.name}` has a meaning of its own: take another name"


def _constant(node: Node) -> Iterator[str]:
    if isinstance(node.value, float) and not isfinite(node.value):
        yield "this number is too large"
    elif isinstance(node.value, str) and not node.value.isascii():
        try:
            node.value.encode()
        except UnicodeEncodeError:
            yield "this string holds half a character (a lone surrogate)"


_CHECKS: Final[dict[str, Callable[[Node], Iterator[str]]]] = {
    "Call": _call,
    "Filter": _filter,
    "Test": _test,
    "CondExpr": _condition,
    "For": _loop,
    "Name": _name,
    "Const": _constant,
}
