"""What stands in a prompt in place of a value that is too large for it."""

from __future__ import annotations

from typing import Any, Final

from planrunner.jsonsafe import dumps

CHARACTERS_PER_TOKEN: Final = 4
"""An estimate that holds well enough for English and JSON; no tokenizer is asked, for each model has its own."""
_EXCERPT: Final = 1_000
_KEYS: Final = 12


def summary_of(value: Any, most_tokens: int, name: str = "the value") -> str | None:
    """A few lines that tell what the value is and how it begins; None when it has no more than `most_tokens` tokens.

    Made without a model: the same value always has the same summary, and it costs nothing.
    """
    text = value if isinstance(value, str) else dumps(value) if isinstance(value, list | dict) else ""
    most = most_tokens * CHARACTERS_PER_TOKEN
    if len(text) <= most:
        return None
    excerpt = text[: min(_EXCERPT, most)]
    tokens = f"about {len(text) // CHARACTERS_PER_TOKEN:,} tokens"
    return f"[{name} is too large to stand here whole: {_shape(value)}, {tokens}. It begins:]\n{excerpt}\n[…]"


def _shape(value: Any) -> str:
    if isinstance(value, str):
        return f"a text of {len(value):,} characters"
    if isinstance(value, dict):
        return f"an object with {_keys(value)}"
    rows = [item for item in value if isinstance(item, dict)]
    if len(rows) < len(value) or not rows:
        return f"a list of {len(value):,} items"
    return f"a list of {len(value):,} objects, the first with {_keys(rows[0])}"


def _keys(value: dict[str, Any]) -> str:
    named = ", ".join(list(value)[:_KEYS])
    more = f" and {len(value) - _KEYS:,} more" if len(value) > _KEYS else ""
    return f"the keys {named}{more}" if value else "no keys"
