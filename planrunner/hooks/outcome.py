"""What a hook before a step may say."""

from __future__ import annotations

from enum import StrEnum


class BeforeStepExecutionOutcome(StrEnum):
    """Whether the step is carried out. None counts as CONTINUE."""

    CONTINUE = "CONTINUE"
    SKIP = "SKIP"
