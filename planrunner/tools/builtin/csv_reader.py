"""Reads a table from a CSV file of the project."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from planrunner.errors import ToolSoftError
from planrunner.registry import hint
from planrunner.tools.base import Tool, ToolRunContext
from planrunner.tools.builtin.file_reader import PATH, decoded
from planrunner.tools.project_files import read_bytes

_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class CsvReader(Tool):
    """One object per row, with the names of the first line. Cells are texts unless `types` says otherwise."""

    id = "csv_reader"
    description = (
        "Reads a CSV file (UTF-8, at most 4 MiB) below the project root. The first line names the columns; returns a "
        "list with one object per row. Cells are texts, so that no digit is lost, unless types says otherwise."
    )
    args_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": PATH,
            "delimiter": {"enum": [",", ";", "\t", "|"], "default": ",", "description": "What separates the cells"},
            "types": {
                "type": "object",
                "additionalProperties": {"enum": ["string", "integer", "number", "boolean"]},
                "default": {},
                "description": "Column → type of its cells, e.g. {amount: number}; an empty cell is then null",
            },
        },
        "required": ["path"],
        "additionalProperties": False,
    }
    output_schema: Mapping[str, Any] | None = {"type": "array", "items": {"type": "object"}}
    effect = "read"

    def run(
        self, ctx: ToolRunContext, path: str, delimiter: str = ",", types: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """The rows. ToolSoftError, with the line, where the file is not the table it should be."""
        text = decoded(read_bytes(ctx.root, path), path, "utf-8").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            return list(_rows(lines, path, types or {}))
        except csv.Error as error:
            raise ToolSoftError(f"{path!r}, line {lines.line_num}: {error}") from error


def _rows(lines: Any, path: str, types: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    header: list[str] = next(lines, [])
    _check_header(header, path, types)
    readers = [_READERS[types.get(name, "string")] for name in header]
    for cells in lines:
        if not cells:
            continue
        if len(cells) != len(header):
            raise ToolSoftError(
                f"{path!r}, line {lines.line_num}: {len(cells)} cells, where the header names {len(header)} columns"
            )
        yield {
            name: _read(read, cell, f"{path!r}, line {lines.line_num}, column {name!r}")
            for name, read, cell in zip(header, readers, cells, strict=True)
        }


def _check_header(header: list[str], path: str, types: Mapping[str, str]) -> None:
    if not header:
        raise ToolSoftError(f"{path!r} has no header line; expected the names of the columns, e.g. date,amount")
    for place, name in enumerate(header, 1):
        if not name.strip():
            raise ToolSoftError(f"{path!r}: column {place} has no name in the header")
        if name in header[: place - 1]:
            raise ToolSoftError(f"{path!r}: the header names the column {name!r} twice")
    for name in types:
        if name not in header:
            raise ToolSoftError(f"types names the column {name!r}, which {path!r} does not have{hint(name, header)}")


def _read(read: Callable[[str], Any], cell: str, where: str) -> Any:
    try:
        return read(cell)
    except ValueError:
        shown = cell if len(cell) <= 40 else f"{cell[:40]}…"
        raise ToolSoftError(f"{where}: {shown!r} is no {_NAMES[read]}") from None


def _integer(cell: str) -> int | None:
    if not cell.strip():
        return None
    if not _INTEGER.fullmatch(cell.strip()):
        raise ValueError(cell)
    return int(cell)


def _number(cell: str) -> int | float | None:
    if not cell.strip() or _INTEGER.fullmatch(cell.strip()):
        return _integer(cell)
    if not _NUMBER.fullmatch(cell.strip()) or math.isinf(float(cell)):
        raise ValueError(cell)
    return float(cell)


def _boolean(cell: str) -> bool | None:
    if not cell.strip():
        return None
    word = cell.strip().casefold()
    if word not in ("true", "false"):
        raise ValueError(cell)
    return word == "true"


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "string": str,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
_NAMES: Final = {read: name for name, read in _READERS.items()}
