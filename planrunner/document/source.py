"""From bytes to a tree that knows its places: the only home of the YAML library.

libyaml's events are read one by one and the tree is built here, with a list for a stack: the library's own
composer recurses in C, and a file of 20,000 brackets would end the process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from planrunner.document.frames import OpenList, OpenMap
from planrunner.document.problem import MAX_PROBLEMS, Level, Problem, in_order
from planrunner.document.scalars import NotANumberError, resolve
from planrunner.document.syntax import Mishap, explain
from planrunner.document.tree import VERBATIM, BrokenNode, Entry, ListNode, MapNode, Node, ScalarNode, plain

__all__ = [
    "MAX_BYTES",
    "BrokenNode",
    "Entry",
    "ListNode",
    "MapNode",
    "Node",
    "ScalarNode",
    "Source",
    "parse",
    "parse_text",
    "plain",
]

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 64
MAX_NODES: Final = 50_000

# Control characters, lone surrogates, and the three line breaks that YAML 1.1 has and no editor counts.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_BREAK = re.compile(r"\r\n|\r|\n")
_ANCHOR = re.compile(r"&\S+\s*")
_COMMENT = re.compile(r"[ \t]+(#[^\r\n]*)")


@dataclass(frozen=True)
class Source:
    """A file that was read: its text, its tree (None when there is none), and what is wrong with it as YAML."""

    name: str
    text: str = field(repr=False)
    root: Node | None = field(repr=False)
    problems: tuple[Problem, ...] = ()

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file, without their ends."""
        return _BREAK.split(self.text)

    def problem(self, node: Node, code: str, message: str, level: Level = "error") -> Problem:
        """A problem at a node of this file."""
        return Problem(self.name, node.line, node.column, code, message, level)


class _StopError(Exception):
    """Ends the reading; the problem is already noted."""


def parse(text: bytes, name: str) -> Source:
    """Read a YAML file: value and problems come back together, nothing is ever raised for what the file holds."""
    if len(text) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB: split it"
        return Source(name, "", None, (Problem(name, 1, 1, "too-large", message),))
    decoded, wrong = _decode(text, name, 'remove it, or write "{code}" in double quotes')
    if wrong:
        return Source(name, decoded, None, (wrong,))
    composer = _Composer(decoded, name)
    root = composer.compose()
    return Source(name, decoded, root, in_order(composer.problems))


def parse_text(text: bytes, name: str) -> Source:
    """Read a file that is a text and no YAML; the root is that text, without the line break at its end.

    Line breaks are `\\n`, as they are in the texts of a YAML file, however the file writes them.
    """
    decoded, wrong = _decode(text, name, "remove it")
    if wrong:
        return Source(name, decoded, None, (wrong,))
    value = _BREAK.sub("\n", decoded).removesuffix("\n")
    return Source(name, decoded, ScalarNode(1, 1, value, value, 0, VERBATIM))


def _decode(text: bytes, name: str, advice: str) -> tuple[str, Problem | None]:
    """The characters of a file without its byte order mark, and what can't stand among them."""
    try:
        decoded = text.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        return text.decode("utf-8", "replace"), _not_utf8(text, name, error.start)
    unwanted = _UNWANTED.search(decoded)
    return decoded, None if unwanted is None else _control_character(decoded, name, unwanted.start(), advice)


def _not_utf8(text: bytes, name: str, start: int) -> Problem:
    before = text[:start].decode("utf-8").removeprefix("\ufeff")
    line, column = _line_column(before, len(before))
    what = "UTF-16 text" if text[:2] in (b"\xff\xfe", b"\xfe\xff") else f"the byte 0x{text[start]:02x}"
    return Problem(name, line, column, "encoding", f"{what} is not UTF-8: save the file as UTF-8")


def _control_character(text: str, name: str, index: int, advice: str) -> Problem:
    line, column = _line_column(text, index)
    code = f"\\x{ord(text[index]):02x}" if ord(text[index]) < 0x100 else f"\\u{ord(text[index]):04x}"
    message = f"the character {code} can't stand in a plan as it is: {advice.replace('{code}', code)}"
    return Problem(name, line, column, "control-character", message)


def _line_column(text: str, index: int) -> tuple[int, int]:
    line, start = 1, 0
    for match in _BREAK.finditer(text, 0, index):
        line, start = line + 1, match.end()
    return line, index - start + 1


class _Composer:
    """Builds the tree from events. (They are typed Any: the stubs let marks be None, libyaml always gives them.)"""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}  # None while the node is still open
        self.stack: list[OpenList | OpenMap] = []
        self.root: Node | None = None
        self.documents = 0
        self.nodes = 0
        self.last: Any = None
        self.template_line = -1
        self.template_depth = 0  # inside an unquoted {{ … }}: the stack's height at its outer brace
        self.hints_of_templates = "{{" in text and "#" in text

    def compose(self) -> Node | None:
        """The root of the first document, or None when the file is empty or could not be read to its end."""
        parser = CParser(self.text)
        try:
            next_event, handler_of = parser.get_event, _HANDLERS.get
            while (event := next_event()) is not None:
                handler = handler_of(type(event))
                if handler is not None:
                    handler(self, event)
        except _StopError:
            return None
        except yaml.MarkedYAMLError as error:
            self._explain(error)
            return None
        except yaml.YAMLError as error:
            self.problems.append(Problem(self.name, 1, 1, "syntax", f"this can't be read as YAML: {error}"))
            return None
        finally:
            parser.dispose()
        return self.root

    def _explain(self, error: yaml.MarkedYAMLError) -> None:
        mark: Any = error.problem_mark or error.context_mark
        if self.template_depth or mark.line <= self.template_line:
            return  # what follows an unquoted {{ breaks because of it
        begun: Any = error.context_mark or mark
        last = self.last.end_mark.index if self.last is not None and self.last.style in ("'", '"') else -1
        mishap = Mishap(self.text, error.problem or "", error.context or "", mark.index, begun.index, last)
        told = explain(mishap)
        line, column = _line_column(self.text, told.at)
        self.problems.append(Problem(self.name, line, column, told.code, told.message))

    def _problem(self, line: int, column: int, code: str, message: str) -> None:
        if self.template_depth:
            return
        self.problems.append(Problem(self.name, line, column, code, message))
        if len(self.problems) > MAX_PROBLEMS:
            raise _StopError

    def _stop(self, event: Any, code: str, message: str) -> _StopError:
        mark = event.start_mark
        self.problems.append(Problem(self.name, mark.line + 1, mark.column + 1, code, message))
        return _StopError()

    def _enter(self, event: Any, size: int, height: int = 0) -> None:
        """Count what is about to be built and look at what may not stand before it."""
        self.nodes += size
        if self.nodes > MAX_NODES:
            words = f"the file holds more than {MAX_NODES:,} values (aliases spelled out): split it, or alias less"
            raise self._stop(event, "too-many-nodes", words)
        if len(self.stack) + 1 + height > MAX_DEPTH:
            raise self._stop(event, "too-deep", f"this is nested more than {MAX_DEPTH} levels deep: flatten it")

    def _refuse_tag(self, event: Any) -> None:
        mark = event.start_mark
        shown = event.tag.replace("tag:yaml.org,2002:", "!!")
        advice = "write the value in quotes to keep it as text" if shown == "!!str" else "remove it"
        message = f"the tag {shown} is not allowed, a plan holds plain values only: {advice}"
        self._problem(mark.line + 1, mark.column + 1, "tag", message)

    def document_start(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise self._stop(
                event, "second-document", "a second document begins here: one file is one plan, move it to its own file"
            )

    def alias(self, event: Any) -> None:
        mark = event.start_mark
        if event.anchor not in self.anchors:
            message = f"nothing above is marked &{event.anchor}: mark it, or put the value in quotes if the * is meant"
            self._problem(mark.line + 1, mark.column + 1, "unknown-alias", message)
            return self._attach(BrokenNode(mark.line + 1, mark.column + 1), None)
        node = self.anchors[event.anchor]
        if node is None:
            raise self._stop(
                event,
                "unknown-alias",
                f"*{event.anchor} stands inside the value it names: a value can't hold itself, write it out",
            )
        self._enter(event, node.size, node.height)
        return self._attach(node, None)

    def scalar(self, event: Any) -> None:
        self._enter(event, 1)
        if event.tag is not None:
            self._refuse_tag(event)
        self.last = event
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        text, style = event.value, event.style or ""
        value: Any = text
        if not style:
            try:
                value = resolve(text)
            except NotANumberError as error:
                self._problem(line, column, "number", str(error))
            if self.hints_of_templates:
                self._look_for_cut(event)
        start = mark.index if event.anchor is None else self._after_anchor(mark.index)
        self._attach(ScalarNode(line, column, value, text, start, style), event.anchor)

    def _after_anchor(self, index: int) -> int:
        match = _ANCHOR.match(self.text, index)
        return match.end() if match else index

    def _look_for_cut(self, event: Any) -> None:
        """An unquoted value ends at ` #`: where templates are near, somebody most likely meant it to go on."""
        mark = event.end_mark
        match = _COMMENT.match(self.text, mark.index)
        if match and ("{{" in event.value or "{{" in match[1]):
            column = mark.column + 1 + match.start(1) - mark.index
            message = "' #' begins a comment and ends the value: quote the value, or move the comment to its own line"
            self._problem(mark.line + 1, column, "cut-off-by-comment", message)

    def start(self, event: Any) -> None:
        self._enter(event, 1)
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        is_map = isinstance(event, MappingStartEvent)
        if is_map and event.flow_style and self.text.startswith("{{", mark.index):
            self._begin_template(line, column)
        if event.tag is not None:
            self._refuse_tag(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.stack.append((OpenMap if is_map else OpenList)(line, column, event.anchor, self._problem))

    def _begin_template(self, line: int, column: int) -> None:
        """The two braces of an unquoted template; what YAML makes of its inside is of no interest."""
        message = 'a value that begins with {{ must stand in quotes, YAML reads the brace as a map: write "{{ … }}"'
        self._problem(line, column, "unquoted-template", message)
        self.template_line = line
        if not self.template_depth:
            self.template_depth = len(self.stack) + 1

    def end(self, event: Any) -> None:
        frame = self.stack.pop()
        node: Node = frame.close()
        if self.template_depth == len(self.stack) + 1:
            self.template_depth = 0
            node = BrokenNode(node.line, node.column)
        self._attach(node, frame.anchor)

    def _attach(self, node: Node, anchor: str | None) -> None:
        """Put a finished node where it belongs."""
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.take(node)
        whole = parent.node
        whole.size += node.size
        if whole.height <= node.height:
            whole.height = node.height + 1


_HANDLERS: dict[type, Any] = {
    DocumentStartEvent: _Composer.document_start,
    AliasEvent: _Composer.alias,
    ScalarEvent: _Composer.scalar,
    MappingStartEvent: _Composer.start,
    SequenceStartEvent: _Composer.start,
    MappingEndEvent: _Composer.end,
    SequenceEndEvent: _Composer.end,
}
