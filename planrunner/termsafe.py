"""The one way onto a terminal: what would steer the terminal or hide in a line is shown instead of sent."""

from __future__ import annotations

import re
from collections.abc import Iterator

# C0, DEL, C1 · soft hyphen, Arabic letter mark, Mongolian vowel separator · zero width and bidi marks · line and
# paragraph separators, bidi embeddings · word joiner to deprecated format characters · surrogates (no terminal
# encoding can say them) · byte order mark, interlinear marks · tag characters and supplementary variation selectors.
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e01ef"
)
# The joiners belong to the spelling of Persian, Hindi and emoji; between or beside ASCII they only hide things.
_JOINERS = "(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
_ONE_LINE = re.compile(f"[{_UNSEEN}]|{_JOINERS}")
_LINES = re.compile(f"(?![\n\t])(?:[{_UNSEEN}]|{_JOINERS})")


def term_safe(text: str, *, lines: bool = False) -> str:
    r"""The text with every control, bidi, zero-width and line-separating character as a visible escape (`\x1b`).

    Newline and tab are kept with `lines`; without it the result is always one line. Printable text is never changed.
    """
    if text.isascii() and text.isprintable():
        return text
    return (_LINES if lines else _ONE_LINE).sub(_escape, text)


def unseen(text: str) -> Iterator[int]:
    """Where the characters stand that `term_safe` with `lines` would not let pass."""
    return (match.start() for match in _LINES.finditer(text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return {9: "\\t", 10: "\\n", 13: "\\r"}.get(code, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
