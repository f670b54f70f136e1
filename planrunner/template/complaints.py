"""Broken template syntax in planrunner's words: what stands there, what was expected, and what to write instead."""

from __future__ import annotations

import re
from typing import Final

from planrunner.registry import hint
from planrunner.template.syntax import Progress, TemplateSyntaxFault

TAGS: Final = ("if", "for", "set", "with", "filter", "raw")

_MARKERS: Final = ("else", "elif", "endif", "endfor", "endset", "endwith", "endfilter", "endraw")
_STRING: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.S)
# Words of other languages. Looked for only where Jinja could not read the text.
_FOREIGN: Final = (
    (r"&&", "`&&` is not known: write `and`"),
    (r"\|\|", "`||` is not known: write `or`"),
    (r"!==", "`!==` is not known: write `!=`"),
    (r"===", "`===` is not known: write `==`"),
    (r"!(?!=)", "`!` is not known: write `not`"),
    (r"\?\?", "`??` is not known: write `or`, or `| default(...)`"),
    (r"\?\.", "`?.` is not known: write `.`, and `| default(...)` for what may be missing"),
    (r"\?", "`? :` is not known: write `A if CONDITION else B`"),
    (r"<>", "`<>` is not known: write `!=`"),
    (r"=>", "functions are not known here: use filters such as map, select and selectattr; to compare, write `>=`"),
    (r"\blambda\b", "functions are not known here: use filters such as map, select and selectattr"),
    (r"(?<=[\[(])\s*[\w.]+\s+for\b", "there are no comprehensions: use filters such as map and select"),
    (r"\|\s*\w+\s*:", "what a filter is given stands in brackets: `| default('…')`"),
    (r"(?<![=!<>])=(?!=)", "`=` is not a comparison: write `==`"),
    (r"\b(?:AND|OR|NOT)\b", "`and`, `or` and `not` are written in small letters"),
    ("[\u201c\u201d\u201e\u2018\u2019]", "a curly quote has no meaning: write strings in straight quotes, ' or \""),
    (r"`", "a backtick is not known: write strings in quotes"),
)
_NESTED: Final = re.compile(
    r"\{[{%](?:(?!\{[{%]|[%}]\}).)*(\{\{)(?:(?!\{[{%]|[%}]\}).)*\}\}(?:(?!\{[{%]).)*?[%}]\}", re.S
)
"""A tag in a tag: after the inner end comes the outer one."""
_SIGNS: Final = {
    "end of print statement": "`}}`",
    "end of statement block": "`%}`",
    "begin of print statement": "`{{`",
    "begin of statement block": "`{%`",
    "end of expression": "the end",
    "end of template": "the end",
    "name": "a name",
    "string": "a string in quotes",
}


def complaint(text: str, bare: bool, message: str, offset: int, progress: Progress) -> TemplateSyntaxFault:
    """The fault to raise for a message of Jinja's that was made at that offset."""
    start = 0 if bare or progress.opened is None else progress.opened
    blank = _STRING.sub(lambda string: " " * len(string[0]), text[start:])
    if bare and (braces := re.search(r"\$?\{\{|\{%", blank)):
        return TemplateSyntaxFault("this is an expression already: write it without braces", braces.start())
    foreign = _foreign_word(blank[: max(offset, progress.at) + 3 - start], start)
    if foreign is not None:
        return foreign
    nested = None if bare or progress.opened is None else _NESTED.match(blank)
    if nested is not None:
        told = "braces can't stand in braces: within them a name is written as it is"
        return TemplateSyntaxFault(told, start + nested.start(1))
    if not bare and progress.opened is not None and _is_unclosed(text, start, message):
        return _unclosed(text, start)
    ended = re.match(r"unexpected (?:end of template|'end of .*')", message)
    return _said(text, message, progress.at if ended else min(offset, len(text)))


def _foreign_word(tag: str, start: int) -> TemplateSyntaxFault | None:
    """A word of another language in the tag, up to where reading stopped."""
    found = ((re.search(pattern, tag), message) for pattern, message in _FOREIGN)
    hits = [(match.start(), message) for match, message in found if match]
    if not hits:
        return None
    place, message = min(hits, key=lambda hit: hit[0])
    return TemplateSyntaxFault(message, start + place)


def _is_unclosed(text: str, start: int, message: str) -> bool:
    """Whether the tag that begins there has no end before the next one begins."""
    if message.startswith("Missing end of"):
        return True
    following = re.search(r"\{\{|\{%", text[start + 2 :])
    end = len(text) if following is None else start + 2 + following.start()
    return text.find("}}" if text[start + 1] == "{" else "%}", start, end) < 0


def _unclosed(text: str, offset: int) -> TemplateSyntaxFault:
    sign = text[offset : offset + 2]
    end = {"{{": "}}", "{%": "%}", "{#": "#}"}.get(sign, "%}")
    return TemplateSyntaxFault(f"`{sign}` is never closed: write `{end}` where it ends", offset)


def _said(text: str, message: str, offset: int) -> TemplateSyntaxFault:
    if match := re.match(r"expected token '(.+)', got '(.*)'$", message, re.S):
        return TemplateSyntaxFault(_instead_of(*match.groups()), offset)
    if match := re.match(r"Expected an expression, got '(.*)'$", message):
        return TemplateSyntaxFault(
            f"an expression is missing before {_sign(match[1])}: write one, such as inputs.name", offset
        )
    if match := re.match(r"unexpected char (.+) at \d+$", message):
        unclosed = match[1] in ('"\'"', "'\"'")
        told = (
            "the string that begins here is never closed"
            if unclosed
            else f"{match[1]} has no meaning here: take it out, or write a string in quotes"
        )
        return TemplateSyntaxFault(told, offset)
    if match := re.match(r"unexpected '(.)', expected '(.)'", message):
        return TemplateSyntaxFault(
            f"`{match[1]}` closes what `{match[2]}` should close: set that one before it", offset
        )
    if match := re.match(r"unexpected (?:end of template|'end of .*')", message):
        return TemplateSyntaxFault(
            "the expression ends where more is expected: write the rest, or take out the last sign", offset
        )
    if match := re.match(r"unexpected '(.*)'$", message, re.S):
        return TemplateSyntaxFault(f"{_sign(match[1])} can't stand here", offset)
    if match := re.match(r"Encountered unknown tag '(\w+)'", message):
        return TemplateSyntaxFault(_unknown_tag(match[1], message), offset)
    if match := re.search(r"needs to be closed is '(\w+)'", message):
        opening = [tag.start() for tag in re.finditer(rf"\{{%[-+]?\s*{match[1]}\b", text)]
        told = f"`{{% {match[1]} %}}` is never closed: write `{{% end{match[1]} %}}` where it ends"
        return TemplateSyntaxFault(told, opening[-1] if opening else offset)
    return TemplateSyntaxFault(message[:1].lower() + message[1:].rstrip("."), offset)


def _sign(token: str) -> str:
    return _SIGNS.get(token, f"`{token}`")


def _instead_of(expected: str, got: str) -> str:
    if expected.startswith("end of ") and (got not in _SIGNS or got == "string"):
        return f"{_sign(got)} can't follow here: an operator, a filter or {_sign(expected)} was expected"
    return f"{_sign(expected)} was expected, and there is {_sign(got)}"


def _unknown_tag(tag: str, message: str) -> str:
    looking = re.search(r"looking for(?: the following tags:)? (.*?)\.(?: |$)", message)
    if looking and tag in _MARKERS:
        return f"`{{% {tag} %}}` does not fit here: {looking[1].replace(chr(39), '`')} was expected"
    if tag in _MARKERS and tag.startswith("end"):
        return f"`{{% {tag} %}}` closes nothing: there is no `{{% {tag[3:]} %}}` before it"
    return f"there is no tag `{tag}`; there are {', '.join(TAGS)}{hint(tag, TAGS)}"
