"""Templates and expressions as plans see them: Jinja's language over JSON values, and nothing of Python in it.

Only text of the plan is ever a template. A string that is exactly one `{{ expression }}` keeps the value's type; in
a longer text strings stand as they are and every other value as JSON; `~`, `join`, `format` and the filters on text
make texts of values in the same way. A dot or bracket looks up keys of objects and indexes of lists, and what is
not there is an error that says what is. Size and work of a rendering are bounded by counting (see `faults`).

Filters: see `filters`. Tests: see `predicates`; `defined` and `undefined` beside them. Tags: if, for, set, with,
filter, raw. The one function is range.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from planrunner.errors import TemplateError
from planrunner.template.faults import Budget, Fault
from planrunner.template.names import Reference
from planrunner.template.syntax import MAX_TOKENS, TemplateSyntaxFault

__all__ = [
    "Reference",
    "Renderer",
    "TemplateProblem",
    "compile_expression",
    "compile_prompt",
    "compile_text",
    "compile_value",
    "find_problems",
    "is_template",
    "plain_path",
    "references",
    "whole_expression",
]

Renderer = Callable[[Mapping[str, Any]], Any]
"""Names in, value out. Raises TemplateError."""

_CACHED: Final = 2048
_PATH: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_WHOLE_PATH: Final = re.compile(rf"\s*\{{\{{\s*({_PATH.pattern})\s*\}}\}}\s*", re.ASCII)
_OPENING: Final = re.compile(r"\{[{%#]")
_PATH_TAG: Final = re.compile(rf"\{{\{{\s*({_PATH.pattern})\s*\}}\}}", re.ASCII)
_NO_PATH: Final = frozenset(
    (
        "and",
        "else",
        "false",
        "False",
        "if",
        "in",
        "is",
        "none",
        "None",
        "not",
        "null",
        "Null",
        "NULL",
        "or",
        "true",
        "True",
    )
)

_FLAT: Final = 64
"""So few nodes are surely not nested too deeply."""


class TemplateProblem(NamedTuple):
    """What is wrong with a template, and where: `offset` counts characters of the text."""

    offset: int
    message: str


def is_template(text: str) -> bool:
    """Whether the text has `{{` or `{%` in it. All other text is itself, whatever it holds."""
    return "{{" in text or "{%" in text


def compile_value(value: Any) -> Renderer:
    """The renderer of a value of any shape: every string in it is a template, keys are not.

    Parts without templates come out as the very objects that went in, and so does the value of a plain path
    (`{{ steps.order.output }}`): take a copy before changing anything. TemplateError for a template that is none.
    """
    try:
        leaf = _leaf(value)
    except Fault as fault:
        raise fault.error() from None
    if leaf is None:
        return lambda _: value
    return _raising(leaf)


def compile_expression(text: str) -> Renderer:
    """The renderer of a bare expression: Jinja without braces. TemplateError when it is none."""
    try:
        return _raising(_expression(text))
    except Fault as fault:
        raise fault.error() from None


def compile_text(text: str) -> Callable[[Mapping[str, Any]], str]:
    """The renderer of a text: its value is always a string, also when the text is one `{{ expression }}`."""
    render = compile_value(text)
    if not is_template(text):
        return render

    def run(names: Mapping[str, Any]) -> str:
        value = render(names)
        return value if isinstance(value, str) else _raising(lambda _: _as_text(value))(names)

    return run


def compile_prompt(text: str, shorten: Callable[[Any, str], Any]) -> Callable[[Mapping[str, Any]], str]:
    """As `compile_text`, for a text that a model reads: what it takes from the outputs of steps passes through
    `shorten(value, name)` before it is written.
    """
    if not is_template(text):
        return lambda _: text
    try:
        render = _prompt(text)
    except Fault as fault:
        raise fault.error() from None
    return _raising(lambda names: render(names, shorten))


@lru_cache(maxsize=_CACHED)
def _prompt(text: str) -> Callable[[Mapping[str, Any], Callable[[Any, str], Any]], str]:
    from planrunner.template.evaluate import Frame
    from planrunner.template.statements import template
    from planrunner.template.values import Out

    write = _parsed(text, False, lambda tree, _: template(tree.body))

    def run(names: Mapping[str, Any], shorten: Callable[[Any, str], Any]) -> str:
        out = Out()
        try:
            write(Frame(names, {}, Budget(), shorten), out)
        except Fault as fault:
            raise _explained(fault, text, False) from None
        return out.text()

    return run


def find_problems(text: str, bare: bool = False) -> list[TemplateProblem]:
    """What is wrong with a template (or bare expression), in the order of the text."""
    return [*_analysed(text, bare)[0]]


def references(text: str, bare: bool = False) -> list[Reference]:
    """The paths that a template takes from outside of itself, in the order of the text; none when it has problems."""
    return [*_analysed(text, bare)[1]]


def plain_path(text: str, bare: bool = False) -> tuple[str, ...] | None:
    """The names of a text that is `{{ a.b.c }}` (a bare expression: `a.b.c`) and nothing else; None for all others."""
    match = _PATH.fullmatch(text.strip()) if bare else _WHOLE_PATH.fullmatch(text)
    names = tuple(match[0 if bare else 1].split(".")) if match else None
    return names if names and names[0] not in _NO_PATH else None


def _raising(render: Renderer) -> Renderer:
    def run(names: Mapping[str, Any]) -> Any:
        try:
            return render(names)
        except Fault as fault:
            raise fault.error() from None
        except RecursionError:
            raise TemplateError("the template is nested too deeply: write it in parts") from None

    return run


def _leaf(value: Any) -> Renderer | None:
    """The renderer of a part of a value; None when there is no template in it. Raises Fault, and so do renderers."""
    if isinstance(value, str):
        return _template(value) if is_template(value) else None
    if isinstance(value, Mapping):
        return _container(dict(value), list(value.items()))
    if isinstance(value, (list, tuple)):
        return _container(list(value), list(enumerate(value)))
    return None


def _container(whole: Any, parts: list[tuple[Any, Any]]) -> Renderer | None:
    leaves = []
    for key, part in parts:
        try:
            leaf = _leaf(part)
        except Fault as fault:
            fault.keys.append(key)
            raise
        if leaf is not None:
            leaves.append((key, leaf))
    return _filled(whole, leaves) if leaves else None


def _filled(whole: Any, leaves: list[tuple[Any, Renderer]]) -> Renderer:
    def render(names: Mapping[str, Any]) -> Any:
        made = whole.copy()
        key: Any = None
        try:
            for key, leaf in leaves:
                made[key] = leaf(names)
        except Fault as fault:
            fault.keys.append(key)
            raise
        return made

    return render


@lru_cache(maxsize=_CACHED)
def _template(text: str) -> Renderer:
    match = _WHOLE_PATH.fullmatch(text)
    path = _plain_path(match[1]) if match else None
    return path or _compiled(text, False)


@lru_cache(maxsize=_CACHED)
def _expression(text: str) -> Renderer:
    match = _PATH.fullmatch(text.strip())
    path = _plain_path(match[0]) if match else None
    return path or _compiled(text, True)


def _plain_path(path: str) -> Renderer | None:
    """The way for `{{ a.b.c }}`, which is most of what plans say: no Jinja, some tenths of a microsecond."""
    first, *keys = path.split(".")
    if first in _NO_PATH:
        return None

    def walk(names: Mapping[str, Any]) -> Any:
        try:
            value = names[first]
            for key in keys:
                value = value[key]
        except (KeyError, TypeError, IndexError):
            return _step_by_step(names, first, keys, path)
        return value

    return walk


def _step_by_step(names: Mapping[str, Any], first: str, keys: list[str], path: str) -> Any:
    """The same walk again, to say what was found where it ended."""
    from planrunner.template.values import look_up, unknown_name

    try:
        if first not in names:
            raise unknown_name(first, names)
        value, place = names[first], first
        for key in keys:
            value = look_up(value, key, place)
            place = f"{place}.{key}"
    except Fault as fault:
        fault.expression = path if fault.expression is None else fault.expression
        raise
    return value


def _compiled(text: str, bare: bool) -> Renderer:
    return _explaining(_parsed(text, bare, _program), text, bare)


def _parsed(text: str, bare: bool, make: Callable[[Any, bool], Any]) -> Any:
    """What `make` makes of the syntax tree of a text. Raises Fault for one that is no template."""
    from planrunner.template.rules import findings
    from planrunner.template.syntax import parse, walk

    try:
        tree = parse(text, bare)
        refused = findings(walk(tree))
        if refused:
            raise TemplateSyntaxFault(refused[0].message, refused[0].offset)
        return make(tree, bare)
    except TemplateSyntaxFault as fault:
        raise _explained(Fault(fault.message, fault.offset), text, bare) from None
    except RecursionError:
        raise Fault("the template is nested too deeply: write it in parts") from None


def _program(tree: Any, bare: bool) -> Renderer:
    from planrunner.template.evaluate import Frame, expression
    from planrunner.template.statements import template
    from planrunner.template.values import Out

    whole = tree if bare else whole_expression(tree)
    if whole is not None:
        evaluate = expression(whole)
        return lambda names: _settled(evaluate(frame := Frame(names, {}, Budget())), frame.budget)
    write = template(tree.body)

    def run(names: Mapping[str, Any]) -> str:
        out = Out()
        write(Frame(names, {}, Budget()), out)
        return out.text()

    return run


def whole_expression(tree: Any) -> Any:
    """The expression of a text that is exactly one `{{ }}`, spaces around it apart; else None."""
    if len(tree.body) != 1 or type(tree.body[0]).__name__ != "Output":
        return None
    parts = [part for part in tree.body[0].nodes if type(part).__name__ != "TemplateData" or part.data.strip()]
    return parts[0] if len(parts) == 1 and type(parts[0]).__name__ != "TemplateData" else None


def _settled(value: Any, budget: Budget) -> Any:
    """A value that an expression made, of bounded size and with nothing in it that stands in it twice."""
    from planrunner.template.faults import MAX_TEXT
    from planrunner.template.values import plain

    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise Fault(f"the template writes more than {MAX_TEXT:,} characters")
        return value
    return value if value is None or type(value) in (bool, int, float) else plain(value, budget)


def _as_text(value: Any) -> str:
    from planrunner.template.values import text_of

    return text_of(value, Budget())


def _explaining(run: Renderer, text: str, bare: bool) -> Renderer:
    def render(names: Mapping[str, Any]) -> Any:
        try:
            return run(names)
        except Fault as fault:
            raise _explained(fault, text, bare) from None

    return render


def _explained(fault: Fault, text: str, bare: bool) -> Fault:
    """The fault with the expression it stands in."""
    if fault.expression is None:
        inside = text.strip() if bare or fault.offset is None else _tag_at(text, fault.offset)
        fault.expression = inside if len(inside) <= 100 else inside[:97] + "..."
    return fault


def _tag_at(text: str, offset: int) -> str:
    begin = max(text.rfind("{{", 0, offset + 2), text.rfind("{%", 0, offset + 2), 0)
    ends = [end for end in (text.find("}}", offset), text.find("%}", offset)) if end >= 0]
    return " ".join(text[begin : min(ends, default=len(text)) + 2].split())


def _plain_paths(text: str, bare: bool) -> tuple[Reference, ...] | None:
    """The paths of a text in which nothing but plain paths is read: no Jinja. None for all others."""
    if len(text) > MAX_TOKENS or "${{" in text:
        return None
    if bare:
        names = plain_path(text, bare)
        return None if names is None else (Reference(names, text.index(names[0])),)
    found, at = [], 0
    while opening := _OPENING.search(text, at):
        tag = _PATH_TAG.match(text, opening.start())
        names = plain_path(tag[0]) if tag else None
        if tag is None or names is None:
            return None
        found.append(Reference(names, tag.start(1)))
        at = tag.end()
    return tuple(found)


@lru_cache(maxsize=_CACHED)
def _analysed(text: str, bare: bool) -> tuple[tuple[TemplateProblem, ...], tuple[Reference, ...]]:
    if not bare and not is_template(text):
        return (), ()
    paths = _plain_paths(text, bare)
    if paths is not None:
        return (), paths
    from planrunner.template.names import free_names
    from planrunner.template.rules import findings
    from planrunner.template.syntax import parse, walk

    try:
        tree = parse(text, bare)
        nodes = [*walk(tree)]
        problems = [TemplateProblem(*finding) for finding in findings(nodes)]
        if not problems and not bare and re.fullmatch(r"\s*\$\{\{.*\}\}\s*", text, re.S):
            problems = [TemplateProblem(text.index("$"), "`${{ }}` is not known: write `{{ }}`")]
        if not problems and len(nodes) > _FLAT:
            _program(tree, bare)  # whether it is nested too deeply
        return tuple(problems), tuple(free_names(tree)) if not problems else ()
    except TemplateSyntaxFault as fault:
        return (TemplateProblem(fault.offset, fault.message),), ()
    except RecursionError:
        return (TemplateProblem(0, "the template is nested too deeply: write it in parts"),), ()
