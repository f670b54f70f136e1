"""Arithmetic for plans and models: exact on decimals and fractions, bounded in time and size.

Numbers are computed as fractions, so that 0.1 + 0.2 is 0.3 and 1 / 3 * 3 is 1; only roots, powers with a broken
exponent and very long fractions go through floating point. The expression is read by a parser of its own: nothing
of Python can be reached from it.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, Final

from planrunner.errors import ToolSoftError
from planrunner.tools.base import Tool, ToolRunContext

MAX_LENGTH: Final = 1_000
_MAX_DEPTH: Final = 50
_MAX_BITS: Final = 20_000
_MAX_DIGITS: Final = 100
_MAX_VALUE: Final = 10**308
"""What a JSON reader with double precision can still hold."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>\*\*|//|\S))"
)
_HINTS: Final = {
    "^": "write ** for a power",
    "\N{MULTIPLICATION SIGN}": "write *",
    "\N{MIDDLE DOT}": "write *",
    "\N{DIVISION SIGN}": "write /",
    "\N{MINUS SIGN}": "write -",
    "%": "% is the remainder and stands between two numbers; for a percentage divide by 100",
    ",": "a comma only separates the arguments of a function; write 1000.5 for one thousand and a half",
}


class Calculator(Tool):
    """Works out one expression."""

    id = "calculator"
    description = (
        "Works out an arithmetic expression exactly and returns the number. Operators: + - * / // % ** and "
        "parentheses. Functions: abs, ceil, floor, max, min, round (halves away from zero), sqrt. "
        "Example: round((19.99 + 5) * 1.19, 2)"
    )
    args_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "expression": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_LENGTH,
                "description": "The expression, e.g. (2 + 3) * 4.5",
            }
        },
        "required": ["expression"],
        "additionalProperties": False,
    }
    output_schema: Mapping[str, Any] | None = {"type": "number"}
    effect = "read"
    inline = True
    self_contained = True

    def run(self, ctx: ToolRunContext, expression: str) -> int | float:
        """The value of the expression: an int where it is whole, else the nearest float."""
        return evaluate(expression)


def evaluate(expression: str) -> int | float:
    """Work out an expression. Raises ToolSoftError, which says what is wrong and where."""
    if len(expression) > MAX_LENGTH:
        raise ToolSoftError(f"the expression has {len(expression)} characters; at most {MAX_LENGTH} are taken")
    return _told(_Parser(expression).parse())


def _told(value: Fraction) -> int | float:
    if abs(value) > _MAX_VALUE:
        raise ToolSoftError("the result is too large: beyond 1e308")
    return value.numerator if value.denominator == 1 else float(value)


class _Parser:
    """Precedence climbing over the tokens of one expression; values are computed as they are read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.depth = 0
        self.step()

    def step(self) -> None:
        """Read the next token into `kind`, `word` and `start`."""
        found = _TOKEN.match(self.text, self.place)
        if found is None:
            self.kind, self.word, self.start = "end", "", len(self.text)
            return
        self.kind = found.lastgroup or ""
        self.word = found[self.kind]
        self.start, self.place = found.start(self.kind), found.end()

    def parse(self) -> Fraction:
        value = self.binary()
        if self.kind != "end":
            raise self.wrong("an operator")
        return value

    def binary(self, least: int = 1) -> Fraction:
        """Operators that bind at least as tightly as `least`, from left to right."""
        left = self.unary()
        while (known := _BINARY.get(self.word)) and known[0] >= least:
            self.step()
            left = _bounded(known[1](left, self.binary(known[0] + 1)))
        return left

    def unary(self) -> Fraction:
        if self.word not in ("-", "+"):
            return self.power()
        negative = self.word == "-"
        self.step()
        with self.deeper():
            value = self.unary()
        return -value if negative else value

    def power(self) -> Fraction:
        """`**` binds tighter than a sign before it and takes its exponent from the right: -2**2 is -4."""
        base = self.atom()
        if self.word != "**":
            return base
        self.step()
        with self.deeper():
            return _bounded(_power(base, self.unary()))

    def atom(self) -> Fraction:
        if self.kind == "number":
            value = Fraction(self.word)
            self.step()
            return _bounded(value)
        if self.kind == "name":
            return self.function()
        if self.word != "(":
            raise self.wrong("a number, a function or (")
        return self.in_parentheses()[0]

    def in_parentheses(self, most: int = 1) -> list[Fraction]:
        """From the opening parenthesis to past the closing one: up to `most` values with commas between them."""
        self.step()
        with self.deeper():
            values = [self.binary()]
            while self.word == "," and len(values) < most:
                self.step()
                values.append(self.binary())
        if self.word != ")":
            raise self.wrong("an operator or )")
        self.step()
        return values

    def function(self) -> Fraction:
        name, place = self.word, self.start + 1
        if name not in _FUNCTIONS:
            known = ", ".join(_FUNCTIONS)
            raise ToolSoftError(f"there is no {name!r} (at character {place}); the functions are {known}")
        least, most, compute = _FUNCTIONS[name]
        self.step()
        if self.word != "(":
            raise self.wrong(f"( after {name}")
        values = self.in_parentheses(most)
        if len(values) < least:
            raise ToolSoftError(f"{name} (at character {place}) needs {least} numbers, it has {len(values)}")
        return _bounded(compute(*values))

    @contextmanager
    def deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise ToolSoftError(f"the expression is nested more than {_MAX_DEPTH} levels deep")
        yield
        self.depth -= 1

    def wrong(self, expected: str) -> ToolSoftError:
        found = "the end" if self.kind == "end" else f"{self.word!r} at character {self.start + 1}"
        hint = _HINTS.get(self.word or self.text.rstrip()[-1:])
        return ToolSoftError(f"expected {expected}, found {found}" + (f": {hint}" if hint else ""))


def _bounded(value: Fraction) -> Fraction:
    """The value, or its nearest double when it has grown long. A value beyond doubles is refused."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) <= _MAX_BITS:
        return value
    try:
        return Fraction(float(value))
    except OverflowError:
        raise _too_large() from None


def _too_large() -> ToolSoftError:
    return ToolSoftError("a number in it grows too large: beyond 1e308")


def _divided(how: Callable[[Fraction, Fraction], Fraction | int]) -> Callable[[Fraction, Fraction], Fraction]:
    def divide(left: Fraction, right: Fraction) -> Fraction:
        if right == 0:
            raise ToolSoftError("division by zero")
        return Fraction(how(left, right))

    return divide


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    """Exact where the exponent is whole and the result not long; else by floating point."""
    if base == 0 and exponent < 0:
        raise ToolSoftError("division by zero: 0 to a negative power")
    if base < 0 and exponent.denominator != 1:
        raise ToolSoftError("a negative number has no real power with a broken exponent")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if exponent.denominator == 1 and abs(exponent.numerator) * bits <= _MAX_BITS:
        return Fraction(base**exponent.numerator)
    try:
        return Fraction(float(base) ** float(exponent))
    except (OverflowError, ZeroDivisionError):
        raise _too_large() from None


def _sqrt(value: Fraction) -> Fraction:
    if value < 0:
        raise ToolSoftError("a negative number has no real square root")
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Fraction(top, bottom)
    try:
        return Fraction(math.sqrt(value))
    except OverflowError:
        raise _too_large() from None


def _round(value: Fraction, digits: Fraction = Fraction(0)) -> Fraction:
    if digits.denominator != 1 or abs(digits) > _MAX_DIGITS:
        raise ToolSoftError(f"round takes a whole number of digits from -{_MAX_DIGITS} to {_MAX_DIGITS}")
    scale = Fraction(10) ** digits.numerator
    rounded = math.floor(abs(value) * scale + Fraction(1, 2)) / scale
    return -rounded if value < 0 else rounded


_BINARY: Final[dict[str, tuple[int, Callable[[Fraction, Fraction], Fraction]]]] = {
    "+": (1, operator.add),
    "-": (1, operator.sub),
    "*": (2, operator.mul),
    "/": (2, _divided(operator.truediv)),
    "//": (2, _divided(operator.floordiv)),
    "%": (2, _divided(operator.mod)),
}
"""Sign → how tightly it binds, and what it does."""

_FUNCTIONS: Final[dict[str, tuple[int, int, Callable[..., Fraction]]]] = {
    "abs": (1, 1, abs),
    "ceil": (1, 1, lambda value: Fraction(math.ceil(value))),
    "floor": (1, 1, lambda value: Fraction(math.floor(value))),
    "max": (1, MAX_LENGTH, lambda *values: max(values)),
    "min": (1, MAX_LENGTH, lambda *values: min(values)),
    "round": (1, 2, _round),
    "sqrt": (1, 1, _sqrt),
}
"""Name → the least and the most numbers it takes, and what it does."""
