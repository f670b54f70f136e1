"""Ids: `prun-…` for runs, `plan-…` for plans. Only ids made here ever become file names."""

from __future__ import annotations

import re
import uuid
from functools import lru_cache

_PLANS = uuid.UUID("5d9e7c52-6f0c-5c39-9a52-0f5f3f1f6d11")
_RUN_ID = re.compile(r"prun-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_run_id() -> str:
    """A fresh run id: `prun-` and a random UUID."""
    return f"prun-{uuid.uuid4()}"


@lru_cache
def plan_id(sha256: str) -> str:
    """The id of the plan whose files have this digest: the same bytes, the same id, on every machine."""
    return f"plan-{uuid.uuid5(_PLANS, sha256)}"


def clarification_id(run_id: str, key: str, generation: int = 0) -> str:
    """The id of the question that stands under this key in that run: raised twice, it is the same question."""
    return f"clar-{uuid.uuid5(_PLANS, f'{run_id} {key} {generation}')}"


def is_run_id(text: str) -> bool:
    """Whether this text could be one of our run ids."""
    return _RUN_ID.fullmatch(text) is not None
