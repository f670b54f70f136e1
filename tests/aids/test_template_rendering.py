"""What templates and expressions give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner import template
from planrunner.errors import TemplateError
from planrunner.template import compile_expression, compile_text, compile_value, is_template


class View(Mapping[str, Any]):
    """A lazy read-only mapping, as the runner hands them in."""

    def __init__(self, held: dict[str, Any]) -> None:
        self._held = held

    def __getitem__(self, key: str) -> Any:
        return self._held[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


NAMES: Mapping[str, Any] = MappingProxyType(
    {
        "inputs": View(
            {
                "id": "A-1",
                "n": 3,
                "price": 2.5,
                "yes": True,
                "none": None,
                "list": [3, 1, 2],
                "words": ["b", "A", "c", "a"],
                "people": [{"name": "Ada", "age": 36}, {"name": "Bo", "age": 7}, {"name": "Cy", "age": None}],
                "items": {"items": "a field", "keys": [1], "é": "ü"},
            }
        ),
        "steps": View(
            {
                "order": View({"output": View({"total": 30, "lines": [{"sku": "x"}]}), "state": "COMPLETE"}),
                "skipped": {"output": None, "state": "SKIPPED"},
            }
        ),
        "run": {"started_at": "2026-01-02T03:04:05.678Z"},
    }
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ inputs.n }}", 3),
        ("  {{ inputs.n }}\n", 3),
        ("{#- why -#}{{ inputs.n }}", 3),
        ("{{ inputs.none }}", None),
        ("{{ inputs.list }}", [3, 1, 2]),
        ("{{ inputs['id'] }}", "A-1"),
        ("{{ inputs.list[0] }}", 3),
        ("{{ inputs.list[-1] }}", 2),
        ("{{ inputs.list.1 }}", 1),
        ("{{ inputs.list[:2] }}", [3, 1]),
        ("{{ inputs.id[2:] }}", "1"),
        ("{{ steps.order.output }}", {"total": 30, "lines": [{"sku": "x"}]}),
        ("{{ steps.order.output.lines[0].sku }}", "x"),
        ("{{ null }}", None),
        ("{{ none }}", None),
        ("{{ true }}", True),
        ("{{ [1, 'a', null, {'k': false}] }}", [1, "a", None, {"k": False}]),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
        ("{{ inputs.n + 1.5 }}", 4.5),
        ("{{ 7 // 2 * 2 - 7 % 4 }}", 3),
        ("{{ 2 ** 10 }}", 1024),
        ("{{ -inputs.n }}", -3),
        ("{{ 'ab' + 'c' }}", "abc"),
        ("{{ '-' * 3 }}", "---"),
        ("{{ [1] + [2] }}", [1, 2]),
        ("{{ inputs.n if inputs.yes else 0 }}", 3),
        ("{{ steps.skipped.output or 'nothing' }}", "nothing"),
        ("{{ not inputs.yes }}", False),
        ("{{ 1 < inputs.n <= 3 }}", True),
        ("{{ 'A' in inputs.id and 'items' in inputs.items and 3 in inputs.list }}", True),
        ("{{ 9 not in inputs.list }}", True),
        ("{{ range(2, 8, 3) }}", [2, 5]),
        ("{{ 'a' ~ 1 ~ null ~ true ~ [1, 'x'] ~ {'k': 1.0} }}", 'a1nulltrue[1, "x"]{"k": 1.0}'),
    ],
)
def test_one_expression_keeps_its_type(text: str, value: Any) -> None:
    made = compile_value(text)(NAMES)
    assert made == value
    assert isinstance(made, View) or type(made) is type(value)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Order {{ inputs.id }}", "Order A-1"),
        (
            "{{ inputs.n }},{{ inputs.price }},{{ inputs.yes }},{{ inputs.none }},{{ inputs.list }}",
            "3,2.5,true,null,[3, 1, 2]",
        ),
        ("= {{ inputs.items }}", '= {"items": "a field", "keys": [1], "é": "ü"}'),
        ("{{ inputs.id }}{{ inputs.id }}", "A-1A-1"),
        (
            "{% for p in inputs.people if p.age %}{{ loop.index }}/{{ loop.length }} {{ p.name }}; {% endfor %}",
            "1/2 Ada; 2/2 Bo; ",
        ),
        ("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none"),
        ("{% for k, v in inputs.items | items %}{{ k }}={{ v }} {% endfor %}", "items=a field keys=[1] é=ü "),
        ("{% for x in inputs.words %}{{ '' if loop.first else ', ' }}{{ x }}{% endfor %}", "b, A, c, a"),
        ("{% if inputs.n > 5 %}a{% elif inputs.n == 3 %}b{% else %}c{% endif %}", "b"),
        ("{% set x = inputs.n %}{% for i in [1] %}{% set x = 9 %}{% endfor %}{{ x }}!", "3!"),
        ("{% set x %}<{{ inputs.n }}>{% endset %}{{ x }}{{ x }}", "<3><3>"),
        ("{% set a, b = [1, 2] %}{{ b }}{{ a }}", "21"),
        ("{% with a = 1, b = inputs.n %}{{ a + b }}{% endwith %}.", "4."),
        ("{% filter upper | replace('A', 'b') %}a{{ inputs.id }}{% endfilter %}", "bb-1"),
        ("{% raw %}{{ x }}{% endraw %} {{ inputs.n }}", "{{ x }} 3"),
        ("a {{- inputs.n -}}  b", "a3b"),
        ("line\n{{ inputs.n }}\n\n", "line\n3\n\n"),
        ("a\r\nb {{ inputs.n }}\rc\r\n", "a\r\nb 3\rc\r\n"),
        ("{{ 'a\r\nb' ~ inputs.n }}.", "a\r\nb3."),
        ("{# gone #}{{ inputs.n }} é {{ 'ü' }}", "3 é ü"),
    ],
)
def test_text_is_written(text: str, written: str) -> None:
    assert compile_value(text)(NAMES) == written


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ inputs.id | lower | upper }}", "A-1"),
        ("{{ 'one TWO' | title }} ", "One Two"),
        ("{{ 'one TWO' | capitalize }}", "One two"),
        ("{{ '  x ' | trim }}", "x"),
        ("{{ 'aaa' | replace('a', 'b', 2) }}", "bba"),
        ("{{ 'one two three' | truncate(8, leeway=0) }}", "one..."),
        ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
        ("{{ '%s is %05.1f, %d%%' | format(inputs.yes, 2, 7) }}", "true is 002.0, 7%"),
        ("{{ '%(who)s' | format(who='Ada') }}", "Ada"),
        ("{{ 'a b/ü' | urlencode }}", "a%20b/%C3%BC"),
        ("{{ {'q': 'a b'} | urlencode }}", "q=a+b"),
        ("{{ 'one two' | wordcount }}", 2),
        ("{{ 5 | string }}", "5"),
        ("{{ ' 42 ' | int }}", 42),
        ("{{ 'x' | int(0) }}", 0),
        ("{{ '4.7' | int }}", 4),
        ("{{ '1.5' | float }}", 1.5),
        ("{{ 2.567 | round(2) }}", 2.57),
        ("{{ 2.1 | round(0, 'ceil') }}", 3.0),
        ("{{ -3 | abs }}", 3),
        ("{{ inputs.people | length }}", 3),
        ("{{ inputs.list | first }}", 3),
        ("{{ inputs.list | last }}", 2),
        ("{{ [] | first | default('none') }}", "none"),
        ("{{ inputs.items | list }}", ["items", "keys", "é"]),
        ("{{ inputs.list | reverse }}", [2, 1, 3]),
        ("{{ inputs.words | sort }}", ["A", "a", "b", "c"]),
        ("{{ inputs.words | sort(case_sensitive=true, reverse=true) }}", ["c", "b", "a", "A"]),
        ("{{ inputs.words | unique }}", ["b", "A", "c"]),
        ("{{ [1, 1.0, true, [1], [1]] | unique }}", [1, True, [1]]),
        ("{{ inputs.list | join('; ') }}", "3; 1; 2"),
        ("{{ inputs.people | join(', ', attribute='name') }}", "Ada, Bo, Cy"),
        ("{{ inputs.list | sum }}", 6),
        ("{{ inputs.people[:2] | sum(attribute='age') }}", 43),
        ("{{ inputs.list | min }}", 1),
        ("{{ inputs.people[:2] | max(attribute='age') | tojson }}", '{"name": "Ada", "age": 36}'),
        ("{{ inputs.list | batch(2, 0) }}", [[3, 1], [2, 0]]),
        ("{{ [{'k': 1, 'v': 2}, {'k': 1, 'v': 3}] | groupby('k') }}", [[1, [{"k": 1, "v": 2}, {"k": 1, "v": 3}]]]),
        ("{{ inputs.people | map(attribute='name') }}", ["Ada", "Bo", "Cy"]),
        ("{{ inputs.people | map(attribute='age', default=0) }}", [36, 7, 0]),
        ("{{ inputs.words | map('upper') | list }}", ["B", "A", "C", "A"]),
        ("{{ inputs.items | items | map(attribute=0) }}", ["items", "keys", "é"]),
        ("{{ inputs.list | select('>', 1) }}", [3, 2]),
        ("{{ inputs.list | reject('odd') }}", [2]),
        ("{{ [0, 1, null] | select }}", [1]),
        ("{{ inputs.people | selectattr('age', 'number') | map(attribute='name') }}", ["Ada", "Bo"]),
        ("{{ inputs.people | rejectattr('age') | map(attribute='name') }}", ["Cy"]),
        ("{{ {'b': 1, 'a': 2} | dictsort }}", [["a", 2], ["b", 1]]),
        ("{{ {'b': 1, 'a': 2} | dictsort(by='value') }}", [["b", 1], ["a", 2]]),
        ("{{ inputs.id | tojson }}", '"A-1"'),
        ("{{ ['<é>'] | tojson }}", '["<é>"]'),
        ("{{ [1] | tojson(indent=2) }}", "[\n  1\n]"),
        ("{{ inputs.none | default('x') }}", "x"),
        ("{{ inputs.absent.deeper | d('x') }}", "x"),
        ("{{ steps.skipped.output.verdict | default('x') }}", "x"),
        ("{{ nowhere | default('x') }}", "x"),
        ("{{ '' | default('x', true) }}", "x"),
        ("{{ 0 | default('x') }}", 0),
        ("{{ run.started_at | plus('-4d') | date }}", "2025-12-29"),
        ("{{ run.started_at | plus('90m') }}", "2026-01-02T04:34:05.678Z"),
        ("{{ '2026-02-28' | plus('1d') }}", "2026-03-01"),
        ("{{ '2026-02-28' | plus(3600) }}", "2026-02-28T01:00:00"),
        ("{{ '2026-02-28T00:00:00+02:00' | date('%d.%m.%Y %H:%M %z') }}", "28.02.2026 00:00 +0200"),
    ],
)
def test_filters(text: str, value: Any) -> None:
    made = compile_value(text)(NAMES)
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.n is defined and inputs.x is undefined and nowhere is not defined", True),
        ("steps.skipped.output.x is defined", False),
        ("inputs.none is none and inputs.n is not none", True),
        ("inputs.yes is true and inputs.yes is boolean and not inputs.yes is false", True),
        ("inputs.n is integer and inputs.price is float and inputs.n is number and inputs.yes is not number", True),
        ("inputs.id is string and inputs.items is mapping and inputs.list is sequence", True),
        ("inputs.list is iterable and inputs.id is not iterable", True),
        ("inputs.n is odd and 4 is even and 9 is divisibleby 3", True),
        ("inputs.n is eq 3 and inputs.n is ge 3 and inputs.n is lt 4 and inputs.n is ne 4 and 3 is in [3]", True),
        ("'a' is lower and 'A' is upper", True),
        ("inputs.id", "A-1"),
        ("inputs.yes and inputs.n", 3),
    ],
)
def test_bare_expressions(text: str, value: Any) -> None:
    assert compile_expression(text)(NAMES) is value or compile_expression(text)(NAMES) == value


@pytest.mark.parametrize(
    ("expression", "equal"),
    [
        ("1 == 1.0", True),
        ("1 == true", False),
        ("0 == false", False),
        ("[1] == [true]", False),
        ("[1, {'a': 2}] == [1.0, {'a': 2.0}]", True),
        ("{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", True),
        ("inputs.none == null", True),
        ("inputs.list != [3, 1]", True),
        ("steps.order.output == {'total': 30, 'lines': [{'sku': 'x'}]}", True),
        ("'1' == 1", False),
    ],
)
def test_equality_is_that_of_json(expression: str, equal: bool) -> None:
    assert compile_expression(expression)(NAMES) is equal


def test_a_dot_finds_fields_and_never_methods() -> None:
    assert compile_value("{{ inputs.items.items }}")(NAMES) == "a field"
    assert compile_value("{{ inputs.items.keys }}")(NAMES) == [1]
    assert compile_value("{{ inputs.items.é }}")(NAMES) == "ü"


def test_a_value_of_any_shape_is_rendered_leaf_by_leaf() -> None:
    value = {"id": "{{ inputs.id }}", "{{ key }}": [1, {"n": "{{ inputs.n }}", "t": "is {{ inputs.n }}"}], "x": None}
    made = compile_value(value)(NAMES)
    assert made == {"id": "A-1", "{{ key }}": [1, {"n": 3, "t": "is 3"}], "x": None}
    assert value["id"] == "{{ inputs.id }}"


def test_constant_values_come_out_as_they_are() -> None:
    value = {"a": [1, "no template { { } }", {"b": "{# no tag #}"}]}
    assert compile_value(value)(NAMES) is value


def test_a_text_stays_a_text() -> None:
    assert compile_text("{{ inputs.n }}")(NAMES) == "3"
    assert compile_text("{{ inputs.items }}")(NAMES) == '{"items": "a field", "keys": [1], "é": "ü"}'
    assert compile_text("plain")(NAMES) == "plain"


@pytest.mark.parametrize("text", ["", "a", "{ {", "}}", "%}", "{# #}", "{", "a\r\nb\r", "\x00"])
def test_what_is_no_template_is_itself(text: str) -> None:
    assert not is_template(text)
    assert compile_value(text)(NAMES) is text


HOSTILE = st.one_of(
    st.text(),
    st.sampled_from(["{{ 7*7 }}", "{% for x in y %}", "{#", "{{", "}}", "%}", "{% raw %}", "\r\n", "'", '"', "\\"]),
    st.lists(st.sampled_from(["{{", "}}", "{%", "%}", "{#", "#}", "7*7", " ", "\n", "\r", "a", "'"])).map("".join),
)


@settings(derandomize=True, database=None, max_examples=300, deadline=None)
@given(HOSTILE)
def test_data_is_never_a_template(data: str) -> None:
    names = {"x": data, "deep": {"list": [data]}}
    assert compile_value("{{ x }}")(names) is data
    assert compile_value("<{{ x }}|{{ deep.list[0] }}>")(names) == f"<{data}|{data}>"
    assert compile_value("{% for d in deep.list %}{{ d }}{% endfor %}")(names) == data
    assert compile_value("{% set y %}{{ x }}{% endset %}{{ y ~ x }}.")(names) == f"{data}{data}."
    assert compile_value("{{ [x] | join }}")(names) == data


@settings(derandomize=True, database=None, max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="{}"), max_size=60))
def test_text_around_an_expression_is_kept(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert compile_value(f"{text}{{{{ x }}}}{text}.")({"x": 1}) == f"{text}1{text}."


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("{{ steps.skipped.output.verdict }}", ["steps.skipped.output is null", "'verdict'"]),
        ("{{ steps.order.output.totl }}", ["steps.order.output has no 'totl'", "did you mean 'total'?"]),
        ("x {{ steps.order.output.zzz }}", ["there are: lines, total", "in `{{ steps.order.output.zzz }}`"]),
        ("{{ input.n }}", ["there is no 'input' here", "did you mean 'inputs'?"]),
        ("{{ inputs.list.name }}", ["inputs.list is a list", "map(attribute='name')"]),
        ("{{ inputs.list[9] }}", ["inputs.list has 3 items", "[9]"]),
        ("{{ inputs.id.x }}", ["inputs.id is a string, which has no 'x'"]),
        ("{{ inputs.n.x }}", ["inputs.n is the number 3, which has no 'x'"]),
        ("{{ inputs.items[0] }}", ["inputs.items has no [0]"]),
        ("{{ 'a' < 1 }}", ["`<` can't compare a string with the number 1"]),
        ("{{ 'a' + 1 }}", ["`+` can't take a string and the number 1", "`~` joins strings"]),
        ("{{ true + 1 }}", ["`+` can't take true and the number 1"]),
        ("{{ '%s' % 1 }}", ["`%` can't take a string"]),
        ("{{ 1 / 0 }}", ["divides by zero"]),
        ("{{ -'a' }}", ["`-` can't take a string"]),
        ("{{ 1 in 2 }}", ["`in` can't look for the number 1 in the number 2"]),
        ("{{ 'x' | int }}", ["'x' is no number"]),
        ("{{ 'nan' | float }}", ["'nan' is no number"]),
        ("{{ [] | first }}", ["the list is empty"]),
        ("{{ null | length }}", ["length needs a list", "default([])"]),
        ("{% for x in inputs.none %}{% endfor %}", ["for needs a list, and this is null"]),
        ("{% for a, b in inputs.list %}{% endfor %}", ["2 names can't take the number 3"]),
        ("{{ [1, 'a'] | sort }}", ["have no order"]),
        ("{{ inputs.id | items }}", ["items needs an object"]),
        ("{{ 'soon' | plus('1d') }}", ["'soon' is no ISO date"]),
        ("{{ run.started_at | plus('soon') }}", ["length of time such as '-4d'"]),
        ("{{ run.started_at | date('%q') }}", ["format such as"]),
        ("{{ run.started_at | date('%9999999999d') }}", ["format such as"]),
        ("{{ '9999-12-31' | plus('1d') }}", ["leaves the years"]),
        ("{{ {1: 2} }}", ["the keys of an object are strings"]),
        ("{{ inputs[inputs.list] }}", ["inputs is read by a name or a number, and this is a list of 3 (in"]),
        ("{{ [[1]] | sum }}", ["`+` can't take the number 0 and a list of 1 (in"]),
        ("{{ {inputs.list: 2} }}", ["the keys of an object are strings, and this is a list of 3"]),
        ("{{ [inputs.id][1] }}", ["has 1 item, none at [1]"]),
        ("{{ {'a\x1b[2J\nb': 1}.c }}", ["has no 'c'; there are: 'a\\x1b[2J\\nb' (in"]),
        ("{{ inputs.list | map('uper') }}", ["there is no filter 'uper'; did you mean 'upper'?"]),
        ("{{ inputs.list | select('qqqq') }}", ["there is no test 'qqqq'; there are boolean, divisibleby, eq,"]),
        (f"{{{{ {'9' * 5000} }}}}", ["a number in it can't be read: write one with fewer digits"]),
        ("{{ '%d' | format('a') }}", ["format() needs a number"]),
        ("{{ '%s %s' | format('a') }}", ["no value for %s"]),
        ("{{ '%s' | format(1, 2) }}", ["more values than"]),
        ("{{ ['a'] | map('nosuch') }}", ["there is no filter 'nosuch'"]),
        ("{{ ['a'] | select('nosuch') }}", ["there is no test 'nosuch'"]),
        ("{{ ['a'] | map('replace') }}", ["`map` can't take these arguments"]),
        ("{{ 10.0 ** 400 }}", ["too large"]),
        ("{{ 5 | round(2, 'up') }}", ["'common', 'ceil' and 'floor'"]),
    ],
)
def test_errors_say_what_was_found(text: str, parts: list[str]) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_value(text)(NAMES)
    assert caught.value.kind == "template_error"
    for part in parts:
        assert part in str(caught.value)


def test_an_error_names_the_part_of_the_value() -> None:
    with pytest.raises(TemplateError, match=r"^to\[1\]\.name: inputs has no 'nam'"):
        compile_value({"to": ["x", {"name": "{{ inputs.nam }}"}]})(NAMES)
    with pytest.raises(TemplateError, match=r"^a: `\{\{` is never closed"):
        compile_value({"a": "{{ x"})


def test_the_caches_are_bounded() -> None:
    for cache in (template._template, template._expression, template._analysed):
        assert cache.cache_info().maxsize is not None
    for number in range(3000):
        compile_value(f"{{{{ inputs.x{number} }}}}")
    assert template._template.cache_info().currsize <= 2048
