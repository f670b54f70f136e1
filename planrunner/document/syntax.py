"""Says in a user's words what the YAML library found wrong, and what to do."""

from __future__ import annotations

import re
from typing import NamedTuple

_IN_VALUE = re.compile(r"[:,\[{] *[^\s:,\[\]{}'\"][^:,\[\]{}\n]* $")
"""An unquoted value that is not at its end."""
_NEAR = 200
"""So many characters before the place where reading stopped are looked at."""
_INDENT = re.compile(r"[ \t]*")


class Mishap(NamedTuple):
    """What the library says.

    text      the whole file
    problem   its words for the problem
    context   its words for what it was doing
    at        where it stopped
    begun     where the thing it was doing began
    quote_end where the last quoted value ended, -1 when the last value was not quoted
    """

    text: str
    problem: str
    context: str
    at: int
    begun: int
    quote_end: int


class Told(NamedTuple):
    """Where a user has to look, the code and the message."""

    at: int
    code: str
    message: str


def explain(mishap: Mishap) -> Told:
    """The problem in our words; the library's own stand in the message when we have none."""
    tab = _tab_before(mishap)
    if tab is not None:
        return Told(tab, "tab-indent", "a tab can't indent in YAML: use spaces")
    for words, how in _KNOWN:
        if words in mishap.problem or words in mishap.context:
            told = how(mishap)
            if told is not None:
                return told
    return Told(mishap.at, "syntax", f"this can't be read as YAML: {mishap.problem} ({mishap.context or 'here'})")


def _tab_before(mishap: Mishap) -> int | None:
    """The index of a tab in the indent of the line where reading stopped."""
    if "any token" not in mishap.problem and "tab" not in mishap.problem:
        return None
    start = max(mishap.text.rfind("\n", 0, mishap.at), mishap.text.rfind("\r", 0, mishap.at)) + 1
    indent = _INDENT.match(mishap.text, start)
    tab = indent[0].find("\t") if indent else -1
    return start + tab if tab >= 0 else None


def _bad_start(mishap: Mishap) -> Told:
    character = mishap.text[mishap.at : mishap.at + 1]
    if character == "%" and mishap.text[mishap.at - 1 : mishap.at] == "{":
        message = 'a value that begins with {% must stand in quotes, YAML reads the brace as a map: write "{% … %}"'
        return Told(mishap.at - 1, "unquoted-template", message)
    if mishap.text.startswith("```", mishap.at):
        told = "a fence of Markdown is no part of a plan: leave the lines with ``` out, and what stands around them"
        return Told(mishap.at, "syntax", told)
    return Told(mishap.at, "syntax", f"a value can't begin with {character} unless it stands in quotes")


def _colon(mishap: Mishap) -> Told:
    if mishap.quote_end >= 0 and mishap.text[mishap.quote_end : mishap.at].strip() == "":
        return Told(mishap.at, "syntax", "a key with its value can't stand here: is the indent of this line right?")
    message = (
        "a ': ' can't stand in an unquoted value: put the whole value in quotes, or write it as a block after '|'; "
        "if a key is meant, check the indent of this line and the ':' of the line above"
    )
    return Told(mishap.at, "syntax", message)


def _no_key(mishap: Mishap) -> Told:
    if mishap.quote_end >= 0 and mishap.text[mishap.quote_end : mishap.at].strip(" \t") == "":
        return Told(
            mishap.at, "syntax", "the quoted value ended before this: put the whole value in one pair of quotes"
        )
    return Told(mishap.at, "syntax", "a key was expected here: is the indent the same as that of the keys above?")


def _no_dash(mishap: Mishap) -> Told:
    message = "an item of the list above ('- …') was expected here: is the indent of this line right?"
    return Told(mishap.at, "syntax", message)


def _inline_dash(mishap: Mishap) -> Told:
    message = "a list can't begin on the line of its key: write it below, one '- …' per line, or as [a, b]"
    return Told(mishap.at, "syntax", message)


def _no_value(mishap: Mishap) -> Told:
    character = mishap.text[mishap.at : mishap.at + 1]
    if not character:
        return Told(mishap.at, "syntax", "the file ends where a value was expected: a '[' or '{' above is not closed")
    message = f"a value was expected here and not {character}: quote the value, or look for a bracket too many"
    return Told(mishap.at, "syntax", message)


def _directive(mishap: Mishap) -> Told:
    return Told(
        mishap.begun, "syntax", "a line that begins with % is a directive of YAML, a plan needs none: remove it"
    )


def _open_flow(mishap: Mishap) -> Told:
    inner = mishap.text[mishap.at : mishap.at + 1]
    if inner in ("[", "{") and _IN_VALUE.search(mishap.text, max(0, mishap.at - _NEAR), mishap.at):
        message = (
            f"a {inner} can't stand in an unquoted value between brackets or braces: put the whole value in quotes"
        )
        return Told(mishap.at, "syntax", message)
    bracket, close = ("[", "]") if "sequence" in mishap.context else ("{", "}")
    message = f"the {bracket} that begins here is not closed before the next value: a ',' or '{close}' is missing"
    return Told(mishap.begun, "syntax", message)


def _open_quote(mishap: Mishap) -> Told | None:
    if "quoted scalar" not in mishap.context:
        return None
    return Told(mishap.begun, "syntax", "the quote that begins here is never closed")


def _no_colon(mishap: Mishap) -> Told:
    if mishap.text.startswith(("<<<<<<<", "=======", ">>>>>>>"), mishap.begun):
        told = "a merge that is not settled: keep one side, and take out the lines with <<<<<<<, ======= and >>>>>>>"
        return Told(mishap.begun, "syntax", told)
    return Told(mishap.begun, "syntax", "a ':' is missing after this: a line of a map is 'key: value'")


def _escape(mishap: Mishap) -> Told:
    message = r"an unknown escape in double quotes: write '\\' for a backslash, or use single quotes"
    return Told(mishap.at, "syntax", message)


def _bad_unicode(mishap: Mishap) -> Told:
    message = r"this escape is no character: write the character itself, or \U and the eight digits of its code point"
    return Told(mishap.at, "syntax", message)


def _after_end(mishap: Mishap) -> Told:
    message = "something stands after the end of the plan: one file is one plan, remove what follows"
    return Told(mishap.at, "syntax", message)


def _bad_anchor(mishap: Mishap) -> Told:
    message = "a value that begins with & or * is an anchor or alias of YAML: put it in quotes to mean the text"
    return Told(mishap.begun, "syntax", message)


def _bad_block(mishap: Mishap) -> Told:
    return Told(
        mishap.at, "syntax", "the text of a block begins on the line after '|' or '>', nothing else may follow it"
    )


def _bad_tag(mishap: Mishap) -> Told:
    return Told(mishap.begun, "tag", "tags (!…) are not allowed: put the value in quotes to mean the text")


_KNOWN = (
    ("while scanning a tag", _bad_tag),
    ("while parsing a tag", _bad_tag),
    ("undefined tag handle", _bad_tag),
    ("while scanning an alias", _bad_anchor),
    ("while scanning an anchor", _bad_anchor),
    ("cannot start any token", _bad_start),
    ("mapping values are not allowed", _colon),
    ("did not find expected key", _no_key),
    ("did not find expected '-' indicator", _no_dash),
    ("block sequence entries are not allowed", _inline_dash),
    ("did not find expected node content", _no_value),
    ("while scanning a directive", _directive),
    ("while scanning a %", _directive),
    ("while parsing a flow", _open_flow),
    ("unexpected end of stream", _open_quote),
    ("unexpected document indicator", _open_quote),
    ("could not find expected ':'", _no_colon),
    ("unknown escape character", _escape),
    ("invalid Unicode character escape", _bad_unicode),
    ("did not find expected hexdecimal number", _bad_unicode),
    ("did not find expected <document start>", _after_end),
    ("while scanning a block scalar", _bad_block),
)
