"""What the checker is told about a template: every problem at its own character, and every name."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner.errors import TemplateError
from planrunner.template import compile_expression, compile_value, find_problems, is_template, references
from planrunner.template.names import free_names
from planrunner.template.syntax import TemplateSyntaxFault, parse


def marked(text: str) -> tuple[str, int]:
    """The text without its mark `^`, and where the mark stood: the problem is at the character behind it."""
    return text.replace("^", "", 1), text.index("^")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a ^{{ x", "`{{` is never closed"),
        ("a\nb {{ x }} ^{{ y\nc", "`{{` is never closed"),
        ("a ^{% if x", "`{%` is never closed"),
        ("a ^{# {{ x }}", "`{#` is never closed"),
        ("a ^{% raw %}{{ x }}", "is never closed"),
        ("^{% if x %}{{ y }}", "`{% if %}` is never closed: write `{% endif %}`"),
        ("^{% for x in y %}{{ x }}", "write `{% endfor %}`"),
        ("{% if x %}{% ^endfor %}", "`{% endfor %}` does not fit here"),
        ("{% ^endif %}{{ x }}", "`{% endif %}` closes nothing"),
        ("{% for x in y %}{% ^break %}{% endfor %}", "there is no tag `break`"),
        ("{% ^fro x in y %}{% endfor %}", "did you mean 'for'?"),
        ("{% ^include 'x' %}", "there is no include"),
        ("{% ^macro m() %}{% endmacro %}", "there is no macro"),
        ("don't {{ a ^&& b }} won't", "write `and`"),
        ("{{ a + b }} {{ a ^@ b }}", "'@' has no meaning here: take it out, or write a string in quotes"),
        ("{{ a ^b }}", "`b` can't follow here: an operator, a filter or `}}` was expected"),
        ("{{ ^}}", "an expression is missing before `}}`"),
        ("{{ a | ^}}", "a name was expected"),
        ("{{ a | ^uper }}", "there is no filter `uper`; did you mean 'upper'?"),
        ("{{ a | ^attr('b') }}", "write x['NAME']"),
        ("{{ a | upper | ^replace('x') }}", "the filter `replace` takes (old, new, count)"),
        ("{{ a | ^upper(1) }}", "the filter `upper` takes nothing"),
        ("{{ a | ^default(valu=1) }}", "the filter `default` takes (default_value, boolean)"),
        ("{{ a ^is defind }}", "there is no test `is defind`; did you mean 'defined'?"),
        ("{{ 1 if a ^is null else 2 }}", "write `== null`"),
        ("{{ a ^is divisibleby }}", "the test `divisibleby` takes (num)"),
        ("{{ a.items^() }}", "use x | items"),
        ("{{ a.upper^() }}", "write x | upper"),
        ("{{ now^() }}", "there is no clock"),
        ("{{ foo^() }}", "there are only filters"),
        ("{{ range^(1, 2, 3, 4) }}", "range takes one to three numbers"),
        ("{{ a ^&& b }}", "write `and`"),
        ("{{ a ^|| b }}", "write `or`"),
        ("{{ a ^=== b }}", "write `==`"),
        ("{{ a ^!== b }}", "write `!=`"),
        ("{{ ^!a }}", "write `not`"),
        ("{{ a ^? b : c }}", "write `A if CONDITION else B`"),
        ("{{ a ^?? b }}", "write `or`"),
        ("{{ a^?.b }}", "write `.`"),
        ("{{ a ^= b }}", "write `==`"),
        ("{{ a ^<> b }}", "write `!=`"),
        ("{{ a ^=> b }}", "to compare, write `>=`"),
        ("{{ a ^| default: 'x' }}", "stands in brackets"),
        ("{{ [^x for x in y] }}", "there are no comprehensions"),
        ("{{ ^lambda x: x }}", "functions are not known here"),
        ("{{ a[^{{ b }}] }}", "braces can't stand in braces"),
        ("{% if ^{{ a }} %}x{% endif %}", "braces can't stand in braces"),
        ("{{ f^'x' }}", "a string in quotes can't follow here"),
        ("{{ a | ^size }}", "write length"),
        ("{{ a ^AND b }}", "in small letters"),
        ("{{ ^`a` }}", "a backtick is not known"),
        ("{{ ^'a }}", "the string that begins here is never closed"),
        ("{{ (a^] }}", "`]` closes what `)` should close"),
        ("{{ a^; }}", "`;` can't follow here"),
        ("{{ ^'a' if b }}", "needs an `else`"),
        ("{{ ^1e999 }}", "this number is too large"),
        ("{{ ^'\\ud800' }}", "half a character"),
        ("{% ^for x in y recursive %}{% endfor %}", "there are no recursive loops"),
        ("{% set ^null = 1 %}", "`null` has a meaning of its own"),
        ("^${{ a }}", "`${{ }}` is not known: write `{{ }}`"),
        (" {{- a ^b -}} ", "`b` can't follow here"),
        ("x  \n {%- if a -%}\n {{ b ^c }}{% endif %}", "`c` can't follow here"),
        ("a\r\n{{ b ^c }}", "`c` can't follow here"),
    ],
)
def test_problems_of_templates(text: str, message: str) -> None:
    text, offset = marked(text)
    problem = find_problems(text)[0]
    assert message in problem.message
    assert problem.offset == offset
    with pytest.raises(TemplateError):
        compile_value(text)({})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("^{{ a }}", "write it without braces"),
        ("a == ^{{ b }}", "write it without braces"),
        ("^${{ a }}", "write it without braces"),
        ("^{% if a %}", "write it without braces"),
        ("a ^&& b", "write `and`"),
        ("a ^b", "`b` can't follow here: an operator, a filter or the end was expected"),
        ("a ==^", "ends where more is expected"),
        ("^", "ends where more is expected"),
        ("steps.a.output ^is null", "write `== null`"),
        ("a ^= 'x'", "write `==`"),
        ("a == ^'x", "is never closed"),
        ("(a == b^", "ends where more is expected"),
        ("a | ^foo", "there is no filter `foo`"),
        ("a ^}} b", "`}}` can't follow here"),
    ],
)
def test_problems_of_bare_expressions(text: str, message: str) -> None:
    text, offset = marked(text)
    problem = find_problems(text, bare=True)[0]
    assert message in problem.message
    assert problem.offset == offset
    with pytest.raises(TemplateError):
        compile_expression(text)({})


def test_all_problems_come_at_once() -> None:
    text = "{{ a | foo }} and {{ b() }} and {{ c is null }}"
    assert [problem.offset for problem in find_problems(text)] == [
        text.index("foo"),
        text.index("("),
        text.index("is null"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{{ a }}",
        "Refund ${{ amount }} please",
        "{{ 'a && b || !c ? d : e' }}",
        "{{ '{{' }}",
        "{{ 'it''s' ~ \"}}\" }}",
        "{{ a != b and not (c == d) }}",
        "{{ {'a': {'b': [1, {}]}} }}",
        "{% raw %}{{ && {% endraw %}",
        "{% if a %}x{% elif b %}y{% else %}z{% endif %}",
        "&& || {{ a }} ===",
    ],
)
def test_good_templates_have_no_problems(text: str) -> None:
    assert find_problems(text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ inputs.id }}", [("inputs", "id")]),
        ("{{ steps['order'].output.total + 1 }}", [("steps", "order", "output", "total")]),
        ("{{ steps.order.output.lines[0].sku }}", [("steps", "order", "output", "lines")]),
        ("{{ steps.order.output[inputs.key].x }}", [("steps", "order", "output"), ("inputs", "key")]),
        ("{{ a | default(b.c) }} {{ d is in e }}", [("a",), ("b", "c"), ("d",), ("e",)]),
        ("{{ x if y else z }}", [("x",), ("y",), ("z",)]),
        ("{{ [a, {'k': b}, -c, not d, e ~ f, g < h] }}", [(name,) for name in "abcdefgh"]),
        (
            "{% for x in inputs.list if x.ok %}{{ x.y }}{{ loop.index }}{{ z }}{% endfor %}",
            [("inputs", "list"), ("z",)],
        ),
        ("{% for x in x %}{% endfor %}{{ x }}", [("x",), ("x",)]),
        ("{% for a, b in c %}{{ a }}{{ b }}{% else %}{{ a }}{% endfor %}", [("c",), ("a",)]),
        ("{{ x }}{% set x = y %}{{ x }}", [("x",), ("y",)]),
        ("{% set x %}{{ y }}{% endset %}{{ x }}", [("y",)]),
        ("{% with a = b %}{{ a }}{% endwith %}{{ a }}", [("b",), ("a",)]),
        ("{% for i in r %}{% set x = i %}{{ x }}{% endfor %}{{ x }}", [("r",), ("x",)]),
        ("{% filter upper %}{{ a.b }}{% endfilter %}", [("a", "b")]),
        ("{{ null }}{{ none }}{{ true }}{{ range(n) }}", [("n",)]),
        ("{{ a[1:b] }}", [("a",), ("b",)]),
        ("no template", []),
        ("{{ broken", []),
    ],
)
def test_references(text: str, names: list[tuple[str, ...]]) -> None:
    found = references(text)
    assert [reference.names for reference in found] == names
    for reference in found:
        assert text[reference.offset :].startswith(reference.names[0])


def test_offsets_hold_in_bare_expressions_and_over_line_breaks() -> None:
    text = "  (steps.a.output or\r\n   inputs.é) == steps . b . state"
    assert [(found.names, text[found.offset]) for found in references(text, bare=True)] == [
        (("steps", "a", "output"), "s"),
        (("inputs", "é"), "i"),
        (("steps", "b", "state"), "s"),
    ]


PIECES = ["{{", "}}", "{%", "%}", "{#", "#}", "if ", "endif", "for x in y", "set a", "=", "==", "|", "upper", "(", ")"]
PIECES += ["[", "]", "{", "}", "'", '"', "a", ".b", "1", "1.5", " ", "\n", "\r", "-", "&&", "!", "?", "is null", "\\"]


@settings(derandomize=True, database=None, max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.booleans())
def test_whatever_is_written_gets_a_verdict(text: str, bare: bool) -> None:
    problems = find_problems(text, bare)
    for problem in problems:
        assert 0 <= problem.offset <= len(text)
        assert problem.message
    try:
        render = compile_expression(text) if bare else compile_value(text)
    except TemplateError:
        assert problems
        return
    assert not [problem for problem in problems if "${{" not in problem.message]
    with suppress(TemplateError):
        render({"a": {"b": 1}, "y": [1]})


@settings(derandomize=True, database=None, max_examples=300, deadline=None)
@given(st.text(max_size=60), st.booleans())
def test_any_text_gets_a_verdict(text: str, bare: bool) -> None:
    find_problems("{{" + text, bare)
    find_problems(text, bare)


def test_jinja_is_imported_only_for_what_is_no_plain_path() -> None:
    program = (
        "import sys; from planrunner.template import compile_value, find_problems;"
        "assert compile_value({'a': '{{ b.c }}'})({'b': {'c': 1}}) == {'a': 1}; assert 'jinja2' not in sys.modules;"
        "find_problems('{{ b + 1 }}'); assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


_NEAR_PATHS = (
    *("{{", "}}", "{%", "{#", "#}", "{", "}", "-", "+", ".", " ", "\n", "\r", "\x1c", "\xa0", "é", "1", "a", "b.c"),
    *(
        "not",
        "if",
        "null",
        "true",
        "loop",
        "steps.x.output",
        "{{ a }}",
        "{{ b.c }}",
        "{{b.if}}",
        "{{ null }}",
        "{{ a . b }}",
    ),
    *("{{- a }}", "{{ True.x }}", "{{ loop.index }}", "{% raw %}", "{% endraw %}"),
)


@settings(derandomize=True, max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(_NEAR_PATHS), min_size=1, max_size=6).map("".join), st.booleans())
def test_plain_paths_are_read_as_jinja_reads_them(text: str, bare: bool) -> None:
    if not bare and not is_template(text):
        return
    try:
        tree = parse(text, bare)
    except TemplateSyntaxFault:
        assert find_problems(text, bare)
        return
    if not find_problems(text, bare):
        assert references(text, bare) == free_names(tree)
