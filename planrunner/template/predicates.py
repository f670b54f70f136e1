"""The tests of `is`. `defined` and `undefined` are not here: they look at a name, not at a value."""

# ruff: noqa: ARG001, ARG005 - all have one shape, and some need no budget

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from planrunner.template.faults import Budget, Fault, named
from planrunner.template.values import compare, sized


def _is_number(budget: Budget, value: Any) -> bool:
    return type(value) in (int, float)


def _is_list(budget: Budget, value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _whole(value: Any, word: str) -> int:
    if type(value) is not int:
        raise Fault(f"`is {word}` needs a whole number, and this is {named(value)}")
    return value


def _odd(budget: Budget, value: Any) -> bool:
    return _whole(value, "odd") % 2 == 1


def _even(budget: Budget, value: Any) -> bool:
    return _whole(value, "even") % 2 == 0


def _divisible_by(budget: Budget, value: Any, num: Any) -> bool:
    if _whole(num, "divisibleby") == 0:
        raise Fault("nothing is divisible by zero")
    return _whole(value, "divisibleby") % int(num) == 0


def _equal(budget: Budget, value: Any, other: Any) -> bool:
    return compare("eq", value, other, budget)


def _unequal(budget: Budget, value: Any, other: Any) -> bool:
    return compare("ne", value, other, budget)


def _less(budget: Budget, value: Any, other: Any) -> bool:
    return compare("lt", value, other, budget)


def _at_most(budget: Budget, value: Any, other: Any) -> bool:
    return compare("lteq", value, other, budget)


def _greater(budget: Budget, value: Any, other: Any) -> bool:
    return compare("gt", value, other, budget)


def _at_least(budget: Budget, value: Any, other: Any) -> bool:
    return compare("gteq", value, other, budget)


def _in(budget: Budget, value: Any, seq: Any) -> bool:
    return compare("in", value, seq, budget)


def _lower(budget: Budget, value: Any) -> bool:
    return isinstance(value, str) and _read(value, budget).islower()


def _upper(budget: Budget, value: Any) -> bool:
    return isinstance(value, str) and _read(value, budget).isupper()


def _read(value: str, budget: Budget) -> str:
    sized(len(value), budget)
    return value


Predicate = Callable[..., bool]

TESTS: Final[dict[str, Predicate]] = {
    "==": _equal,
    "eq": _equal,
    "equalto": _equal,
    "!=": _unequal,
    "ne": _unequal,
    "<": _less,
    "lt": _less,
    "lessthan": _less,
    "<=": _at_most,
    "le": _at_most,
    ">": _greater,
    "gt": _greater,
    "greaterthan": _greater,
    ">=": _at_least,
    "ge": _at_least,
    "in": _in,
    "none": lambda budget, value: value is None,
    "true": lambda budget, value: value is True,
    "false": lambda budget, value: value is False,
    "boolean": lambda budget, value: isinstance(value, bool),
    "integer": lambda budget, value: type(value) is int,
    "float": lambda budget, value: type(value) is float,
    "number": _is_number,
    "string": lambda budget, value: isinstance(value, str),
    "mapping": lambda budget, value: isinstance(value, Mapping),
    "sequence": _is_list,
    "iterable": lambda budget, value: isinstance(value, (list, tuple, Mapping)),
    "odd": _odd,
    "even": _even,
    "divisibleby": _divisible_by,
    "lower": _lower,
    "upper": _upper,
}
