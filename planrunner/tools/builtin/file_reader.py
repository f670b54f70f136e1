"""Reads a text file of the project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from planrunner.errors import ToolSoftError
from planrunner.tools.base import Tool, ToolRunContext
from planrunner.tools.project_files import read_bytes

ENCODINGS: Final = ("utf-8", "utf-16", "latin-1", "cp1252")
PATH: Final = {
    "type": "string",
    "minLength": 1,
    "description": "Path of the file, relative to the project root, e.g. data/notes.txt",
}


class FileReader(Tool):
    """Gives back a file's text as it stands, line ends included."""

    id = "file_reader"
    description = "Reads a text file (at most 4 MiB) below the project root and returns its text."
    args_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": PATH,
            "encoding": {"enum": list(ENCODINGS), "default": "utf-8", "description": "How the text is encoded"},
        },
        "required": ["path"],
        "additionalProperties": False,
    }
    output_schema: Mapping[str, Any] | None = {"type": "string"}
    effect = "read"

    def run(self, ctx: ToolRunContext, path: str, encoding: str = "utf-8") -> str:
        """The text of the file."""
        return decoded(read_bytes(ctx.root, path), path, encoding)


def decoded(content: bytes, path: str, encoding: str) -> str:
    """The text, or a ToolSoftError that says where it stops being text of this encoding."""
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        where = f" at byte {error.start}" if isinstance(error, UnicodeDecodeError) else ""
        others = ", ".join(known for known in ENCODINGS if known != encoding)
        raise ToolSoftError(f"{path!r} is not {encoding} text{where}; other encodings: {others}") from error
