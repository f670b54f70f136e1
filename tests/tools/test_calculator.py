import math
import re
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner.errors import ToolSoftError
from planrunner.tools.builtin.calculator import MAX_LENGTH, evaluate


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1", 1),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("0.1 + 0.2", 0.3),
        ("1 / 3 * 3", 1),
        ("10 / 4", 2.5),
        ("10 / 5", 2),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("5.5 % 2", 1.5),
        ("2 ** 10", 1024),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("(-2) ** 2", 4),
        ("2 ** -1", 0.5),
        ("4 ** 0.5", 2),
        ("- - 3", 3),
        ("1e3", 1000),
        (".5 + 5.", 5.5),
        ("12345678901234567890 + 1", 12345678901234567891),
        ("10 ** 400 / 10 ** 399", 10),
        ("abs(-3.5)", 3.5),
        ("ceil(1.2) + floor(1.8)", 3),
        ("max(1, 5, 3) - min(4, 2)", 3),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(2.345, 2)", 2.35),
        ("round(1234, -2)", 1200),
        ("round((19.99 + 5) * 1.19, 2)", 29.74),
        ("sqrt(9 / 4)", 1.5),
        ("sqrt(2)", math.sqrt(2)),
        ("200000 * 0.05 / 12 / (1 - (1 + 0.05 / 12) ** -360)", 1073.643246024278),
        (" 1\n+\t1 ", 2),
    ],
)
def test_value(expression, value):
    found = evaluate(expression)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "found the end"),
        ("1 +", "found the end"),
        ("(1", "expected an operator or )"),
        ("1 2", "'2' at character 3"),
        ("2 ^ 3", "write ** for a power"),
        ("5%", "divide by 100"),
        ("1,000", "a comma only separates"),
        ("3 \N{MULTIPLICATION SIGN} 4", "write *"),
        ("1 / 0", "division by zero"),
        ("1 // (2 - 2)", "division by zero"),
        ("1 % 0", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("sqrt(-1)", "no real square root"),
        ("(-8) ** (1 / 3)", "no real power"),
        ("10 ** 400", "too large"),
        ("9 ** 9 ** 9 ** 9", "too large"),
        ("2 ** 1024", "too large"),
        ("round(1, 0.5)", "whole number of digits"),
        ("round(1, 1e9)", "whole number of digits"),
        ("max()", "expected a number"),
        ("abs(1, 2)", "expected an operator or )"),
        ("abs", "( after abs"),
        ("x + 1", "the functions are abs, ceil"),
        ("__import__('os').system('true')", "there is no '__import__'"),
        ("(1).__class__", "found '.'"),
        ("1 if 2 else 3", "expected an operator"),
        ("(" * 60 + "1" + ")" * 60, "nested more than"),
        ("-" * 999 + "1", "nested more than"),
        ("1+" * 600 + "1", f"at most {MAX_LENGTH}"),
    ],
)
def test_refused_with_words(expression, words):
    with pytest.raises(ToolSoftError) as caught:
        evaluate(expression)
    assert words in str(caught.value)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(st.text(alphabet="0123456789.eE+-*/%()^, abcminroundsqtx\x00é٣", max_size=60))
def test_any_text_ends_in_a_number_or_a_soft_error(text):
    try:
        value = evaluate(text)
    except ToolSoftError:
        pass
    else:
        assert type(value) in (int, float)
        assert math.isfinite(value)


_numbers = st.decimals(min_value=0, max_value=10**6, places=3).map(str)
_expressions = st.recursive(
    _numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: "({} {} {})".format(*parts)),
        inner.map(lambda text: f"abs(-{text})"),
    ),
    max_leaves=12,
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(_expressions)
def test_agrees_with_exact_arithmetic(expression):
    exact = eval(re.sub(r"[\d.]+", lambda number: f"Fraction('{number[0]}')", expression))
    expected = int(exact) if exact == int(exact) else float(exact)
    assert Fraction(evaluate(expression)) == Fraction(expected)


_LONG_CHAINS = """
from planrunner.errors import ToolSoftError
from planrunner.tools.builtin.calculator import MAX_LENGTH, evaluate

for sign in ("*", "**", "+", "/", "**-"):
    for number in ("9", "9.9", "0.1", "99999", "1e9999"):
        try:
            evaluate(sign.join([number] * (MAX_LENGTH // (len(number) + len(sign)))))
        except ToolSoftError:
            pass
print("done")
"""


def test_the_longest_chains_come_to_an_end():
    """In a process of its own, so that one that does not end is a failure."""
    ended = subprocess.run([sys.executable, "-c", _LONG_CHAINS], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "done\n", ended.stderr
