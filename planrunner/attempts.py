"""When a failing call is made again: on which model, after which wait, and when to give up. Decides; does nothing.

A call goes round its models, in their order, `max_attempts` times at most: the next model is tried at once, the wait of
`retry` stands before each further round. A model whose failure repeating will not mend is left out of further rounds.
What comes next follows from the failures alone, so that a run that is carried on goes on with its retries.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import SystemRandom
from typing import Any, Final, NamedTuple

from planrunner.errors import DeadlineError, ModelError, RateLimitedError, TransientError
from planrunner.plan import Retry

ONCE: Final = Retry(max_attempts=1)
LLM_RETRY: Final = Retry()
"""How LLM calls are made again when a plan says nothing."""
LLM_SECONDS: Final = 300.0
"""How long one attempt of an LLM call may take when a plan says nothing."""
MAX_WAIT: Final = 60.0
"""No wait of ours grows beyond this, in seconds; a server may ask for a longer one."""
_JITTER: Final = 0.2
"""Exponential waits vary by so much, up or down: callers who failed together do not come back together."""
_CHANCE: Final = SystemRandom()
_NEXT_MODEL: Final = frozenset(error.kind for error in (TransientError, RateLimitedError, DeadlineError, ModelError))


class Failure(NamedTuple):
    """A failed attempt: `choice` is the index of its model, `retry_after` what the server asked for, in seconds."""

    choice: int
    kind: str
    retry_after: float | None = None


class Next(NamedTuple):
    """The attempt to be made now, after `wait` seconds."""

    choice: int = 0
    wait: float = 0.0


def next_attempt(models: int, retry: Retry, failures: Sequence[Failure]) -> Next | None:
    """What comes after these failures; None when there is nothing more to try.

    models  how many there are to choose from; 1 for a call that is no model's
    """
    if not failures:
        return Next()
    last = failures[-1]
    if models > 1 and last.kind not in _NEXT_MODEL and last.kind not in retry.on:
        return None
    for step in range(1, models + 1):
        choice = (last.choice + step) % models
        before = [failure for failure in failures if failure.choice == choice]
        if len(before) < retry.max_attempts and all(failure.kind in retry.on for failure in before):
            return Next(choice, _wait(retry, before))
    return None


def _wait(retry: Retry, before: Sequence[Failure]) -> float:
    """Seconds before a model, or a tool, is asked again; the server's own wish counts where it is longer."""
    if not before:
        return 0.0
    wait = retry.delay
    if retry.exponential:
        wait = min(MAX_WAIT, wait * 2 ** (len(before) - 1)) * _CHANCE.uniform(1 - _JITTER, 1 + _JITTER)
    return max(wait, before[-1].retry_after or 0.0)


def failure_of(error: Any, choice: int = 0) -> Failure:
    """A StepError as a failure."""
    return Failure(choice, error.kind, getattr(error, "retry_after", None))
