"""No template reaches Python, and none eats the machine."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from planrunner.errors import TemplateError
from planrunner.template import compile_expression, compile_value, find_problems
from planrunner.template.faults import MAX_TEXT


class Thing:
    """An object that should never stand in a template's names."""

    secret = "s3cret"

    def method(self) -> str:
        return self.secret


NAMES: dict[str, Any] = {
    "x": {"a": 1},
    "text": "abc",
    "number": 1,
    "list": list(range(5000)),
    "words": [f"k{number}" for number in range(10_000)],
    "big": "x" * 3_000_000,
    "other": "x" * 2_999_999 + "y",
    "thing": Thing(),
    "format": "{0.__class__}",
    "attribute": "__class__",
}

ESCAPES = [
    "''.__class__",
    "''.__class__.__mro__",
    "''['__class__']",
    "''[attribute]",
    "x.__class__",
    "x['__class__']",
    "x[attribute]",
    "[].__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "(1).__class__",
    "1.5.__class__",
    "none.__class__",
    "true.__class__",
    "x.__init__.__globals__",
    "x.items.__func__",
    "x.items()",
    "x.get('a')",
    "text.upper()",
    "text.format(1)",
    "text.join([1])",
    "format.format('')",
    "'{0.__class__}'.format('')",
    "'{0.__class__}' | format('')",
    "'%(a.__class__)s' | format(a=1)",
    "'%s' % ''.__class__",
    "x | attr('__class__')",
    "text | attr(attribute)",
    "[x] | map(attribute='__class__')",
    "[x] | map(attribute='__class__.__mro__')",
    "[text] | map(attribute='upper')",
    "[x] | map(attribute=attribute)",
    "[x] | map('attr', '__class__')",
    "[x] | selectattr('__class__')",
    "[x] | sort(attribute='__class__')",
    "[x] | groupby('__class__')",
    "[x] | sum(attribute='__class__')",
    "[x] | join(attribute='__class__')",
    "[x] | select('callable')",
    "[x] | select('__class__')",
    "cycler('a').__init__.__globals__",
    "cycler.__init__.__globals__",
    "joiner()",
    "namespace(a=1)",
    "lipsum.__globals__",
    "lipsum()",
    "dict(a=1)",
    "self",
    "self._TemplateReference__context",
    "self.__init__",
    "super()",
    "caller()",
    "varargs",
    "kwargs",
    "context",
    "environment",
    "config",
    "request",
    "g",
    "get_flashed_messages",
    "url_for",
    "range.__class__",
    "range",
    "range(1).__class__",
    "loop",
    "open('/etc/passwd')",
    "import_module('os')",
    "__builtins__",
    "__import__('os')",
    "_",
    "thing.secret",
    "thing.method()",
    "[thing]",
    "thing ~ ''",
    "thing | string",
    "thing | tojson",
    "thing | default(1)",
    "x is callable",
    "x is sameas x",
    "x is filter",
    "x | pprint",
    "x | xmlattr",
    "text | safe",
    "text | escape",
    "text | random",
    "list | random",
    "text | urlize",
    "range(*[1])",
    "x | replace(**x)",
]


@pytest.mark.parametrize("expression", ESCAPES)
def test_no_way_out(expression: str) -> None:
    for render in (
        lambda: compile_expression(expression)(NAMES),
        lambda: compile_value(f"a {{{{ {expression} }}}}")(NAMES),
        lambda: compile_value(f"{{% set q = {expression} %}}{{{{ q }}}}")(NAMES),
    ):
        with pytest.raises(TemplateError) as caught:
            render()
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% block b %}{% endblock %}",
        "{% macro m() %}{% endmacro %}",
        "{% call x() %}{% endcall %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% set x.a = 1 %}",
        "{% set ns.a = 1 %}",
        "{% do x %}",
        "{% debug %}",
        "{% trans %}a{% endtrans %}",
        "{% for a in list recursive %}{{ loop(a) }}{% endfor %}",
        "{% for a in list %}{{ loop.__class__ }}{% endfor %}",
        "{% for a in list %}{{ loop.cycle('a') }}{% endfor %}",
        "{% for a in list %}{{ loop.changed(a) }}{% endfor %}",
        "{% for a in list %}{{ loop._iterator }}{% endfor %}",
        "{% set null = 1 %}",
        "{% set true = 1 %}",
        "{% set loop = 1 %}",
        "{% for null in list %}{% endfor %}",
    ],
)
def test_no_tag_reaches_outside(text: str) -> None:
    with pytest.raises(TemplateError):
        compile_value(text)(NAMES)


def test_a_local_name_does_not_outlive_its_template() -> None:
    render = compile_value("{% set leak = 1 %}{{ leak }}")
    assert render({}) == "1"
    with pytest.raises(TemplateError, match="'leak'"):
        compile_value("a{{ leak }}")({})


EVERY = "{% for i in range(10000) %}"
BOMBS = [
    "{{ 'a' * 10**9 }}",
    "{{ 10 ** (10**9) }}",
    "{{ (10 ** 3000) ** 2 }}",
    "{{ 10.0 ** 1000 }}",
    "{{ range(10**9) }}",
    "{{ range(-10**9, 0) | list }}",
    f"{EVERY}{{% for j in range(10000) %}}x{{% endfor %}}{{% endfor %}}",
    f"{EVERY}{{% for j in range(10000) %}}{{% endfor %}}{{% endfor %}}",
    f"{EVERY}{{% for j in range(10000) if j < 0 %}}{{% endfor %}}{{% endfor %}}",
    f"{EVERY}{{{{ big | upper | length }}}}{{% endfor %}}",
    f"{EVERY}{{{{ big is lower }}}}{{% endfor %}}",
    f"{EVERY}{{{{ big == other }}}}{{% endfor %}}",
    f"{EVERY}{{{{ big < other }}}}{{% endfor %}}",
    f"{EVERY}{{{{ 'y' in big }}}}{{% endfor %}}",
    f"{EVERY}{{{{ big | wordcount }}}}{{% endfor %}}",
    f"{EVERY}{{{{ big | list | length }}}}{{% endfor %}}",
    f"{EVERY}{{{{ words | sort | length }}}}{{% endfor %}}",
    f"{EVERY}{{{{ words | unique | length }}}}{{% endfor %}}",
    f"{EVERY}{{{{ list | map('string') | length }}}}{{% endfor %}}",
    f"{EVERY}{{{{ (list ~ '') | length }}}}{{% endfor %}}",
    f"{EVERY}{{% if list == list %}}{{% endif %}}{{% endfor %}}",
    "{{ big | replace('x', big) }}",
    "{{ big | replace('', big) }}",
    "{{ big | indent(1000) }}",
    "{{ '\n' * 1000000 | indent(1000, true, true) }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ '%*d' | format(999999999, 1) }}",
    "{{ ('%999d' * 100000) | format(1) }}",
    "{{ words | join(big) }}",
    "{{ list | batch(10000, big) | tojson }}",
    "{{ list | map('replace', '1', big) | list }}",
    "{{ [[[[[[1]]]]]] | tojson(indent=10**9) }}",
    "{{ big }}{{ big }}",
    "{{ [big, big, big, big, big, big, big] }}",
    "{% set a = [1] %}" + "{% set a = [a, a] %}" * 50 + "{{ a }}",
    "{% set a = [1] %}" + "{% set a = [a, a] %}" * 50 + "{{ a == a }}",
    "{% set a = [1] %}" + "{% set a = a + a %}" * 50 + "{{ a | length }}",
    "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 50 + "{{ a | length }}",
    "{% set a = 'x' %}" + "{% set a = a + a %}" * 50 + "{{ a | length }}",
    "{% set a = 99 %}" + "{% set a = a * a %}" * 50 + "{{ a }}",
    "{{ 1 | round(10**9) }}",
    "{{ 1.5 | round(10**9, 'ceil') }}",
    "{{ ('9' * 5000) | int }}",
    "{{ " + "9" * 100_000 + " }}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ " + "[" * 3000 + "]" * 3000 + " }}",
    "{{ " + "not " * 9000 + "1 }}",
    "{{ " + "1+" * 9000 + "1 }}",
    "{{ " + "1+" * 2_000_000 + "1 }}",
    "{{ x }}" * 500_000,
    "{% if x %}" * 3000 + "{% endif %}" * 3000,
    "{{ x" + ".a" * 5000 + " }}",
    "{{ 1 " + "| abs " * 5000 + "}}",
]
# Each in turn, in a process that may use ten seconds and 700 MB for all of them: a hang or a full memory is a failure.
PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))
from tests.aids.test_template_sandbox import BOMBS, NAMES
from planrunner.errors import TemplateError
from planrunner.template import compile_value
for bomb in BOMBS:
    try:
        made = compile_value(bomb)(NAMES)
    except TemplateError:
        continue
    print(bomb[:80], "gave", repr(made)[:40])
print("done")
"""


def test_bombs_end_in_an_error() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    assert done.stdout == "done\n"


def test_a_text_of_the_allowed_length_is_written() -> None:
    names = {"x": "a" * (MAX_TEXT - 1)}
    assert len(compile_value("{{ x }}.")(names)) == MAX_TEXT
    with pytest.raises(TemplateError, match="writes more than"):
        compile_value("{{ x }}..")(names)


def test_a_value_that_only_passes_through_has_no_limit() -> None:
    value = {"big": "a" * (MAX_TEXT * 20)}
    assert compile_value("{{ x }}")({"x": value}) is value


def test_honest_work_is_done() -> None:
    rows = [{"id": number, "name": f"n{number}", "ok": number % 2 == 0} for number in range(5000)]
    text = "{% for row in rows if row.ok %}{{ loop.index }}. {{ row.name | upper }} {{ row.id + 1 }}\n{% endfor %}"
    assert compile_value(text)({"rows": rows}).count("\n") == 2500
    assert compile_value("{{ rows | selectattr('ok') | map(attribute='id') | sum }}")({"rows": rows}) == 6247500


@pytest.mark.parametrize("text", BOMBS[-9:])
def test_checking_a_bomb_is_cheap(text: str) -> None:
    assert isinstance(find_problems(text), list)
