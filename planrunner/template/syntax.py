"""From text to Jinja's syntax tree, with the exact offset of everything in it. The only home of jinja2.

Jinja is used for its grammar alone (lexer and parser): its compiler, which turns templates into Python code, never
sees a plan, and neither do its filters, globals and undefined values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Final

Node = Any
"""A node of jinja2.nodes. Its `lineno` is the offset of its token in the text."""

CONSTANTS: Final = {"null": None, "Null": None, "NULL": None}
"""Names that are values, beside those that Jinja's own grammar knows: true, false, none."""

_LEAVES: Final = frozenset({"Const", "Name", "TemplateData"})
"""Most nodes are of these kinds, which have no others below them."""

_TAGS: Final = ("variable", "block", "comment", "raw")
_OPENING: Final = frozenset(f"{tag}_begin" for tag in _TAGS)
_CLOSING: Final = frozenset(f"{tag}_end" for tag in _TAGS)
MAX_TOKENS: Final = 20_000
_CACHED: Final = 128
"""So many trees are kept: the checks of one plan look at a text several times. Of short texts they keep more."""
_SHORT: Final = 200
_CACHED_SHORT: Final = 4096
# Jinja turns every line break into \n; these stand in for \r while it reads. It takes them for white space, too.
_STAND_INS: Final = "\x1c\x1d\x1e\x1f\x0b\x0c"


class TemplateSyntaxFault(Exception):
    """The text is no template. `message` is in our words."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def parse(text: str, bare: bool = False) -> Node:
    """The tree of a template (a Template node), or of a bare expression. TemplateSyntaxFault when it is none.

    Shared: not to be changed.
    """
    return _of_short(text, bare) if len(text) <= _SHORT else _of_long(text, bare)


def _parsed(text: str, bare: bool) -> Node:
    return_sign = next((sign for sign in _STAND_INS if sign not in text), "\r") if "\r" in text else "\r"
    try:
        return _read(text.replace("\r", return_sign), bare, return_sign)
    except TemplateSyntaxFault:
        raise
    except RecursionError:
        raise TemplateSyntaxFault("the expression is nested too deeply: write it in parts", 0) from None
    except (ValueError, OverflowError):
        raise TemplateSyntaxFault("a number in it can't be read: write one with fewer digits", 0) from None


_of_short: Final = lru_cache(maxsize=_CACHED_SHORT)(_parsed)
_of_long: Final = lru_cache(maxsize=_CACHED)(_parsed)


def _read(text: str, bare: bool, return_sign: str) -> Node:
    from jinja2 import TemplateSyntaxError
    from jinja2.nodes import Template
    from jinja2.parser import Parser

    progress = Progress()
    try:
        grammar: Any = _Grammar(progress)
        parser = Parser(grammar, text, state="variable" if bare else None)
        if not bare:
            return _restored(Template(parser.subparse(), lineno=1), return_sign)
        tree = parser.parse_expression()
        if not parser.stream.eos:
            parser.fail(f"expected token 'end of expression', got '{parser.stream.current.value}'")
        return _restored(tree, return_sign)
    except TemplateSyntaxError as error:
        from planrunner.template.complaints import complaint

        raise complaint(text, bare, error.message or "", error.lineno, progress) from None


def _restored(tree: Node, return_sign: str) -> Node:
    if return_sign != "\r":
        for node in walk(tree):
            for field in ("data", "value"):
                held = getattr(node, field, None)
                if isinstance(held, str):
                    setattr(node, field, held.replace(return_sign, "\r"))
    return tree


def walk(node: Node) -> Iterator[Node]:
    """The node and all nodes below it."""
    heap = [node]
    while heap:
        each = heap.pop()
        yield each
        heap.extend(children(each))


def children(node: Node) -> list[Node]:
    """The nodes right below it, in the order of its fields."""
    if type(node).__name__ in _LEAVES:
        return []
    kind = _node_class()
    found: list[Node] = []
    for field in node.fields:
        held = getattr(node, field, None)
        if isinstance(held, kind):
            found.append(held)
        elif isinstance(held, list):
            found += [each for each in held if isinstance(each, kind)]
    return found


@cache
def _node_class() -> Any:
    from jinja2.nodes import Node

    return Node


class Progress:
    """How far the lexer has come: what a message about broken syntax needs to know."""

    __slots__ = ("at", "opened", "tokens")

    def __init__(self) -> None:
        self.at = 0
        self.tokens = 0
        self.opened: int | None = None
        """Where the tag begins that is open."""


class _Grammar:
    """What Jinja's parser asks of an environment. This one knows no filters, globals or extensions to hand out."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def iter_extensions(self) -> Iterator[Any]:
        return iter(())

    def _tokenize(self, source: str, name: str | None, filename: str | None, state: str | None) -> Any:
        from jinja2.lexer import TokenStream

        lexer = _lexer()
        placed = _with_offsets(source, lexer.tokeniter(source, name, filename, state), self._progress)
        return TokenStream(lexer.wrap(placed, name, filename), name, filename)


@lru_cache(maxsize=1)
def _lexer() -> Any:
    from jinja2 import Environment

    return Environment(keep_trailing_newline=True, autoescape=True).lexer


def _with_offsets(
    source: str, tokens: Iterator[tuple[int, str, str]], progress: Progress
) -> Iterator[tuple[int, str, str]]:
    """Tokens with offsets in the place of line numbers: the parser hands them on to every node and error."""
    from jinja2 import TemplateSyntaxError

    position = 0
    try:
        for _, kind, value in tokens:
            position = source.index(value, position)  # white space that a `-` strips is passed over
            progress.tokens += 1
            if progress.tokens > MAX_TOKENS:
                raise TemplateSyntaxFault(
                    f"the template has more than {MAX_TOKENS:,} words and signs: split it", position
                )
            if kind in _OPENING:
                progress.opened = position
            elif kind in _CLOSING:
                progress.opened = None
            yield position, kind, value
            progress.at = position = position + len(value)
    except TemplateSyntaxError as error:
        at = re.search(r" at (\d+)$", error.message or "")
        raise TemplateSyntaxError(error.message or "", int(at[1]) if at else progress.at) from None
