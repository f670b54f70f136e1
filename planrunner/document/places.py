"""Where in its file a character of a text stands."""

from __future__ import annotations

import re
from typing import Final

from planrunner.document.source import ScalarNode, Source
from planrunner.document.tree import VERBATIM

_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|(?:\r\n|[\r\n])[ \t]*|.)", re.DOTALL)
_FOLD = re.compile(r"[ \t]*(?:\r\n|[\r\n])(?:[ \t]*(?:\r\n|[\r\n]))*[ \t]*")
_ONE_BREAK = re.compile(r"\r\n|[\r\n]")
_BLOCK: Final = ("|", ">")


def place(source: Source, node: ScalarNode, offset: int) -> tuple[int, int]:
    """Line and column (1-based) of the character at `offset` in `node.text`.

    Exact for plain, quoted and literal texts; in a folded block the place of the word is found.
    """
    if node.style == VERBATIM:
        return node.text.count("\n", 0, offset) + 1, offset - node.text.rfind("\n", 0, offset)
    if node.style in _BLOCK:
        return _in_block(source, node, offset)
    quoted = node.style != ""
    index = _index(source.text, node.start + quoted, offset, node.style)
    before = source.text[node.start : index]
    breaks = list(_ONE_BREAK.finditer(before))
    # The node's own place may be that of an anchor before it, on the same line.
    line_start = max(source.text.rfind("\n", 0, index), source.text.rfind("\r", 0, index)) + 1
    return node.line + len(breaks), index - line_start + 1


def span(source: Source, node: ScalarNode) -> tuple[int, int]:
    """From where to where in its file the text stands, without its quotes; of a block with its header."""
    if node.style not in _BLOCK:
        begin = node.start + (node.style != "")
        return begin, _index(source.text, begin, len(node.text), node.style)
    last = place(source, node, max(0, len(node.text.rstrip()) - 1))[0]
    breaks = [found.start() for found in _ONE_BREAK.finditer(source.text)]
    return node.start, (*breaks, *[len(source.text)] * last)[last - 1]


def _index(text: str, start: int, offset: int, style: str) -> int:
    """The index in the file of the text's character at `offset`, escapes and folded lines counted."""
    index, told = start, 0
    while told <= offset and index < len(text):
        fold = _FOLD.match(text, index) if text[index] in " \t\r\n" else None
        if fold:
            length = max(1, len(_ONE_BREAK.findall(fold[0])) - 1)
            end = fold.end()
        elif style == '"' and text[index] == "\\":
            escape = _ESCAPE.match(text, index)
            end = escape.end() if escape else index + 1
            length = 0 if escape and escape[0][1] in "\r\n" else 1
        else:
            length, end = 1, index + (2 if style == "'" and text.startswith("''", index) else 1)
        if told + length > offset:
            break
        told, index = told + length, end
    return index


def _in_block(source: Source, node: ScalarNode, offset: int) -> tuple[int, int]:
    """Blocks stand below their header line by line; every line of the file holds a piece of the text."""
    position = 0
    for number in range(node.line, len(source.lines)):
        line = source.lines[number]
        piece = line.strip(" \t") if node.style == ">" else line.lstrip(" ")
        start = node.text.find(piece, position) if piece else -1
        if start < 0:
            continue
        if offset < start:  # among the spaces or breaks before this line
            return number + 1, max(1, line.find(piece) + 1 - (start - offset))
        if offset <= start + len(piece):
            return number + 1, line.find(piece) + 1 + offset - start
        position = start + len(piece)
    return node.line, node.column
