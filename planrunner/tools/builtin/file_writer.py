"""Writes a file of the project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from planrunner.errors import ToolHardError
from planrunner.tools.base import Tool, ToolRunContext
from planrunner.tools.builtin.file_reader import PATH
from planrunner.tools.project_files import append_to_file, replace_file


class FileWriter(Tool):
    """Writes text, or any other value as indented JSON, in UTF-8."""

    id = "file_writer"
    description = (
        "Writes a file below the project root; missing folders are made. Text is written as it is, any other value as "
        "indented JSON. Returns the path and how many bytes were written."
    )
    args_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": PATH,
            "content": {"description": "What to write: a text, or any other value, which is written as JSON"},
            "mode": {
                "enum": ["overwrite", "append"],
                "default": "overwrite",
                "description": "overwrite replaces the whole file, append adds to its end",
            },
        },
        "required": ["path", "content"],
        "additionalProperties": False,
    }
    output_schema: Mapping[str, Any] | None = {
        "type": "object",
        "properties": {"path": {"type": "string"}, "bytes": {"type": "integer", "minimum": 0}},
        "required": ["path", "bytes"],
        "additionalProperties": False,
    }
    effect = "write"

    def run(self, ctx: ToolRunContext, path: str, content: Any, mode: str = "overwrite") -> dict[str, Any]:
        """Write the content; `bytes` counts what this call wrote."""
        written = _encoded(content)
        write = append_to_file if mode == "append" else replace_file
        write(ctx.root, path, written)
        return {"path": path, "bytes": len(written)}


def _encoded(content: Any) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ToolHardError(
            f"the content can't be written as UTF-8: {error.reason} at character {error.start}"
        ) from error
