"""How events and posts stand in a store: compact JSON text, which an event already is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from planrunner.events import Event
from planrunner.jsonsafe import dumps

_escaped = json.JSONEncoder(ensure_ascii=True, check_circular=False, allow_nan=False, separators=(",", ":")).encode


def pack(value: Any) -> str:
    """The value as JSON text that any store can keep. Lone surrogates are escaped: UTF-8 has no bytes for them."""
    text = dumps(value)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _escaped(value)
    return text


def pack_events(events: Sequence[Event]) -> str:
    """One batch as one JSON array."""
    return pack(events)


def unpack_events(batches: Iterable[str]) -> tuple[Event, ...]:
    """The events of all batches, in order."""
    return tuple(Event._make(event) for batch in batches for event in json.loads(batch))


def unpack(text: str) -> Any:
    """What `pack` was given, as JSON tells it."""
    return json.loads(text)
