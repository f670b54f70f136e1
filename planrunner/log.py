"""The log of planrunner, for those who want to write into it."""

from __future__ import annotations

import logging


def logger() -> logging.Logger:
    """The logger `planrunner` of the standard library. Where its lines go is the application's to say."""
    return logging.getLogger("planrunner")
