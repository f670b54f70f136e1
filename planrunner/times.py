"""Moments as people and JSON read them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(seconds: float) -> str:
    """Seconds since 1970 as an ISO time in UTC, to the millisecond: `2026-01-02T03:04:05.678Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
