"""How JSON values behave in templates: looking up keys, becoming text, comparing, calculating. No Python shows."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, Final

from planrunner.errors import SchemaError
from planrunner.jsonsafe import MAX_DIGITS, to_json_safe
from planrunner.registry import hint
from planrunner.template.faults import MAX_TEXT, MAX_VALUE, TOO_LARGE, Budget, Fault, MissingFault, named

_MAX_BITS: Final = int(MAX_DIGITS * 3.33)
_NUMBERS: Final = frozenset((int, float))
_TEXT: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def look_up(value: Any, key: Any, place: str) -> Any:
    """The value under a key of an object, or at an index of a list or string. Nothing else can be looked up."""
    if isinstance(value, Mapping):
        if isinstance(key, str):
            try:
                return value[key]
            except KeyError:
                pass
    elif isinstance(value, (list, tuple, str)) and type(key) is int:
        try:
            return value[key]
        except IndexError:
            pass
    raise MissingFault(_absence(value, key, place))


def _absence(value: Any, key: Any, place: str) -> str:
    if not isinstance(key, (str, int, float)):
        return f"{place} is read by a name or a number, and this is {named(key)}"
    if isinstance(value, Mapping):
        return f"{place} has no {_quoted(key)}{_instead(key, value)}"
    if isinstance(value, (list, tuple)):
        if type(key) is int:
            return f"{place} has {len(value)} item{'' if len(value) == 1 else 's'}, none at [{key}]"
        return f"{place} is a list: take an item by its number ({place}[0]), or map(attribute={_quoted(key)}) over it"
    return f"{place} is {named(value)}, which has no {_quoted(key)}"


def unknown_name(name: str, names: Mapping[str, Any]) -> MissingFault:
    """The fault for a name that means nothing here."""
    return MissingFault(f"there is no {_quoted(name)} here{_instead(name, names)}")


def _instead(key: Any, known: Iterable[str]) -> str:
    keys = list(known)
    if not keys:
        return "; it is empty"
    guess = hint(key, keys) if isinstance(key, str) else ""
    shown = ", ".join(sorted(map(_word, keys))[:12]) + (", …" if len(keys) > 12 else "")
    return guess or f"; there are: {shown}"


def _word(key: str) -> str:
    """A key as it is, but for one that would break the line or steer a terminal: it may come from a tool."""
    return key[:40] if key.isprintable() else repr(key[:40])


def _quoted(key: Any) -> str:
    if isinstance(key, str):
        return repr(key[:60])
    return f"[{key}]" if type(key) is int and abs(key) < 1e15 else named(key)


def text_of(value: Any, budget: Budget) -> str:
    """A string as it is, every other value as JSON."""
    if isinstance(value, str):
        return value
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    return _TEXT.encode(plain(value, budget))


def plain(value: Any, budget: Budget) -> Any:
    """A plain copy of a value that the template made, with its size checked first: parts of it may be shared."""
    weigh(value, budget)
    try:
        return to_json_safe(value, "the value")
    except SchemaError as error:
        raise Fault(str(error)) from None


def weigh(value: Any, budget: Budget) -> None:
    """Fault when the value is too large. What stands in it twice counts twice."""
    seen, characters, heap = 0, 0, [value]
    while heap:
        each = heap.pop()
        seen += 1
        if isinstance(each, str):
            characters += len(each)
        elif isinstance(each, Mapping):
            heap.extend(each.values())
            characters += sum(map(len, each))
        elif isinstance(each, (list, tuple)):
            heap.extend(each)
        if characters + 16 * (seen + len(heap)) > MAX_VALUE:
            raise Fault(TOO_LARGE)
    budget.spend(seen + (characters >> 6))


def sized(length: int, budget: Budget) -> None:
    """Check the length of a string in characters (a list: 16 times its items) before it is made; pay for making it."""
    if length > MAX_VALUE:
        raise Fault(TOO_LARGE)
    budget.spend(length >> 6)


def joined(parts: Iterable[str], budget: Budget) -> str:
    """The strings one after another."""
    parts = list(parts)
    sized(sum(map(len, parts)), budget)
    return "".join(parts)


class Out:
    """The text that a template writes, piece by piece."""

    __slots__ = ("parts", "size")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = 0

    def write(self, text: str) -> None:
        self.size += len(text)
        if self.size > MAX_TEXT:
            raise Fault(f"the template writes more than {MAX_TEXT:,} characters")
        self.parts.append(text)

    def text(self) -> str:
        return "".join(self.parts)


def same(left: Any, right: Any, budget: Budget) -> bool:
    """Equality as in JSON: 1 and 1.0 are equal, 1 and true are not, objects are equal whatever the order of keys."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        budget.spend(1 + len(left))
        if len(left) != len(right):
            return False
        return all(key in right and same(value, right[key], budget) for key, value in left.items())
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        budget.spend(1 + len(left))
        return len(left) == len(right) and all(same(a, b, budget) for a, b in zip(left, right, strict=True))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str):
        budget.spend(len(left) >> 10)
    return bool(left == right)


def contains(whole: Any, part: Any, budget: Budget) -> bool:
    """`part in whole`: a piece of a string, an item of a list, a key of an object."""
    if isinstance(whole, str) and isinstance(part, str):
        sized(len(whole), budget)
        return part in whole
    if isinstance(whole, Mapping):
        return isinstance(part, str) and part in whole
    if isinstance(whole, (list, tuple)):
        budget.spend(len(whole))
        return any(same(part, item, budget) for item in whole)
    raise Fault(f"`in` can't look for {named(part)} in {named(whole)}")


_ORDERS: Final[dict[str, tuple[str, Callable[[Any, Any], Any]]]] = {
    "lt": ("<", operator.lt),
    "lteq": ("<=", operator.le),
    "gt": (">", operator.gt),
    "gteq": (">=", operator.ge),
}


def compare(kind: str, left: Any, right: Any, budget: Budget) -> bool:
    """One comparison; `kind` is Jinja's word for the operator."""
    if kind == "eq":
        return same(left, right, budget)
    if kind == "ne":
        return not same(left, right, budget)
    if kind == "in":
        return contains(right, left, budget)
    if kind == "notin":
        return not contains(right, left, budget)
    sign, order = _ORDERS[kind]
    if not orderable(left, right):
        raise Fault(f"`{sign}` can't compare {named(left)} with {named(right)}: both must be numbers, or both strings")
    if isinstance(left, str):
        budget.spend(len(left) >> 10)
    return bool(order(left, right))


def orderable(left: Any, right: Any) -> bool:
    """Whether one of the two can come before the other."""
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return True
    return isinstance(left, str) and isinstance(right, str)


_SIGNS: Final[dict[str, tuple[str, Callable[[Any, Any], Any]]]] = {
    "Add": ("+", operator.add),
    "Sub": ("-", operator.sub),
    "Mul": ("*", operator.mul),
    "Div": ("/", operator.truediv),
    "FloorDiv": ("//", operator.floordiv),
    "Mod": ("%", operator.mod),
    "Pow": ("**", operator.pow),
}
ARITHMETIC: Final = tuple(_SIGNS)


def calculate(kind: str, left: Any, right: Any, budget: Budget) -> Any:
    """Arithmetic on numbers; beside it `+` joins two strings or two lists, and `*` repeats a string."""
    sign, work = _SIGNS[kind]
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        if kind == "Pow" and type(left) is type(right) is int and right * left.bit_length() > _MAX_BITS:
            raise Fault("`**` makes a number that is too large")
        return _numeric(sign, work, left, right)
    if kind == "Add" and isinstance(left, str) and isinstance(right, str):
        return joined((left, right), budget)
    if kind == "Add" and isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        sized(16 * (len(left) + len(right)), budget)
        return [*left, *right]
    if kind == "Mul" and isinstance(left, str) and type(right) is int:
        sized(len(left) * max(right, 0), budget)
        return left * right
    advice = "; `~` joins strings" if kind == "Add" and (isinstance(left, str) or isinstance(right, str)) else ""
    raise Fault(f"`{sign}` can't take {named(left)} and {named(right)}{advice}")


def _numeric(sign: str, work: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    try:
        return number(work(left, right))
    except ZeroDivisionError:
        raise Fault(f"`{sign}` divides by zero") from None
    except (ArithmeticError, ValueError):
        raise Fault(f"`{sign}` makes a number that is too large") from None


def number(value: Any) -> Any:
    """The number, if JSON can tell it."""
    if isinstance(value, int):
        if value.bit_length() <= _MAX_BITS:
            return value
    elif isinstance(value, float) and isfinite(value):
        return value
    raise Fault("the result is a number that can't be told in JSON")


def negate(value: Any) -> Any:
    """`-x`."""
    if type(value) in _NUMBERS:
        return -value
    raise Fault(f"`-` can't take {named(value)}")


def items_of(value: Any, what: str) -> list[Any] | tuple[Any, ...]:
    """What `for` and the filters on lists go through: the items of a list, the keys of an object."""
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, Mapping):
        return list(value)
    advice = " (`| default([])` stands in for it)" if value is None else ""
    raise Fault(f"{what} needs a list, and this is {named(value)}{advice}")
