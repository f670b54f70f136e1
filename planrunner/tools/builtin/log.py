"""Writes a line to the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from planrunner.jsonsafe import dumps
from planrunner.termsafe import term_safe
from planrunner.tools.base import Tool, ToolRunContext

logger = logging.getLogger("planrunner")


class Log(Tool):
    """Writes to the logger `planrunner`, one line per call, with nothing in it that a terminal would obey."""

    id = "log"
    description = "Writes a message to the log, on one line, and returns the message."
    args_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "message": {"description": "What to write; a value that is not text is written as JSON"},
            "level": {"enum": ["debug", "info", "warning", "error"], "default": "info"},
        },
        "required": ["message"],
        "additionalProperties": False,
    }
    effect = "read"
    inline = True
    self_contained = True

    def run(self, ctx: ToolRunContext, message: Any, level: str = "info") -> Any:
        """Write the message and return it as it came."""
        text = message if isinstance(message, str) else dumps(message)
        logger.log(logging.getLevelNamesMapping()[level.upper()], "%s", term_safe(text))
        return message
